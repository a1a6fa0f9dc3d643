"""A client of the platform's paged JSON interface, with the manners of the crawler and a purse for tokens.

A page of an API can be cut short, hold a key twice, or lead back to where one
was. What can be repaired by asking again is; an item that is not as agreed is
kept aside with its reason; all else is a :class:`FetchError`.
"""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from avrec_lib.collect.api_items import ApiClip, ApiPage, read_items, read_json
from avrec_lib.collect.api_store import DATABASE, ApiStore
from avrec_lib.collect.bounded import Answer, FetchError
from avrec_lib.collect.kept import explained
from avrec_lib.collect.manners import PoliteClient
from avrec_lib.collect.rules import Manners, is_redirect

__all__ = ["ApiClip", "ApiPage", "PagedClient", "download", "read_bad_items"]

_MOST_EMPTY = 10  # pages without an item, one after another
_MOST_PAGES = 100_000


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
        manners = self._client.manners

        def read(answer: Answer) -> Any:
            if is_redirect(answer):
                # A token must not be carried elsewhere, so an interface's redirects are not followed.
                raise FetchError("off-site", url, f"redirects to {answer.headers['location'][:200]!r}")
            return read_json(answer.body, url)

        def tries(error: FetchError) -> int:
            return manners.retries if error.kind == "json" else manners.tries_after(error)

        return self._client.ask(url, read=read, tries=tries, **options)

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
        return ApiPage(cursor, *read_items(values, self.limit), following, counted)

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
    RuntimeError
        If another process downloads into the folder.
    OSError
        If the disk is full or not ours to write.
    ValueError
        If the folder holds another interface's items, or something else.
    """
    path = Path(folder) / DATABASE
    with contextlib.closing(ApiStore(Path(folder), client.base_url)) as store, explained(path, "download"):
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
    with contextlib.closing(ApiStore(Path(folder))) as store:
        return store.bad()
