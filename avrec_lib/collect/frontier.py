"""What a crawl knows and has still to ask, in one file that survives being killed.

Every page ends in **one** transaction: its record, the links that it led to and
its new state are there together or not at all. A crawl that is killed, at any
moment, goes on from what is there; only the page that was under way is asked
again.
"""

import time
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from avrec_lib.collect.kept import open_store
from avrec_lib.collect.pages import FIELDS

__all__ = ["DATABASE", "RECORD_COLUMNS", "Frontier", "Page"]

DATABASE = "crawl.sqlite"
"""Name of the file in a crawl's folder."""

RECORD_COLUMNS: tuple[str, ...] = ("url", "clip_id", *FIELDS, "missing", "fetched_at", "sha256", "status")
"""Columns of a record: what the page says, and where it comes from."""

_MOST_PAGES = 200_000  # a site that makes up addresses for ever is not followed for ever
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS pages (
    number INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, role TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'waiting',
    attempts INTEGER NOT NULL DEFAULT 0, busy INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL DEFAULT 0, hops INTEGER NOT NULL DEFAULT 0,
    target TEXT, etag TEXT, last_modified TEXT, kind TEXT, detail TEXT, checked_at REAL
);
CREATE INDEX IF NOT EXISTS by_state ON pages (state, number);
CREATE INDEX IF NOT EXISTS by_target ON pages (target);
CREATE TABLE IF NOT EXISTS records ({", ".join(RECORD_COLUMNS)}, html BLOB NOT NULL, PRIMARY KEY (url));
"""


class Page(NamedTuple):
    """An address that waits to be asked.

    Attributes
    ----------
    url : str
        The address.
    role : str
        ``page`` or ``sitemap``.
    attempts : int
        How often it has failed in this round, other than by a site that asks for time.
    busy : int
        How often the site asked for time.
    etag, last_modified : str or None
        As the last answer gave them.
    """

    url: str
    role: str
    attempts: int
    busy: int
    etag: str | None
    last_modified: str | None


class Frontier:
    """The state of one crawl.

    Parameters
    ----------
    folder : Path
        Where it is kept; made if absent.
    start : str
        Where the crawl starts.

    Raises
    ------
    ValueError
        If the folder holds the crawl of another start, or a file that is none of ours.
    RuntimeError
        If another process is crawling into the folder.
    OSError
        If the file cannot be written.

    Notes
    -----
    Pages are ``waiting``, ``done``, ``redirected`` (to ``target``), ``failed`` or ``refused`` (by ``robots.txt``). The
    last commits may be lost when the machine itself loses power, and their pages are then asked again.
    """

    def __init__(self, folder: Path, start: str) -> None:
        self._db = open_store(folder / DATABASE, _SCHEMA, "crawl")
        known = self.fact("start")
        if known is not None and known != start:
            self._db.close()
            raise ValueError(f"{folder} holds the crawl of {known}, not of {start}; give another folder")
        if known is None:
            self.note("start", start)

    def __enter__(self) -> "Frontier":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def fact(self, name: str) -> str | None:
        """Return a fact about the crawl.

        Parameters
        ----------
        name : str
            Its name.

        Returns
        -------
        str or None
            Its value, None if it was never noted.
        """
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def note(self, name: str, value: str) -> None:
        """Note a fact about the crawl.

        Parameters
        ----------
        name, value : str
            The fact.
        """
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def begin(self) -> bool:
        """Go on with a round that was left, or begin another.

        Returns
        -------
        bool
            True if a round was left unfinished. Otherwise all known pages wait again, with what is known of their
            last versions.
        """
        if self.fact("round") == "open":
            return True
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(
                "UPDATE pages SET state = 'waiting', attempts = 0, busy = 0, due = 0, hops = 0, target = NULL,"
                " kind = NULL, detail = NULL"
            )
            # A new round reads the house rules anew, whatever becomes of this one.
            self._db.execute("DELETE FROM facts WHERE name LIKE 'robots.txt%'")
            self.note("dropped", "0")
            self.note("round", "open")
        return False

    def finish(self) -> None:
        """Note that nothing waits any more: the next crawl is another round."""
        self.note("round", "finished")

    def add(self, urls: Iterable[str], role: str = "page", hops: int = 0) -> None:
        """Add addresses, those that are not known.

        A crawl knows 200,000 addresses at the most; links to others are counted by :meth:`dropped`.

        Parameters
        ----------
        urls : iterable of str
            Absolute addresses.
        role : str
            ``page`` or ``sitemap``.
        hops : int
            By how many redirects they were reached.
        """
        wanted = list(dict.fromkeys(urls))
        room = max(_MOST_PAGES - int(self._db.execute("SELECT COUNT(*) FROM pages").fetchone()[0]), 0)
        if len(wanted) > room:
            known = "SELECT 1 FROM pages WHERE url = ?"
            wanted = [url for url in wanted if self._db.execute(known, (url,)).fetchone() is None]
            left_out = len(wanted[room:])
            if left_out:
                self.note("dropped", str(self.dropped() + left_out))
            wanted = wanted[:room]
        rows = [(url, role, hops) for url in wanted]
        self._db.executemany("INSERT OR IGNORE INTO pages (url, role, hops) VALUES (?, ?, ?)", rows)

    def dropped(self) -> int:
        """Return how many links of this round were not added, because as many addresses are known as may be."""
        return int(self.fact("dropped") or 0)

    def next(self, now: float) -> Page | None:
        """Return the page that is to be asked next.

        Parameters
        ----------
        now : float
            Seconds since 1970.

        Returns
        -------
        Page or None
            The one that has waited longest; None if no page is due.
        """
        row = self._db.execute(
            "SELECT url, role, attempts, busy, etag, last_modified FROM pages"
            " WHERE state = 'waiting' AND due <= ? ORDER BY number LIMIT 1",
            (now,),
        ).fetchone()
        return None if row is None else Page(*row)

    def next_due(self) -> float | None:
        """Return when the next page is due, seconds since 1970; None if none waits."""
        found: float | None = self._db.execute("SELECT MIN(due) FROM pages WHERE state = 'waiting'").fetchone()[0]
        return found

    def counts(self) -> dict[str, int]:
        """Return how many pages are in each state."""
        return dict(self._db.execute("SELECT state, COUNT(*) FROM pages GROUP BY state").fetchall())

    def _set(self, url: str, **values: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self._db.execute(
            f"UPDATE pages SET {names}, checked_at = ? WHERE url = ?",  # noqa: S608  # names are our own words
            (*values.values(), time.time(), url),
        )

    def _forget(self, url: str) -> None:
        """Drop a page's record, and what would let the site say that the page is unchanged."""
        self._db.execute("DELETE FROM records WHERE url = ?", (url,))
        self._set(url, etag=None, last_modified=None)

    def settle(
        self,
        page: Page,
        *,
        etag: str | None,
        last_modified: str | None,
        links: Iterable[str],
        sitemaps: Iterable[str] = (),
        record: Mapping[str, Any] | None = None,
        html: bytes = b"",
    ) -> None:
        """Take in an answered page: record, links and state in one transaction.

        What was known of the page before is replaced; a page that is no clip's any more has no record.

        Parameters
        ----------
        page : Page
            The page.
        etag, last_modified : str or None
            Of its answer.
        links, sitemaps : iterable of str
            What it led to.
        record : dict, optional
            One value for each of :data:`RECORD_COLUMNS`, where the page is a clip's.
        html : bytes
            What the record was read from; kept compressed.
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self.add(links)
            self.add(sitemaps, "sitemap")
            self._forget(page.url)
            if record is not None:
                row = [*(record[name] for name in RECORD_COLUMNS), zlib.compress(html)]
                self._db.execute(f"INSERT INTO records VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608  # question marks only
            self._set(page.url, state="done", etag=etag, last_modified=last_modified, kind=None, detail=None)

    def unchanged(self, page: Page) -> None:
        """Note that a page is as it was.

        Parameters
        ----------
        page : Page
            The page.
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute("UPDATE records SET status = 304 WHERE url = ?", (page.url,))
            self._set(page.url, state="done", kind=None, detail=None)

    def redirect(self, page: Page, target: str, most: int) -> None:
        """Note that a page is elsewhere, unless it leads round and round. Its record goes: the page there has its own.

        Parameters
        ----------
        page : Page
            The page that was asked.
        target : str
            Where it is.
        most : int
            Longest chain.
        """
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            hops = int(self._db.execute("SELECT hops FROM pages WHERE url = ?", (page.url,)).fetchone()[0]) + 1
            self._forget(page.url)
            self._set(page.url, state="redirected", target=target, attempts=page.attempts + 1, kind=None, detail=None)
            # Where does it end? Follow what is known of the chain ahead.
            ahead, seen = target, [page.url]
            while ahead not in seen and len(seen) <= most:
                row = self._db.execute("SELECT target FROM pages WHERE url = ?", (ahead,)).fetchone()
                if row is None or row[0] is None:
                    break
                seen.append(ahead)
                ahead = row[0]
            if ahead in seen:
                self._blame(page.url, "redirect-loop", " -> ".join([*seen, ahead])[:500])
            elif hops > most or len(seen) > most:
                self._blame(page.url, "too-many-redirects", f"more than {most}")
            else:
                self.add([target], page.role, hops)

    def _blame(self, url: str, kind: str, detail: str) -> None:
        """Fail a page and all that led to it."""
        blamed, found = {url}, [url]
        while found:
            here = found.pop()
            self._set(here, state="failed", kind=kind, detail=detail)
            led = self._db.execute(
                "SELECT url FROM pages WHERE target = ? AND state = 'redirected'", (here,)
            ).fetchall()
            found += [row[0] for row in led if row[0] not in blamed]
            blamed.update(found)

    def rest(self, until: float) -> None:
        """Leave the whole site alone for a while, in later calls too.

        Parameters
        ----------
        until : float
            Until when, seconds since 1970.
        """
        self.note("rest until", str(max(until, self.rest_until())))

    def rest_until(self) -> float:
        """Return until when the site asked to be left alone, seconds since 1970; 0 if it never did."""
        return float(self.fact("rest until") or 0.0)

    def postpone(self, page: Page, due: float, kind: str, detail: str, *, busy: bool = False) -> None:
        """Ask a page again later.

        Parameters
        ----------
        page : Page
            The page.
        due : float
            When, seconds since 1970.
        kind, detail : str
            What went wrong this time.
        busy : bool
            The site asked for time: this is counted apart from attempts that failed.
        """
        counts = {"busy": page.busy + 1} if busy else {"attempts": page.attempts + 1}
        self._set(page.url, **counts, due=due, kind=kind, detail=detail)

    def fail(self, page: Page, kind: str, detail: str, *, status: int | None = None, refused: bool = False) -> None:
        """Give a page up for this round.

        Parameters
        ----------
        page : Page
            The page.
        kind, detail : str
            What went wrong.
        status : int, optional
            Status code. The record of a page that is gone (404, 410) is forgotten; else the last good one is kept.
        refused : bool
            The rules forbade it, and it was not asked.
        """
        state, attempts = ("refused", page.attempts) if refused else ("failed", page.attempts + page.busy + 1)
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            if status in (404, 410):
                self._forget(page.url)
            elif status is not None:
                self._db.execute("UPDATE records SET status = ? WHERE url = ?", (status, page.url))
            self._set(page.url, state=state, attempts=attempts, kind=kind, detail=detail)
