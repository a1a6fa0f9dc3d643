"""How to ask a stranger's server for something without being a nuisance.

Say who you are; read the house rules (``robots.txt``, RFC 9309); leave time
between requests; wait when asked to wait; do not ask again for what has not
changed; give up after a few tries.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import urljoin

import httpx
from protego import Protego

from avrec_lib.collect.addresses import origin_of
from avrec_lib.collect.bounded import Answer, FetchError, Wire
from avrec_lib.collect.pace import TokenBucket
from avrec_lib.collect.rules import (
    RETRIED_STATUS,
    RULES_LAST,
    Manners,
    allowed,
    conditions,
    is_redirect,
    pause_before_retry,
    permits,
    read_retry_after,
    read_rules,
    redirect_target,
)

# What a reader of the book needs at hand, whichever module it stands in.
__all__ = ["FetchError", "Manners", "PoliteClient", "TokenBucket", "allowed"]

Read = TypeVar("Read")

_ROBOTS_CHARACTERS = 512_000
"""How much of a ``robots.txt`` is read: RFC 9309 asks for 500 KiB, and each rule costs time at each address."""

_COURTESY = 1.0
"""Pause between requests to a site that says nothing about it, seconds."""


class PoliteClient:
    """Ask for addresses, politely.

    Parameters
    ----------
    manners : Manners
        The rules to keep.
    obey_robots : bool
        Read each site's ``robots.txt`` first. Only a client that was given an account by the site, as an API's is,
        turns this off.
    seed : int
        Seed of the random part of the waits.
    clock, sleep : callable
        The time in seconds, and how to wait.
    transport : httpx.BaseTransport, optional
        Something else to send requests with, for tests.

    Notes
    -----
    One request at a time. The pause between two requests is counted from the *answer* to the first, so that a server
    never sees two requests closer together than it asked for, however long they were under way.
    """

    def __init__(
        self,
        manners: Manners | None = None,
        *,
        obey_robots: bool = True,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.manners = manners or Manners()
        self.requests = 0
        self.waited = 0.0
        self._obey = obey_robots
        self._seed = seed
        self._sleep = sleep
        self._clock = clock
        self._buckets: dict[tuple[str, str, int], TokenBucket] = {}
        self._rules: dict[tuple[str, str, int], Protego] = {}
        self._robots_txt: dict[tuple[str, str, int], str] = {}
        self._rules_end: dict[tuple[str, str, int], float] = {}
        self._rest_end: dict[tuple[str, str, int], float] = {}
        self._wire = Wire(
            timeout_seconds=self.manners.timeout_seconds,
            total_seconds=self.manners.total_seconds,
            max_bytes=self.manners.max_bytes,
            transport=transport,
        )

    def __enter__(self) -> "PoliteClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _bucket(self, origin: tuple[str, str, int]) -> TokenBucket:
        if origin not in self._buckets:
            delay = self.manners.delay_seconds
            rate = 1.0 / max(_COURTESY if delay is None else delay, 1e-6)
            self._buckets[origin] = TokenBucket(rate, clock=self._clock, sleep=self._sleep)
        return self._buckets[origin]

    def pause(self, url: str, seconds: float) -> None:
        """Leave a site alone for a while, all of it.

        Parameters
        ----------
        url : str
            Any address of the site.
        seconds : float
            How long.
        """
        self._bucket(origin_of(url)).empty(seconds)

    def robots_txt(self, url: str) -> str:
        """Return the ``robots.txt`` of an address's site, fetched once a day.

        Parameters
        ----------
        url : str
            Any address of the site.

        Returns
        -------
        str
            Its text. A site that answers 4xx has no rules; one that answers 5xx, or not at all, is left alone, as RFC
            9309 asks; where rules of the day before are known, these go on.

        Raises
        ------
        FetchError
            ``robots`` if the site asks for a longer pause than ``longest_wait``.
        """
        origin = origin_of(url)
        known = self._robots_txt.get(origin)
        if known is not None and self._clock() < self._rules_end[origin]:
            return known
        try:
            answer = self._get(urljoin(url, "/robots.txt"), {}, (), obey=False)
            text = answer.body.decode("utf-8", "replace")
        except FetchError as error:
            gone = error.status is not None and 400 <= error.status < 500 and error.status != 429
            reason = " ".join(str(error).split())
            if known is not None and not gone:
                self._rules_end[origin] = self._clock() + RULES_LAST
                return known
            text = "" if gone else f"# No rules could be read: {reason}\nUser-agent: *\nDisallow: /"
        self.learn_rules(url, text)
        return self._robots_txt[origin]

    def learn_rules(self, url: str, text: str, *, age: float = 0.0) -> None:
        """Keep a ``robots.txt`` for a site, without fetching it.

        Parameters
        ----------
        url : str
            Any address of the site.
        text : str
            The rules; what comes after 512,000 characters is not read.
        age : float
            How long ago they were fetched, seconds.

        Raises
        ------
        FetchError
            ``robots`` if the site asks for a longer pause than ``longest_wait``.
        """
        # A rule that is cut in two would forbid more than it says.
        text = text if len(text) <= _ROBOTS_CHARACTERS else text[:_ROBOTS_CHARACTERS].rpartition("\n")[0]
        text = text.lstrip("\ufeff")
        rules = read_rules(text)
        own = self.manners.delay_seconds
        asked = rules.crawl_delay(self.manners.agent.split("/")[0])
        if asked is not None and math.isfinite(asked) and asked > 0.0:
            if asked > self.manners.longest_wait:
                raise FetchError("robots", url, f"asks for {asked:g} s between requests; see longest_wait")
            self._bucket(origin_of(url)).rate = 1.0 / max(asked, own or 0.0)
        self._rules[origin_of(url)], self._robots_txt[origin_of(url)] = rules, text
        self._rules_end[origin_of(url)] = self._clock() + RULES_LAST - age

    def may_fetch(self, url: str) -> bool:
        """Tell whether the site's rules let us fetch an address.

        Parameters
        ----------
        url : str
            The address.

        Returns
        -------
        bool
            True if so.
        """
        if not self._obey:
            return True
        self.robots_txt(url)
        return permits(self._rules[origin_of(url)], url, self.manners.agent)

    def ask_once(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        types: tuple[str, ...] = (),
    ) -> Answer:
        """Wait for our turn and send one request: no retry, no redirect, no look at the rules.

        Parameters
        ----------
        url, method, headers, content, types
            As :meth:`avrec_lib.collect.bounded.Wire.ask`.

        Returns
        -------
        Answer
            Of status 2xx, 3xx, or 304.

        Raises
        ------
        FetchError
            As the wire's, and ``status`` or ``busy`` for statuses of 400 and above. Its ``retry_after`` is what the
            server asked for, and the whole site is left alone for so long.
        """
        origin = origin_of(url)
        bucket = self._bucket(origin)
        rest = self._rest_end.get(origin, 0.0) - self._clock()
        if rest > self.manners.longest_wait:
            raise FetchError("busy", url, f"the site asked for another {rest:.0f} s without us", retry_after=rest)
        if rest > 0.0:
            bucket.empty(rest)
        waited = bucket.take()
        self.waited += waited
        self.requests += 1
        try:
            answer = self._wire.ask(
                url,
                method=method,
                headers={"User-Agent": self.manners.agent, "Accept-Encoding": "gzip, deflate", **(headers or {})},
                content=content,
                types=types,
            )
        finally:
            bucket.empty()
        if answer.status >= 400:
            wait = read_retry_after(answer.headers["retry-after"]) if "retry-after" in answer.headers else None
            if wait is not None and answer.status in RETRIED_STATUS:
                self._rest_end[origin] = self._clock() + wait
                if wait > self.manners.longest_wait:
                    raise FetchError("busy", url, f"status {answer.status}, asks for {wait:g} s", retry_after=wait)
            raise FetchError("status", url, f"status {answer.status}", status=answer.status, retry_after=wait)
        asked_if_changed = any(name in ("If-None-Match", "If-Modified-Since") for name in headers or {})
        fit = answer.status < 300 or (asked_if_changed if answer.status == 304 else is_redirect(answer))
        if answer.status < 200 or not fit:
            raise FetchError("protocol", url, f"status {answer.status} does not answer what was asked")
        return replace(answer, waited=waited)

    def ask(
        self,
        url: str,
        *,
        read: Callable[[Answer], Read],
        tries: Callable[[FetchError], int] | None = None,
        **options: Any,
    ) -> Read:
        """Send one request and read its answer, again where that may help: no redirect, no look at the rules.

        Parameters
        ----------
        url : str
            The address.
        read : callable
            Makes of an answer what is wanted. A :class:`FetchError` that it raises counts as a failed try.
        tries : callable, optional
            Says how often an address may be asked again after an error; default :meth:`Manners.tries_after`.
        **options
            ``method, headers, content, types`` as :meth:`ask_once`.

        Returns
        -------
        object
            What `read` made of the first answer that it could read.

        Raises
        ------
        FetchError
            The last one, when there are no tries left.
        """
        attempt = 0
        while True:
            attempt += 1
            try:
                return read(self.ask_once(url, **options))
            except FetchError as error:
                if attempt > (tries or self.manners.tries_after)(error):
                    raise
                # What the site asked for, it is given by ask_once.
                pause = pause_before_retry(self.manners, attempt, url, self._seed) - (error.retry_after or 0.0)
                if pause > 0.0:
                    self._sleep(pause)
                    self.waited += pause

    def get(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        types: tuple[str, ...] = (),
    ) -> Answer:
        """Fetch an address with all the manners: rules, pauses, retries, redirects on the same site.

        Parameters
        ----------
        url : str
            The address.
        etag, last_modified : str, optional
            As an earlier answer's headers gave them: a page that has not changed is then not sent again.
        types : tuple of str
            Media types that are wanted, e.g. :data:`avrec_lib.collect.rules.HTML_TYPES`; empty means all.

        Returns
        -------
        Answer
            Of status 2xx, or 304 where `etag` or `last_modified` still hold.

        Raises
        ------
        FetchError
            When it cannot be had; ``kind`` says why.
        """
        return self._get(url, conditions(etag, last_modified), types, obey=self._obey)

    def _get(self, url: str, headers: dict[str, str], types: tuple[str, ...], *, obey: bool) -> Answer:
        requests, waited, seen = 0, 0.0, [url]
        while True:
            here = seen[-1]
            if obey and not self.may_fetch(here):
                raise FetchError("robots", url, f"robots.txt disallows {here}")
            sent, slept = self.requests, self.waited
            answer = self.ask(here, read=lambda answer: answer, headers=headers, types=types)
            requests, waited = requests + self.requests - sent, waited + self.waited - slept
            if not is_redirect(answer):
                return replace(answer, requests=requests, waited=waited)
            seen.append(redirect_target(answer))
            if seen[-1] in seen[:-1]:
                raise FetchError("redirect-loop", url, " -> ".join(seen)[:500])
            if len(seen) > self.manners.max_redirects + 1:
                raise FetchError("too-many-redirects", url, f"more than {self.manners.max_redirects}")
