"""What a crawl left in its folder: the records, the pages that they were read from, and what could not be had."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from avrec_lib.collect.bounded import FetchError, unpack
from avrec_lib.collect.frontier import DATABASE, RECORD_COLUMNS
from avrec_lib.collect.kept import explained

__all__ = ["read_failures", "read_page", "read_records"]


def _read(folder: str | Path, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Run a query on a crawl's file."""
    path = Path(folder) / DATABASE
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; crawl into {folder} first")
    with explained(path, "crawl"), closing(sqlite3.connect(path)) as database:
        return database.execute(query, values).fetchall()


def read_records(folder: str | Path) -> pd.DataFrame:
    """Read what a crawl found.

    Parameters
    ----------
    folder : path
        The crawl's.

    Returns
    -------
    DataFrame
        One row a clip's page, in the order of ``url``: ``url, clip_id, title, description, tags, creator_id, uploaded,
        duration_seconds, content_url`` as :func:`avrec_lib.collect.pages.parse_clip_page` gives them; ``missing``, a
        list of the fields that the page lacks; and where it comes from: ``fetched_at``, ``sha256`` of the page's bytes
        and ``status`` of the last answer (304: still as it was).

    Raises
    ------
    FileNotFoundError
        If there is no crawl.
    ValueError, RuntimeError, OSError
        If its file cannot be read: it is none of ours, is being written, or the disk fails.
    """
    rows = _read(folder, f"SELECT {', '.join(RECORD_COLUMNS)} FROM records ORDER BY url")  # noqa: S608  # our own names
    table = pd.DataFrame(rows, columns=list(RECORD_COLUMNS))
    text = ["url", "clip_id", "title", "description", "tags", "creator_id", "content_url", "sha256"]
    # The file may come from anybody.
    try:
        for name in ("uploaded", "fetched_at"):
            table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601", errors="coerce").dt.as_unit("us")
        table["missing"] = [_names(missing) for missing in table["missing"]]
        return table.astype({**dict.fromkeys(text, "str"), "duration_seconds": "float64", "status": "int64"})
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        told = f"{type(error).__name__}: {error}"[:300]
        raise ValueError(f"{Path(folder) / DATABASE} holds records that are none of a crawl's ({told})") from error


def _names(missing: str) -> list[str]:
    """Read a record's list of missing fields."""
    names = json.loads(missing)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"missing fields {missing[:60]!r}")
    return names


def read_failures(folder: str | Path) -> pd.DataFrame:
    """Read what a crawl could not have.

    Parameters
    ----------
    folder : path
        The crawl's.

    Returns
    -------
    DataFrame
        ``url, kind, detail, attempts``; kinds as of :class:`avrec_lib.collect.bounded.FetchError`, and
        ``unreadable`` for a page at which the parser failed. What the rules forbid has kind ``robots`` and no attempts.

    Raises
    ------
    FileNotFoundError
        If there is no crawl.
    ValueError, RuntimeError, OSError
        If its file cannot be read: it is none of ours, is being written, or the disk fails.
    """
    rows = _read(
        folder, "SELECT url, kind, detail, attempts FROM pages WHERE state IN ('failed', 'refused') ORDER BY url"
    )
    names = ["url", "kind", "detail", "attempts"]
    return pd.DataFrame(rows, columns=names).astype({**dict.fromkeys(names[:3], "str"), "attempts": "int64"})


def read_page(folder: str | Path, url: str, *, max_bytes: int = 20_000_000) -> bytes:
    """Return the bytes that a record was read from.

    Parameters
    ----------
    folder : path
        The crawl's.
    url : str
        The record's.
    max_bytes : int
        Largest page after unpacking, bytes.

    Returns
    -------
    bytes
        The page as it came, unpacked.

    Raises
    ------
    KeyError
        If there is no record of that address.
    ValueError
        If what is kept is no page, or a larger one.
    """
    rows = _read(folder, "SELECT html FROM records WHERE url = ?", (url,))
    if not rows:
        raise KeyError(f"no record of {url} in {folder}")
    try:
        return unpack(bytes(memoryview(rows[0][0])), "deflate", max_bytes, url)
    except (FetchError, TypeError) as error:
        raise ValueError(f"{Path(folder) / DATABASE} holds no page that can be read ({error})") from error
