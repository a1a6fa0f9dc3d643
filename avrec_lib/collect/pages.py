"""From the bytes of a page to a record: title, description, tags, creator, dates, and where to go next.

A page is a stranger's text. Its encoding may be declared wrongly, nodes may be
absent, and text may hold markup; a field that cannot be read is None, and
nothing here raises.
"""

import json
import math
import re
from collections.abc import Iterator
from html import unescape
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
from bs4 import BeautifulSoup

from avrec_lib.collect.addresses import origin_of, tidy_address
from avrec_lib.collect.markup import decode_page, plain_text, soup_of

__all__ = ["FIELDS", "find_links", "parse_clip_page", "parse_duration", "read_clip", "read_sitemap"]

FIELDS: tuple[str, ...] = (
    "title",
    "description",
    "tags",
    "creator_id",
    "uploaded",
    "duration_seconds",
    "content_url",
)
"""What a page says about its clip."""

_MOST_TAGS = 200
_LONGEST_TITLE, _LONGEST_DESCRIPTION = 2_000, 5_000  # characters of what is cleaned
_LONGEST_TAG = 100  # characters of what is cleaned, so that a page of long keywords costs no minutes
_YEARS = (1900, 2200)  # beyond them a date is a slip or an attack, and an offset may leap over the calendar's end
_CLIP = re.compile(r"/clips/([A-Za-z0-9_-]{1,64})/?\Z")
_CREATOR = re.compile(r"/creators/([A-Za-z0-9_-]{1,64})/?\Z")
_LOCATION = re.compile(r"<loc>\s*(?:<!\[CDATA\[)?([^<>\]]{1,2000})")
_CREATOR_LINK = 'a[rel~="author"]'
_DURATION = re.compile(
    r"P(?:(?P<d>\d{1,6}(?:\.\d{1,9})?)D)?"
    r"(?:T(?:(?P<h>\d{1,6}(?:\.\d{1,9})?)H)?(?:(?P<m>\d{1,6}(?:\.\d{1,9})?)M)?(?:(?P<s>\d{1,9}(?:\.\d{1,9})?)S)?)?",
    re.ASCII,
)
_SECONDS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}


def parse_duration(text: object) -> float | None:
    """Read a duration of ISO 8601, such as ``PT1M6.5S``.

    Parameters
    ----------
    text : object
        What stands in the page.

    Returns
    -------
    float or None
        Seconds, above 0; None for anything else. Years and months have no fixed length and are not read.
    """
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 100 else None
    parts = {name: value for name, value in match.groupdict().items() if value} if match else {}
    seconds = sum(float(value) * _SECONDS[name] for name, value in parts.items())
    return seconds if parts and math.isfinite(seconds) and seconds > 0.0 else None


def _parse_time(text: object) -> pd.Timestamp | None:
    """Read a moment of ISO 8601; without a zone it is taken as UTC."""
    if not isinstance(text, str) or not re.match(r"\d{4}-\d{2}-\d{2}", text) or len(text) > 40:
        return None
    try:
        moment = pd.Timestamp(text)
        moment = moment.tz_localize("UTC") if moment.tzinfo is None else moment.tz_convert("UTC")
        return moment.as_unit("us") if _YEARS[0] <= moment.year < _YEARS[1] else None
    except (ValueError, OverflowError, TypeError):
        return None


def _objects(soup: BeautifulSoup) -> Iterator[dict[str, Any]]:
    """Yield the JSON-LD objects of a page, those in lists and graphs too."""
    for script in soup.find_all("script", attrs={"type": re.compile(r"\s*application/ld\+json\s*\Z", re.IGNORECASE)}):
        try:
            found = json.loads(script.get_text())
        except (ValueError, RecursionError):
            continue
        for item in found if isinstance(found, list) else [found]:
            if isinstance(item, dict):
                graph = item.get("@graph")
                yield from (
                    part for part in [item, *(graph if isinstance(graph, list) else [])] if isinstance(part, dict)
                )


def _video(soup: BeautifulSoup) -> dict[str, Any]:
    """Return the page's description of its video; empty where there is none."""
    for item in _objects(soup):
        kind = item.get("@type")
        if kind == "VideoObject" or (isinstance(kind, list) and "VideoObject" in kind):
            return item
    return {}


def _meta(soup: BeautifulSoup) -> dict[str, str]:
    """Return the page's meta elements by name; the first of a name counts."""
    found: dict[str, str] = {}
    for node in soup.find_all("meta"):
        name, content = node.get("property") or node.get("name"), node.get("content")
        if isinstance(name, str) and isinstance(content, str):
            found.setdefault(name.lower(), content)
    return found


def _tags(keywords: object) -> str | None:
    """Return keywords, a list or text with commas, as words separated by '|'."""
    words = keywords.split(",") if isinstance(keywords, str) else keywords if isinstance(keywords, list) else []
    texts = [word[:_LONGEST_TAG] for word in words[:_MOST_TAGS] if isinstance(word, str)]
    plain = [(plain_text(text) or "").replace("|", "/") for text in texts]
    return "|".join(dict.fromkeys(word for word in plain if word)) or None


def _first(longest: int, *values: object) -> str | None:
    """Return the first value that has text, plain; only its first characters are looked at, since each costs time."""
    texts = (plain_text(value[:longest]) for value in values if isinstance(value, str))
    return next((text for text in texts if text), None)


def _base(soup: BeautifulSoup, url: str) -> str:
    """Return the address that a page's relative links start from."""
    return tidy_address(url, _value(soup, "base[href]", "href")) or url


def parse_clip_page(html: bytes, url: str, content_type: str = "") -> dict[str, Any]:
    """Read the page of a clip.

    The page's JSON-LD is asked first, then its ``og:`` elements, then its nodes: one of the three may be broken.

    Parameters
    ----------
    html : bytes
        The page.
    url : str
        Its address; gives ``clip_id`` and makes links absolute.
    content_type : str
        The header of that name, for the encoding.

    Returns
    -------
    dict
        ``clip_id``; all of :data:`FIELDS` (text is plain: no markup, entities resolved, read to
        2,000 characters of a title and 5,000 of a description; ``tags`` are words separated
        by '|'; ``uploaded`` a Timestamp in UTC; ``duration_seconds`` a float); ``missing``, the names of the fields
        that are None. Absent or unreadable nodes give None; nothing is raised.
    """
    return read_clip(soup_of(decode_page(html, content_type)), url)


def read_clip(soup: BeautifulSoup, url: str) -> dict[str, Any]:
    """Read a clip from a parsed page; see :func:`parse_clip_page`.

    Parameters
    ----------
    soup : BeautifulSoup
        The page.
    url : str
        Its address.

    Returns
    -------
    dict
        The record.
    """
    video, meta, base = _video(soup), _meta(soup), _base(soup, url)
    creator = video.get("creator") or video.get("author")
    creator = creator[0] if isinstance(creator, list) and creator else creator
    creator_url = (creator.get("url") if isinstance(creator, dict) else creator) or _value(soup, _CREATOR_LINK, "href")
    record: dict[str, Any] = {
        "title": _first(_LONGEST_TITLE, video.get("name"), meta.get("og:title"), _value(soup, "h1.clip-title")),
        "description": _first(
            _LONGEST_DESCRIPTION, video.get("description"), meta.get("og:description"), _value(soup, "p.description")
        ),
        "tags": _tags(video.get("keywords")) or _tags(_listed(soup)),
        "creator_id": _number_of(_CREATOR, tidy_address(base, creator_url)),
        "uploaded": _parse_time(video.get("uploadDate")) or _parse_time(_value(soup, "time[datetime]", "datetime")),
        "duration_seconds": parse_duration(video.get("duration"))
        or _seconds(_value(soup, "[data-seconds]", "data-seconds")),
        "content_url": tidy_address(base, video.get("contentUrl")) or tidy_address(base, meta.get("og:video")),
    }
    missing = [name for name in FIELDS if record[name] is None]
    # A page that has moved still says whose it is.
    canonical = tidy_address(base, _value(soup, 'link[rel="canonical"]', "href"))
    return {"clip_id": _number_of(_CLIP, url) or _number_of(_CLIP, canonical), **record, "missing": missing}


def _listed(soup: BeautifulSoup) -> list[str]:
    """Return the texts of a page's list of tags.

    Items may stand inside each other, ten thousand deep; each is looked into a little way only.
    """
    items = soup.select("ul.tags > li", limit=_MOST_TAGS)
    return ["".join(part for part in islice(item.descendants, 20) if isinstance(part, str)) for item in items]


def _value(soup: BeautifulSoup, selector: str, attribute: str | None = None) -> str | None:
    """Return the text or an attribute of the first node that a CSS selector finds."""
    node = soup.select_one(selector)
    value = None if node is None else node.get_text() if attribute is None else node.get(attribute)
    return value if isinstance(value, str) else None


def _number_of(pattern: re.Pattern[str], url: str | None) -> str | None:
    """Return the identifier in the path of an address."""
    found = pattern.search(urlsplit(url).path) if url else None
    return found.group(1) if found else None


def _seconds(text: str | None) -> float | None:
    """Read whole or decimal seconds."""
    found = re.fullmatch(r"\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*", text or "")
    return float(found.group(1)) or None if found else None


def find_links(soup: BeautifulSoup, url: str) -> list[str]:
    """Return where a page's anchors lead on the same site.

    Parameters
    ----------
    soup : BeautifulSoup
        The page.
    url : str
        Its address.

    Returns
    -------
    list of str
        Absolute addresses of the same scheme, host and port, each once, in the order of the page; relative ones start
        from the page's ``base``, where it has one. Links marked ``rel="nofollow"`` are left out. How
        many there can be, :func:`avrec_lib.collect.markup.tidy` bounds.
    """
    here, base, found = origin_of(url), _base(soup, url), dict[str, None]()
    for node in soup.find_all("a", href=True):
        if "nofollow" in (word.casefold() for word in node.get("rel") or []):
            continue
        link = tidy_address(base, node["href"])
        if link is not None and origin_of(link) == here:
            found[link] = None
    return list(found)


def read_sitemap(text: str, url: str) -> tuple[list[str], list[str]]:
    """Read a sitemap or an index of sitemaps.

    It is searched, not parsed as XML: entities are not expanded, and a broken one still gives what it has.

    Parameters
    ----------
    text : str
        The file.
    url : str
        Its address.

    Returns
    -------
    pages, sitemaps : list of str
        Addresses on the same site.
    """
    here = origin_of(url)
    links = (tidy_address(url, unescape(found[1])) for found in _LOCATION.finditer(text))
    found = list(dict.fromkeys(link for link in links if link is not None and origin_of(link) == here))
    return ([], found) if "<sitemapindex" in text[:2000] else (found, [])
