"""Sections on real data: run where the data are, and tell the recorded results where they are not."""

import html
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from avrec_lib.publish.glance import Card
from avrec_lib.publish.ledger import Claim, state
from avrec_lib.publish.record import read_record

__all__ = ["claims_on_record", "data_sets_named", "real_data"]

RECORDS = Path(__file__).resolve().parents[2] / "book" / "claims"
_NAMED = re.compile(r"""\breal_data\(\s*["']([a-z0-9-]+)["']""")
_NOT_MEASURED = "not measured here"


def real_data(name: str) -> bool:
    """Say whether a real data set is on this machine; without it a section tells what was recorded.

    Parameters
    ----------
    name : str
        As :func:`avrec_lib.collect.datasets.load_dataset` knows it, written out, so that the build can see
        what a chapter asks for.

    Returns
    -------
    bool
        Whether the section can run.
    """
    # Imported late: what fetches data takes a while to load, and each chapter and its runner would pay for it.
    from avrec_lib.collect.datasets import has_dataset

    return has_dataset(name)


def data_sets_named(source: str) -> list[str]:
    """List the data sets that a chapter's text asks for.

    Parameters
    ----------
    source : str
        The chapter.

    Returns
    -------
    list of str
        Sorted, each once.

    Examples
    --------
    >>> data_sets_named('if real_data("esc10"):')
    ['esc10']
    """
    return sorted(set(_NAMED.findall(source)))


def claims_on_record(prefix: str, *, data_set: str, profile: str) -> Card:
    """State the recorded claims of a section whose data are not here, and say so on the page.

    Parameters
    ----------
    prefix : str
        What the names of the section's claims begin with.
    data_set : str
        The data set that is missing.
    profile : str
        Profile of the run.

    Returns
    -------
    Card
        The note: that the results are the recorded ones, and the command that fetches the data.

    Raises
    ------
    LookupError
        If nothing with this prefix is on record, or claims of several chapters are.
    """
    rows = {name: row for name, row in read_record(RECORDS / f"{profile}.json").items() if name.startswith(prefix)}
    if not rows:
        raise LookupError(
            f"no claim that begins with {prefix!r} is on record for the profile {profile!r}; "
            f"{_command(data_set)} and run the chapter with the data"
        )
    chapters = sorted({str(row["chapter"]) for row in rows.values()})
    if len(chapters) > 1:
        owners = ", ".join(chapters)
        raise LookupError(f"claims that begin with {prefix!r} belong to {owners}; give each its own prefix")
    known = {field.name for field in fields(Claim)}
    for name, row in rows.items():
        given: dict[str, Any] = {key: value for key, value in row.items() if key in known}
        if given["timing"]:
            given |= {"value": _NOT_MEASURED}
        state(Claim(name, **given))
    said = (
        f"The data set {data_set} is not on this machine, so the results of this section are those that were recorded "
        f"when it was run with the data. To run it yourself: "
    )
    command = _command(data_set)
    markup = (
        f'<div class="admonition note"><p class="admonition-title">Recorded results</p><p>{html.escape(said)}'
        f"<code>{html.escape(command)}</code></p></div>"
    )
    return Card(markup, said + command)


def _command(data_set: str) -> str:
    return f"python -m avrec_lib.collect fetch {data_set}"
