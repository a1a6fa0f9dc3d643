"""The HTML of the site.

Every text that a person wrote is escaped where it meets the markup.
"""

import json
from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import quote

import pandas as pd

from avrec_lib.world.site.shelf import Entry

__all__ = [
    "BROWSE_SIZE",
    "browse_page",
    "clip_page",
    "creator_page",
    "history_page",
    "home_page",
    "message_page",
    "search_page",
]

BROWSE_SIZE = 20
"""Clips on one page of ``/browse``."""

_FOOT = "© Tidepool — short clips, long evenings"


def _page(title: str, body: str, head: str = "") -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n{head}'
        '</head>\n<body>\n<header><a href="/">Tidepool</a> <a href="/browse">Browse</a> '
        '<form action="/search"><input name="q" aria-label="Search"></form></header>\n'
        f"<main>\n{body}</main>\n<footer>{_FOOT}</footer>\n</body>\n</html>\n"
    )


def _cards(entries: Sequence[Entry]) -> str:
    rows = "".join(
        f'<li><a class="clip" href="/clips/{quote(entry.clip_id)}">{escape(entry.title)}</a> '
        f'<a class="by" href="/creators/{quote(entry.creator_id)}">{escape(entry.creator)}</a></li>\n'
        for entry in entries
    )
    return f'<ul class="clips">\n{rows}</ul>\n'


def _iso(entry: Entry) -> str:
    return entry.uploaded.isoformat().replace("+00:00", "Z")


def _json_ld(entry: Entry, url: str) -> str:
    """Return structured data as it stands inside a script element."""
    facts: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "VideoObject",
        "identifier": entry.clip_id,
        "url": f"{url}/clips/{quote(entry.clip_id)}",
        "name": entry.title,
        "uploadDate": _iso(entry),
        "duration": f"PT{entry.seconds:.6f}".rstrip("0").rstrip(".") + "S",
        "keywords": list(entry.tags),
        "creator": {
            "@type": "Person",
            "identifier": entry.creator_id,
            "name": entry.creator,
            "url": f"{url}/creators/{quote(entry.creator_id)}",
        },
        "interactionStatistic": [
            {"@type": "InteractionCounter", "interactionType": {"@type": action}, "userInteractionCount": count}
            for action, count in (("WatchAction", entry.views), ("LikeAction", entry.likes))
        ],
    }
    if entry.description:
        facts["description"] = entry.description
    if entry.file:
        facts["contentUrl"] = f"{url}/media/{quote(entry.file, safe='')}"
        facts["encodingFormat"] = "video/mp4"
    # A title may hold "</script>"; inside JSON strings these letters may be written as numbers.
    return json.dumps(facts, ensure_ascii=False).translate({60: "\\u003c", 62: "\\u003e", 38: "\\u0026"})


def clip_page(
    entry: Entry, related: Sequence[Entry], url: str, *, with_title: bool = True, whole_json: bool = True
) -> str:
    """Write the page of a clip.

    Parameters
    ----------
    entry : Entry
        The clip.
    related : sequence of Entry
        Clips to link to.
    url : str
        Address of the site, without the last slash.
    with_title : bool
        False leaves out heading, structured data and the title's meta.
    whole_json : bool
        False cuts the structured data in the middle.

    Returns
    -------
    str
        HTML.
    """
    data = _json_ld(entry, url)
    if not whole_json:
        data = data[: len(data) // 2]
    address = f"{url}/clips/{quote(entry.clip_id)}"
    head = f'<link rel="canonical" href="{escape(address)}">\n<meta property="og:type" content="video.other">\n'
    head += f'<meta property="og:url" content="{escape(address)}">\n'
    if entry.description:
        head += f'<meta property="og:description" content="{escape(entry.description)}">\n'
    body = ""
    if with_title:
        head += f'<meta property="og:title" content="{escape(entry.title)}">\n'
        head += f'<script type="application/ld+json">{data}</script>\n'
        body += f'<h1 class="clip-title">{escape(entry.title)}</h1>\n'
    if entry.file:
        media = f"/media/{quote(entry.file, safe='')}"
        head += f'<meta property="og:video" content="{escape(url + media)}">\n'
        body += f'<video controls preload="none" src="{escape(media)}"></video>\n'
    if entry.description:
        body += f'<p class="description">{escape(entry.description)}</p>\n'
    # Without their titles, so that this page changes only when its own clip does.
    more = "".join(
        f'<a class="clip" href="/clips/{quote(other.clip_id)}">{other.seconds:.1f} s by {escape(other.creator)}</a>\n'
        for other in related
    )
    tags = "".join(f"<li>{escape(tag)}</li>" for tag in entry.tags)
    body += (
        f'<ul class="tags">{tags}</ul>\n'
        f'<p>By <a class="creator" rel="author" href="/creators/{quote(entry.creator_id)}">{escape(entry.creator)}</a>'
        f' on <time datetime="{_iso(entry)}">{entry.uploaded:%d %B %Y}</time>, '
        f'<span class="duration" data-seconds="{entry.seconds:.6f}">{entry.seconds:.1f} s</span>, '
        f'<span class="views">{entry.views}</span> views, <span class="likes">{entry.likes}</span> likes</p>\n'
        f'<section class="related"><h2>More like this</h2>\n{more}</section>\n'
    )
    return _page(f"{entry.title} – Tidepool" if with_title else "Tidepool", body, head)


def browse_page(entries: Sequence[Entry], number: int, last: int) -> str:
    """Write one page of the list of all clips.

    Parameters
    ----------
    entries : sequence of Entry
        The clips on it.
    number, last : int
        Which page this is, counted from 1, and which is the last.

    Returns
    -------
    str
        HTML, with ``rel="prev"`` and ``rel="next"`` where there are such pages.
    """
    head, links = "", ""
    for name, other in (("prev", number - 1), ("next", number + 1)):
        if 1 <= other <= last:
            head += f'<link rel="{name}" href="/browse?page={other}">\n'
            links += f'<a rel="{name}" href="/browse?page={other}">{name}</a> '
    return _page(f"Browse, page {number} of {last} – Tidepool", f"{_cards(entries)}<nav>{links}</nav>\n", head)


def creator_page(entries: Sequence[Entry]) -> str:
    """Write the page of a creator.

    Parameters
    ----------
    entries : sequence of Entry
        All clips of one creator, at least one.

    Returns
    -------
    str
        HTML.
    """
    name = entries[0].creator
    return _page(f"{name} – Tidepool", f'<h1 class="creator-name">{escape(name)}</h1>\n{_cards(entries)}')


def home_page(newest: Sequence[Entry], staff: Sequence[Entry], person: str | None) -> str:
    """Write the front page.

    Parameters
    ----------
    newest, staff : sequence of Entry
        The newest clips, and pages that are no clips of the catalogue.
    person : str or None
        Whose history to link to, though robots may not follow.

    Returns
    -------
    str
        HTML.
    """
    body = f'<h1>Tidepool</h1>\n{_cards(newest)}<p><a rel="next" href="/browse?page=1">All clips</a></p>\n'
    if staff:
        body += f"<h2>From the staff</h2>\n{_cards(staff)}"
    if person is not None:
        body += f'<p><a href="/private/history/{quote(person)}">Your history</a></p>\n'
    return _page("Tidepool", body)


def search_page(words: str, found: Sequence[Entry]) -> str:
    """Write what a search found.

    Parameters
    ----------
    words : str
        What was searched, as a stranger typed it.
    found : sequence of Entry
        The clips.

    Returns
    -------
    str
        HTML.
    """
    return _page(f"{words} – Tidepool", f"<h1>{len(found)} clips for {escape(words)}</h1>\n{_cards(found)}")


def history_page(user_id: str, rows: pd.DataFrame) -> str:
    """Write what a person did last.

    Parameters
    ----------
    user_id : str
        Who.
    rows : DataFrame
        ``time, kind, clip_id``.

    Returns
    -------
    str
        HTML.
    """
    table = "".join(
        f"<tr><td>{time.isoformat()}</td><td>{escape(str(kind))}</td><td>{escape(str(clip))}</td></tr>\n"
        for time, kind, clip in rows.itertuples(index=False)
    )
    return _page("Your history – Tidepool", f"<h1>History of {escape(user_id)}</h1>\n<table>\n{table}</table>\n")


def message_page(title: str, text: str) -> str:
    """Write a page that holds one sentence.

    Parameters
    ----------
    title, text : str
        Its heading and its sentence.

    Returns
    -------
    str
        HTML.
    """
    return _page(title, f"<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n")
