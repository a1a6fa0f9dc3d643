"""A client of the platform's paged JSON interface, with the manners of the crawler and a purse for tokens.

A page of an API can be cut short, hold a key twice, or lead back to where one
was. What can be repaired by asking again is; an item that is not as agreed is
kept aside with its reason; all else is a :class:`FetchError`.
"""

import json
import math
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode

import msgspec
import pandas as pd

from avrec_lib.collect.bounded import Answer, FetchError
from avrec_lib.collect.manners import PoliteClient
from avrec_lib.collect.markup import clean_characters, plain_text
from avrec_lib.collect.rules import Manners, is_redirect, pause_before_retry

__all__ = ["ApiClip", "ApiPage", "PagedClient", "download", "read_bad_items"]

DATABASE = "api.sqlite"
_MOST_EMPTY = 10  # pages without an item, one after another
_MOST_PAGES = 100_000


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
        if not 0 < len(self.clip_id) <= 64:
            raise ValueError("clip_id must have 1 to 64 characters")
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


def _read_items(values: list[Any], limit: int) -> tuple[list[ApiClip], list[tuple[str, str]]]:
    """Read a page's items; those that are not as agreed, or more than were asked for, come with a reason."""
    items: list[ApiClip] = []
    bad = [(f"more than the {limit} items that were asked for", json.dumps(value)[:2000]) for value in values[limit:]]
    for value in values[:limit]:
        try:
            items.append(msgspec.convert(value, ApiClip))
        except (msgspec.ValidationError, OverflowError) as error:
            bad.append((str(error)[:200], json.dumps(value)[:2000]))
    return items, bad


class PagedClient:
    """Read all clips from the interface, page after page.

    Parameters
    ----------
    base_url : str
        Address of the site.
    client_id, client_secret : str
        The account.
    manners : Manners, optional
        The rules to keep; default a pause of 0.02 s, and three retries of a slow answer too. ``robots.txt`` speaks to
        those who come without an account and is not asked.
    limit : int
        Items a page.
    seed : int
        Seed of the random part of the waits.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        client_secret: str,
        manners: Manners | None = None,
        *,
        limit: int = 50,
        seed: int = 0,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.limit = limit
        self.tokens = 0
        self._account = {"client_id": client_id, "client_secret": client_secret}
        self._seed = seed
        self._token: str | None = None
        self._client = PoliteClient(
            manners or Manners(delay_seconds=0.02, slow_retries=3), obey_robots=False, seed=seed
        )

    def __enter__(self) -> "PagedClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self._client.requests

    def _send(self, url: str, **options: Any) -> Any:
        """Send one request and read its JSON, again where that may help."""
        manners, attempt = self._client.manners, 0
        while True:
            attempt += 1
            try:
                answer: Answer = self._client.ask_once(url, **options)
                if is_redirect(answer):
                    # A token must not be carried elsewhere, so an interface's redirects are not followed.
                    raise FetchError("off-site", url, f"redirects to {answer.headers['location'][:200]!r}")
                return read_json(answer.body, url)
            except FetchError as error:
                tries = manners.retries if error.kind == "json" else manners.tries_after(error)
                if attempt > tries:
                    raise
                if error.retry_after is None:
                    self._client.pause(url, pause_before_retry(manners, attempt, url, self._seed))

    def _renew(self) -> None:
        """Fetch a token."""
        url = f"{self.base_url}/api/v1/token"
        try:
            found = self._send(
                url,
                method="POST",
                headers={"Content-Type": "application/json"},
                content=json.dumps(self._account).encode(),
            )
        except FetchError as error:
            if error.status in (400, 401, 403):
                raise FetchError(
                    "refused", url, "client id and secret are not accepted", status=error.status
                ) from error
            raise
        token = found.get("access_token") if isinstance(found, dict) else None
        if not isinstance(token, str) or not 0 < len(token) < 5000 or not (token.isascii() and token.isprintable()):
            raise FetchError("shape", url, "no access_token in the answer")
        self._token = token
        self.tokens += 1

    def page(self, cursor: str | None = None) -> ApiPage:
        """Read one page.

        Parameters
        ----------
        cursor : str, optional
            As the page before gave it; None for the first.

        Returns
        -------
        ApiPage
            The page.

        Raises
        ------
        FetchError
            ``refused`` (the account), ``bad-cursor``, ``json``, ``shape`` (the JSON is not a page), or as
            :meth:`avrec_lib.collect.manners.PoliteClient.ask_once`.
        """
        query: dict[str, Any] = {"limit": self.limit}
        if cursor is not None:
            query["cursor"] = cursor
        url = f"{self.base_url}/api/v1/clips?{urlencode(query)}"
        for fresh in (self._token is None, True):
            if self._token is None:
                self._renew()
            try:
                found = self._send(url, headers={"Authorization": f"Bearer {self._token}"})
                break
            except FetchError as error:
                if error.status == 401 and not fresh:
                    self._token = None
                    continue
                kind = {400: "bad-cursor", 401: "refused", 403: "refused"}.get(error.status or 0)
                if kind is None or error.kind != "status":
                    raise
                raise FetchError(kind, url, f"status {error.status}", status=error.status) from error
        values = found.get("items") if isinstance(found, dict) else None
        following = found.get("next_cursor") if isinstance(found, dict) else None
        total = found.get("total") if isinstance(found, dict) else None
        if not isinstance(values, list) or not (following is None or (isinstance(following, str) and following)):
            raise FetchError("shape", url, "a page is an object with a list of items and a next_cursor, text or null")
        counted = total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None
        return ApiPage(cursor, *_read_items(values, self.limit), following, counted)

    def items(self, cursor: str | None = None) -> Iterator[ApiPage]:
        """Read page after page to the end.

        Parameters
        ----------
        cursor : str, optional
            Where to go on; None from the beginning.

        Yields
        ------
        ApiPage
            One page after another.

        Raises
        ------
        FetchError
            As :meth:`page`; ``cursor-loop`` if a cursor comes again; ``endless`` if there are far more items than the
            interface says, or page after page without any.
        """
        seen = {cursor}
        received = empty = 0
        while True:
            page = self.page(cursor)
            yield page
            count = len(page.items) + len(page.bad)
            received, empty = received + count, 0 if count else empty + 1
            cursor = page.next_cursor
            if cursor is None:
                return
            if cursor in seen:
                raise FetchError("cursor-loop", self.base_url, f"cursor {cursor[:80]!r} leads back")
            # Clips may be added while we read, but not twice as many.
            too_many = page.total is not None and received > 2 * page.total + self.limit
            if too_many or empty >= _MOST_EMPTY or len(seen) >= _MOST_PAGES:
                raise FetchError("endless", self.base_url, f"{received} items of {page.total}, and still a next cursor")
            seen.add(cursor)


class _Store:
    """Items and the cursor that follows them, committed together."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(folder / DATABASE, isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
            "CREATE TABLE IF NOT EXISTS items (number INTEGER PRIMARY KEY, clip_id TEXT NOT NULL UNIQUE, json TEXT);"
            "CREATE TABLE IF NOT EXISTS bad (reason TEXT NOT NULL, json TEXT NOT NULL, UNIQUE (reason, json));"
            "CREATE TABLE IF NOT EXISTS place (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT, finished INTEGER);"
        )

    def close(self) -> None:
        self._db.close()

    def place(self) -> tuple[str | None, bool]:
        row = self._db.execute("SELECT cursor, finished FROM place").fetchone()
        return (row[0], bool(row[1])) if row else (None, False)

    def restart(self) -> None:
        self._db.execute("DELETE FROM place")

    def add(self, page: ApiPage) -> None:
        rows = [(item.clip_id, msgspec.json.encode(item).decode()) for item in page.items]
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO items (clip_id, json) VALUES (?, ?)"
                " ON CONFLICT (clip_id) DO UPDATE SET json = excluded.json",
                rows,
            )
            self._db.executemany("INSERT OR IGNORE INTO bad VALUES (?, ?)", page.bad)
            self._db.execute(
                "INSERT OR REPLACE INTO place VALUES (1, ?, ?)", (page.next_cursor, page.next_cursor is None)
            )

    def table(self) -> pd.DataFrame:
        rows = self._db.execute("SELECT json FROM items ORDER BY number").fetchall()
        items = [msgspec.to_builtins(msgspec.json.decode(row[0], type=ApiClip)) for row in rows]
        table = pd.DataFrame(items, columns=list(ApiClip.__struct_fields__))
        table["title"] = [plain_text(title) for title in table["title"]]
        table["series"] = [plain_text(series) for series in table["series"]]
        table["creator_id"] = [plain_text(creator["id"]) for creator in table["creator"]]
        table["creator"] = [plain_text(creator["name"]) for creator in table["creator"]]
        table["uploaded"] = pd.to_datetime(table["uploaded"], utc=True, format="ISO8601", errors="coerce").dt.as_unit(
            "us"
        )
        text = ["clip_id", "title", "creator", "creator_id", "kind", "series"]
        whole = dict.fromkeys(("duration_ms", "views", "likes"), "int64")
        return table.astype({**dict.fromkeys(text, "str"), **whole, "episode": "Int64"})

    def bad(self) -> pd.DataFrame:
        return pd.DataFrame(self._db.execute("SELECT reason, json FROM bad").fetchall(), columns=["reason", "json"])


def download(client: PagedClient, folder: str | Path, *, refresh: bool = False) -> pd.DataFrame:
    """Read all clips from the interface into a folder.

    Each page's items and the cursor that follows them are committed together, so a download that was killed goes on at
    the page that was under way. Where the interface no longer knows the cursor, it begins again; items are kept by
    their ``clip_id``, so none is doubled.

    Parameters
    ----------
    client : PagedClient
        The client.
    folder : path
        Where it is kept.
    refresh : bool
        Read again what was read to the end before.

    Returns
    -------
    DataFrame
        ``clip_id, title, creator, duration_ms`` (milliseconds), ``uploaded`` (UTC), ``views, likes, kind, series,
        episode, creator_id``, in the order in which the clips first came; text is plain.

    Raises
    ------
    FetchError
        As :meth:`PagedClient.items`; what was read before stays.
    """
    store = _Store(Path(folder))
    try:
        cursor, finished = store.place()
        if finished and refresh:
            store.restart()
            cursor, finished = None, False
        if not finished:
            try:
                for page in client.items(cursor):
                    store.add(page)
            except FetchError as error:
                if error.kind != "bad-cursor" or cursor is None or store.place()[0] != cursor:
                    raise
                store.restart()
                for page in client.items():
                    store.add(page)
        return store.table()
    finally:
        store.close()


def read_bad_items(folder: str | Path) -> pd.DataFrame:
    """Read the items that were not as agreed.

    Parameters
    ----------
    folder : path
        The download's.

    Returns
    -------
    DataFrame
        ``reason, json``.

    Raises
    ------
    FileNotFoundError
        If there is no download.
    """
    path = Path(folder) / DATABASE
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; download into {folder} first")
    store = _Store(Path(folder))
    try:
        return store.bad()
    finally:
        store.close()
