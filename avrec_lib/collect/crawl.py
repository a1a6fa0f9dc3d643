"""A polite crawler of one site that can be killed: what it finds, what it could not have, and what it cost."""

import hashlib
import json
import math
import sqlite3
import time
import zlib
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from bs4.exceptions import ParserRejectedMarkup
from tqdm import tqdm

from avrec_lib.collect.addresses import origin_of, tidy_address
from avrec_lib.collect.bounded import Answer, FetchError, unpack
from avrec_lib.collect.frontier import DATABASE, RECORD_COLUMNS, Frontier, Page
from avrec_lib.collect.kept import explained
from avrec_lib.collect.manners import PoliteClient
from avrec_lib.collect.markup import decode_page, soup_of
from avrec_lib.collect.pages import find_links, read_clip, read_sitemap
from avrec_lib.collect.rules import (
    HTML_TYPES,
    Manners,
    conditions,
    is_redirect,
    pause_before_retry,
    read_rules,
    redirect_target,
)

__all__ = ["CrawlReport", "crawl", "read_failures", "read_page", "read_records"]


# What parsers raise for input that nobody thought of. One page must never end a crawl of thousands.
_UNREADABLE = (
    *(ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError, RecursionError),
    ParserRejectedMarkup,
)


@dataclass(frozen=True)
class CrawlReport:
    """What one call of :func:`crawl` did.

    Attributes
    ----------
    requests : int
        Requests sent, retries and ``robots.txt`` included.
    stored : int
        Pages that came in full.
    unchanged : int
        Pages that the site said are as they were (304).
    redirected : int
        Pages that are elsewhere.
    failed, refused : int
        Addresses given up, and not asked because the rules forbid it; see :func:`read_failures`.
    waiting : int
        Addresses still to be asked.
    dropped : int
        Links that were not followed, because a crawl knows 200,000 addresses at the most; the site has more than was
        read where this is not 0. A link that stands on two pages may count twice.
    resumed : bool
        Whether this call went on with a crawl that had been left.
    megabytes : float
        Size of the bodies, unpacked, 10^6 bytes.
    seconds, waited : float
        How long it took, and how much of that was waiting out of politeness, seconds.
    """

    requests: int
    stored: int
    unchanged: int
    redirected: int
    failed: int
    refused: int
    waiting: int
    dropped: int
    resumed: bool
    megabytes: float
    seconds: float
    waited: float

    @property
    def pages_per_second(self) -> float:
        """Pages answered (stored, unchanged or elsewhere) a second."""
        return (self.stored + self.unchanged + self.redirected) / max(self.seconds, 1e-9)

    def as_series(self) -> pd.Series:
        """Return the figures by name."""
        return pd.Series({**asdict(self), "pages_per_second": self.pages_per_second}, dtype=object)


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


def _visit(frontier: Frontier, client: PoliteClient, page: Page, seed: int) -> Answer | None:
    """Ask for one page and settle it; return its answer, None if it had none."""
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
        attempt = page.attempts + 1
        if attempt > manners.tries_after(error):
            frontier.fail(page, error.kind, error.detail, status=error.status)
        else:
            wait = error.retry_after
            wait = pause_before_retry(manners, attempt, page.url, seed) if wait is None else wait
            frontier.postpone(page, time.time() + wait, error.kind, error.detail)
        return None
    return answer


def _learn_rules(frontier: Frontier, client: PoliteClient, start: str, *, resumed: bool) -> None:
    """Read the site's rules, or recall them where a crawl goes on, and add what they announce."""
    kept = frontier.fact("robots.txt") if resumed else None
    if kept is not None:
        client.learn_rules(start, kept)
        return
    text = client.robots_txt(start)
    if not client.may_fetch(start):
        why = text.splitlines()[0] if text.startswith("# No rules") else "robots.txt disallows the start page"
        raise FetchError("robots", start, why)
    named = (tidy_address(start, link) for link in read_rules(text).sitemaps)
    frontier.add((url for url in named if url is not None and origin_of(url) == origin_of(start)), "sitemap")
    frontier.add([start])
    frontier.note("robots.txt", text)


def crawl(
    start: str,
    folder: str | Path,
    *,
    manners: Manners | None = None,
    pages: int | None = None,
    megabytes: float = 2_000.0,
    seconds: float = math.inf,
    progress: bool = True,
    seed: int = 0,
) -> CrawlReport:
    """Crawl a site: its sitemaps, its pages, and where they lead on the same site.

    One page is asked at a time. A page that fails is asked again later, while others go on. A crawl that was killed
    goes on where it was, and asks nothing twice but the page that was under way; a finished crawl is done again with
    conditional requests, so that only what has changed is sent.

    Parameters
    ----------
    start : str
        Address to start from; its scheme, host and port are the site.
    folder : path
        Where everything is kept.
    manners : Manners, optional
        The rules to keep.
    pages : int, optional
        Ask at most so many times in this call; what is left waits for the next.
    megabytes : float
        Ask no more once the bodies of this call, unpacked, come to so many 10^6 bytes; what is left waits. The last
        body may go beyond by :attr:`Manners.max_bytes`.
    seconds : float
        Ask no more after so many seconds; what is left waits. The last answer may take longer by
        :attr:`Manners.total_seconds`.
    progress : bool
        Show a bar.
    seed : int
        Seed of the random part of the waits.

    Returns
    -------
    CrawlReport
        What was done. The records are read by :func:`read_records`.

    Raises
    ------
    FetchError
        ``robots`` if the site's rules cannot be read or forbid the start; ``bad-url`` if `start` is no address.
    ValueError
        If the folder holds another crawl, or a bound is not above 0.
    RuntimeError
        If another process crawls into the folder.
    OSError
        If the disk is full, or the folder cannot be written.
    """
    for name, bound in (("megabytes", megabytes), ("seconds", seconds)):
        if not bound > 0:
            raise ValueError(f"{name} must be above 0, not {bound}")
    address = tidy_address("", start)
    if address is None:
        raise FetchError("bad-url", "the start", "a crawl starts from an http address that holds no name and password")
    start = address
    begun = time.monotonic()
    done = dict.fromkeys(("stored", "unchanged", "redirected"), 0)
    size = slept = 0.0
    asked = 0
    with (
        explained(Path(folder) / DATABASE, "crawl"),
        Frontier(Path(folder), start) as frontier,
        PoliteClient(manners, seed=seed) as client,
    ):
        resumed = frontier.begin()
        _learn_rules(frontier, client, start, resumed=resumed)
        with tqdm(desc="crawl", unit=" pages", disable=None if progress else True) as bar:
            while (pages is None or asked < pages) and size < megabytes:
                left = begun + seconds - time.monotonic()
                if left <= 0:
                    break
                page = frontier.next(time.time())
                if page is None:
                    due = frontier.next_due()
                    if due is None:
                        frontier.finish()
                        break
                    pause = min(max(due - time.time(), 0.0), client.manners.longest_wait, left)
                    time.sleep(pause)
                    slept += pause
                    continue
                before = client.requests
                answer = _visit(frontier, client, page, seed)
                asked += client.requests - before
                if answer is not None:
                    size += len(answer.body) / 1e6
                    kind = "unchanged" if answer.status == 304 else "redirected" if answer.status >= 300 else "stored"
                    done[kind] += 1
                    bar.update()
        states = frontier.counts()
        return CrawlReport(
            requests=client.requests,
            **done,
            failed=states.get("failed", 0),
            refused=states.get("refused", 0),
            waiting=states.get("waiting", 0),
            dropped=frontier.dropped(),
            resumed=resumed,
            megabytes=size,
            seconds=time.monotonic() - begun,
            waited=client.waited + slept,
        )


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
    for name in ("uploaded", "fetched_at"):
        table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601", errors="coerce").dt.as_unit("us")
    table["missing"] = [json.loads(names) for names in table["missing"]]
    return table.astype({**dict.fromkeys(text, "str"), "duration_seconds": "float64", "status": "int64"})


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


def read_page(folder: str | Path, url: str) -> bytes:
    """Return the bytes that a record was read from.

    Parameters
    ----------
    folder : path
        The crawl's.
    url : str
        The record's.

    Returns
    -------
    bytes
        The page as it came, unpacked.

    Raises
    ------
    KeyError
        If there is no record of that address.
    """
    rows = _read(folder, "SELECT html FROM records WHERE url = ?", (url,))
    if not rows:
        raise KeyError(f"no record of {url} in {folder}")
    return zlib.decompress(rows[0][0])
