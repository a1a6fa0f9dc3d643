"""What a page of the platform's interface holds: strict JSON, items as agreed, and those that are not."""

import json
import math
import re
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from avrec_lib.collect.bounded import FetchError
from avrec_lib.collect.markup import clean_characters

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 1970, 2200

__all__ = ["ApiClip", "ApiCreator", "ApiPage", "read_items", "read_json"]


class ApiCreator(msgspec.Struct, frozen=True):
    """Who made a clip."""

    id: str
    name: str


class ApiClip(msgspec.Struct, frozen=True, kw_only=True):
    """One item as the interface promises it; fields that it does not name are ignored."""

    clip_id: str
    title: str
    creator: ApiCreator
    duration_ms: int
    uploaded: str
    views: int
    likes: int
    kind: Literal["single", "episode"]
    series: str | None = None
    episode: int | None = None

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.clip_id):  # an id becomes part of paths and pages
            raise ValueError("clip_id must have 1 to 64 letters, digits, hyphens or underscores")
        uploaded = datetime.fromisoformat(self.uploaded)
        if uploaded.tzinfo is None or not _FIRST_YEAR <= uploaded.year <= _LAST_YEAR:
            raise ValueError(f"uploaded must have a time zone and be from {_FIRST_YEAR} to {_LAST_YEAR}")
        for name, least, most in (("duration_ms", 1, 10**9), ("views", 0, 10**15), ("likes", 0, 10**15)):
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} must be from {least} to {most}")
        if self.episode is not None and not 0 <= self.episode <= 10**6:
            raise ValueError("episode must be from 0 to 1000000")


class ApiPage(NamedTuple):
    """One page of items.

    Attributes
    ----------
    cursor : str or None
        What it was asked by; None for the first.
    items : list of ApiClip
        Those that are as agreed.
    bad : list of (str, str)
        Reason and JSON text of those that are not.
    next_cursor : str or None
        What the next page is asked by; None at the end.
    total : int or None
        How many items the interface says it has.
    """

    cursor: str | None
    items: list[ApiClip]
    bad: list[tuple[str, str]]
    next_cursor: str | None
    total: int | None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there more than once")
    return found


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is not a number in JSON")
    return value


def _clean(value: Any) -> Any:
    """Take what no file can hold out of all texts."""
    if isinstance(value, str):
        return clean_characters(value)
    if isinstance(value, list):
        return [_clean(part) for part in value]
    if isinstance(value, dict):
        return {clean_characters(name): _clean(part) for name, part in value.items()}
    return value


def read_json(body: bytes, url: str) -> Any:
    """Read JSON strictly: UTF-8, no repeated key, finite numbers, bounded depth.

    Parameters
    ----------
    body : bytes
        The text.
    url : str
        For messages.

    Returns
    -------
    object
        Its value; texts are without control characters and lone surrogates.

    Raises
    ------
    FetchError
        ``json`` if it is anything else.
    """
    try:
        text = body.decode("utf-8")
        return _clean(json.loads(text, object_pairs_hook=_no_twins, parse_constant=_finite, parse_float=_finite))
    except (ValueError, RecursionError) as error:
        raise FetchError("json", url, str(error)[:200] or type(error).__name__) from error


def read_items(values: list[Any], limit: int) -> tuple[list[ApiClip], list[tuple[str, str]]]:
    """Read a page's items.

    Parameters
    ----------
    values : list
        As they stand in the page.
    limit : int
        How many were asked for.

    Returns
    -------
    items : list of ApiClip
        Those that are as agreed.
    bad : list of (str, str)
        Reason and JSON text of those that are not, and of the first beyond `limit`.
    """
    items: list[ApiClip] = []
    beyond = f"more than the {limit} items that were asked for: {len(values) - limit:,} more, and this is the first"
    bad = [(beyond, json.dumps(value)[:2000]) for value in values[limit : limit + 1]]
    for value in values[:limit]:
        try:
            items.append(msgspec.convert(value, ApiClip))
        except (msgspec.ValidationError, OverflowError) as error:
            bad.append((str(error)[:200], json.dumps(value)[:2000]))
    return items, bad
