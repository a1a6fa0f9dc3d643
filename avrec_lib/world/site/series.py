"""Series and episode number of a clip, as its own text names them."""

import re
from functools import cache

from avrec_lib.world.text_moods import SERIES_NAMES

__all__ = ["read_series"]


@cache
def _forms() -> tuple[dict[str, str], tuple[re.Pattern[str], ...], re.Pattern[str]]:
    """Return each way of writing a series, in lower case, and the patterns that find one with and without a number."""
    full: dict[str, str] = {}
    short: dict[str, str] = {}
    for name, (title, letters, hashtag, nickname) in SERIES_NAMES.items():
        full |= dict.fromkeys((title.casefold(), nickname.casefold(), "#" + hashtag), name)
        short[letters.casefold()] = name
    known = full | short
    every, sure, brief = (
        "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)) for forms in (known, full, short)
    )
    # A few letters alone could be anything, so they count only where a title or a sentence sets them off.
    name = rf"(?:(?<!\w)(?P<s>{sure})|(?:^|[|\[(>.:»] ?)(?P<t>{brief}))"
    numbered = (
        rf"episode (?P<n>\d+) of (?:(?P<s>{every})(?!\w))(?P<t>)",
        rf"{name}(?:,? (?:number|no\.) | #| )(?P<n>\d+)(?!\w)",
    )
    bare = (
        rf"(?<!\w)(?P<s>{sure})(?!\w)|(?:^|[|(>»] ?|part of |more from )(?P<t>{brief})(?=[:)\].|<]|$| every week| \W)"
    )
    return known, tuple(re.compile(pattern) for pattern in numbered), re.compile(bare)


def read_series(*texts: str | None) -> tuple[str, int | None] | None:
    """Find the series that a clip's text names.

    Parameters
    ----------
    *texts : str or None
        Title, description; the first that names a series with a number wins, then the first that names one.

    Returns
    -------
    tuple of str and (int or None), or None
        Full name of the series and the clip's number in it, if the text gives one; None if no series is named.
    """
    known, numbered, bare = _forms()
    lowered = [text.casefold() for text in texts if text]
    for text in lowered:
        for pattern in numbered:
            if found := pattern.search(text):
                return known[found["s"] or found["t"]], int(found["n"])
    for text in lowered:
        if found := bare.search(text):
            return known[found["s"] or found["t"]], None
    return None
