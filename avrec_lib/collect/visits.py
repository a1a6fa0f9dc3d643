"""One visit of a crawl: a page is asked, read and settled, or put off with its reason."""

import hashlib
import json
import time
from datetime import UTC, datetime
from typing import Any

from bs4.exceptions import ParserRejectedMarkup

from avrec_lib.collect.addresses import origin_of, tidy_address
from avrec_lib.collect.bounded import Answer, FetchError, unpack
from avrec_lib.collect.frontier import Frontier, Page
from avrec_lib.collect.manners import PoliteClient
from avrec_lib.collect.markup import decode_page, soup_of
from avrec_lib.collect.pages import find_links, read_clip, read_sitemap
from avrec_lib.collect.rules import (
    HTML_TYPES,
    RULES_LAST,
    Manners,
    asks_for_time,
    conditions,
    is_redirect,
    pause_before_retry,
    read_rules,
    redirect_target,
)

__all__ = ["learn_rules", "visit"]

_LONGEST_REST = 86_400.0  # seconds: a site that asks for centuries is asked again after a day
# What parsers raise for input that nobody thought of. One page must never end a crawl of thousands.
_UNREADABLE = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, RecursionError),
    ParserRejectedMarkup,
)


def _record(page: Page, answer: Answer, soup: Any) -> dict[str, Any] | None:
    """Return the record of a clip's page, None for any other page."""
    found = read_clip(soup, page.url)
    if found["clip_id"] is None:
        return None
    uploaded = found["uploaded"]
    return {
        **found,
        "url": page.url,
        "uploaded": None if uploaded is None else uploaded.isoformat(),
        "missing": json.dumps(found["missing"]),
        "fetched_at": datetime.now(UTC).isoformat(),
        "sha256": hashlib.sha256(answer.body).hexdigest(),
        "status": answer.status,
    }


def _take_in(frontier: Frontier, page: Page, answer: Answer, most: int) -> None:
    """Read an answered page or sitemap and settle it."""
    etag, last_modified = answer.headers.get("etag"), answer.headers.get("last-modified")
    if page.role == "sitemap":
        body = unpack(answer.body, "gzip", most, page.url) if answer.body[:2] == b"\x1f\x8b" else answer.body
        pages, sitemaps = read_sitemap(decode_page(body), page.url)
        frontier.settle(page, etag=etag, last_modified=last_modified, links=pages, sitemaps=sitemaps)
        return
    soup = soup_of(decode_page(answer.body, answer.headers.get("content-type", "")))
    frontier.settle(
        page,
        etag=etag,
        last_modified=last_modified,
        links=find_links(soup, page.url),
        record=_record(page, answer, soup),
        html=answer.body,
    )


def visit(frontier: Frontier, client: PoliteClient, page: Page, seed: int) -> Answer | None:
    """Ask for one page and settle it.

    Parameters
    ----------
    frontier : Frontier
        What is known of the crawl.
    client : PoliteClient
        Asks.
    page : Page
        The page, which is due.
    seed : int
        Seed of the random part of the waits.

    Returns
    -------
    Answer or None
        The page's answer; None if it had none, and waits or is given up.
    """
    manners = client.manners
    if not client.may_fetch(page.url):
        frontier.fail(page, "robots", "robots.txt disallows it", refused=True)
        return None
    try:
        answer = client.ask_once(
            page.url,
            headers=conditions(page.etag, page.last_modified),
            types=HTML_TYPES if page.role == "page" else (),
        )
        if answer.status == 304:
            frontier.unchanged(page)
        elif is_redirect(answer):
            frontier.redirect(page, redirect_target(answer), manners.max_redirects)
        else:
            try:
                _take_in(frontier, page, answer, manners.max_bytes)
            except _UNREADABLE as error:
                frontier.fail(page, "unreadable", f"{type(error).__name__}: {error}"[:300])
                return None
    except FetchError as error:
        _put_off(frontier, manners, page, error, seed)
        return None
    return answer


def _put_off(frontier: Frontier, manners: Manners, page: Page, error: FetchError, seed: int) -> None:
    """Let a page that failed wait, or give it up; a site that asks for time is left alone altogether."""
    busy = asks_for_time(error)
    if busy:
        frontier.rest(time.time() + min(error.retry_after or 0.0, _LONGEST_REST))
    attempt, most = (page.busy + 1, manners.busy_retries) if busy else (page.attempts + 1, manners.tries_after(error))
    if attempt > most:
        frontier.fail(page, error.kind, error.detail, status=error.status)
        return
    # The site's own wait is kept by the frontier; this one is the page's, so that "wait 0 s" is no invitation.
    wait = pause_before_retry(manners, attempt, page.url, seed)
    frontier.postpone(page, time.time() + wait, error.kind, error.detail, busy=busy)


def learn_rules(frontier: Frontier, client: PoliteClient, start: str) -> None:
    """Read the site's rules, or recall those that this round has read within a day, and add what they announce.

    Parameters
    ----------
    frontier : Frontier
        What is known of the crawl; keeps the rules.
    client : PoliteClient
        Asks, and keeps them too.
    start : str
        Where the crawl starts.

    Raises
    ------
    FetchError
        ``robots`` if the rules cannot be read, or forbid the start.
    """
    kept, read_at = frontier.fact("robots.txt"), float(frontier.fact("robots.txt read at") or 0.0)
    if kept is not None and 0.0 <= time.time() - read_at < RULES_LAST:
        client.learn_rules(start, kept, age=time.time() - read_at)
        return
    read_at = time.time()
    text = client.robots_txt(start)
    if not client.may_fetch(start):
        why = text.splitlines()[0] if text.startswith("# No rules") else "robots.txt disallows the start page"
        raise FetchError("robots", start, why)
    named = (tidy_address(start, link) for link in read_rules(text).sitemaps)
    frontier.add((url for url in named if url is not None and origin_of(url) == origin_of(start)), "sitemap")
    frontier.add([start])
    frontier.note("robots.txt read at", str(read_at))
    frontier.note("robots.txt", text)
