"""The rules of a polite client: who it is, how long it waits, what it may fetch, where it may be sent.

The house rules of a site are its ``robots.txt`` (RFC 9309).
"""

import email.utils
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import numpy as np
from protego import Protego

from avrec_lib.collect.addresses import origin_of, tidy_address
from avrec_lib.collect.bounded import Answer, FetchError

__all__ = [
    "HTML_TYPES",
    "RETRIED_STATUS",
    "RULES_LAST",
    "Manners",
    "allowed",
    "asks_for_time",
    "conditions",
    "is_redirect",
    "pause_before_retry",
    "permits",
    "read_retry_after",
    "read_rules",
    "redirect_target",
]

HTML_TYPES: tuple[str, ...] = ("text/html", "application/xhtml+xml")
"""Media types of pages."""

RETRIED_STATUS: frozenset[int] = frozenset({429, 500, 502, 503, 504})
"""Statuses that may be gone a moment later."""

RULES_LAST = 86_400.0
"""How long a ``robots.txt`` may be kept before it is read again, seconds, as RFC 9309 says."""

_RETRIED_KIND = frozenset({"timeout", "connection", "protocol", "cut-short"})
_STREAM = 31
_PASSWORD = re.compile(r"//[^/?#]*@")


@dataclass(frozen=True)
class Manners:
    """The rules that a client keeps.

    Attributes
    ----------
    agent : str
        How the client calls itself; rules of ``robots.txt`` are looked up by the part before the slash.
    timeout_seconds : float
        Longest pause inside an answer, seconds.
    total_seconds : float
        Longest whole answer, seconds.
    retries : int
        How often a failed address is asked again.
    slow_retries : int
        How often after a timeout: a busy server is not helped by being asked the same four times.
    busy_retries : int
        How often an address is asked again after the site asked for time (``Retry-After``) each time.
    backoff_seconds : float
        Wait before the first retry, doubled at each further one, with a random part of a half, seconds.
    longest_wait : float
        Longest wait that the server may ask for (``Retry-After``, ``Crawl-delay``), seconds.
    max_bytes : int
        Largest body after unpacking, bytes.
    max_redirects : int
        Longest chain of redirects.
    delay_seconds : float or None
        Own pause between requests, seconds; a larger ``Crawl-delay`` wins. None means what the site asks for, and
        one second where it asks for nothing.
    """

    agent: str = "avrec-book/0.1 (+https://example.org/avrec-book)"
    timeout_seconds: float = 1.0
    total_seconds: float = 5.0
    retries: int = 3
    slow_retries: int = 1
    busy_retries: int = 5
    backoff_seconds: float = 0.1
    longest_wait: float = 10.0
    max_bytes: int = 2_000_000
    max_redirects: int = 5
    delay_seconds: float | None = None

    def tries_after(self, error: FetchError) -> int:
        """Return how often an address may be asked again after such an error.

        Parameters
        ----------
        error : FetchError
            What went wrong.

        Returns
        -------
        int
            0 where asking again would not help.
        """
        if error.kind == "timeout":
            return min(self.slow_retries, self.retries)
        return self.retries if error.kind in _RETRIED_KIND or error.status in RETRIED_STATUS else 0


def asks_for_time(error: FetchError) -> bool:
    """Tell whether a site said that it is busy, and for how long.

    Parameters
    ----------
    error : FetchError
        What went wrong.

    Returns
    -------
    bool
        True if so; ``error.retry_after`` is how long.
    """
    return error.retry_after is not None and (error.kind == "busy" or error.status in RETRIED_STATUS)


def read_rules(robots_txt: str) -> Protego:
    """Parse a ``robots.txt``; a byte-order mark before it, which would hide its first line, is dropped.

    Parameters
    ----------
    robots_txt : str
        Its text.

    Returns
    -------
    Protego
        The rules; ask them by :func:`permits`.
    """
    return Protego.parse(robots_txt.lstrip("\ufeff"))


def permits(rules: Protego, url: str, agent: str) -> bool:
    """Tell whether rules let an agent fetch an address, in every spelling that a client or the server may make of it.

    Parameters
    ----------
    rules : Protego
        As :func:`read_rules` gives them.
    url : str
        The address.
    agent : str
        Name of the agent; what follows a slash is ignored.

    Returns
    -------
    bool
        True if the address may be fetched both as it is sent and with its dots and escapes resolved.
    """
    try:
        spellings = {str(httpx.URL(url)), tidy_address("", url) or url}
    except (httpx.InvalidURL, ValueError):
        spellings = {url}
    return all(rules.can_fetch(spelling, agent.split("/")[0]) for spelling in spellings)


def allowed(url: str, robots_txt: str, agent: str = Manners.agent) -> bool:
    r"""Tell whether a site's ``robots.txt`` lets an agent fetch an address.

    Parameters
    ----------
    url : str
        The address.
    robots_txt : str
        Text of the site's ``/robots.txt``; empty text allows everything.
    agent : str
        Name of the agent; what follows a slash is ignored.

    Returns
    -------
    bool
        True if it may be fetched. The longest rule that matches decides, and ``Allow`` wins a tie.

    References
    ----------
    .. [1] M. Koster, G. Illyes, H. Zeller, L. Sassman, "Robots Exclusion Protocol", RFC 9309, 2022.

    Examples
    --------
    >>> allowed("https://tide.pool/private/x", "User-agent: *\nDisallow: /private/")
    False
    """
    return permits(read_rules(robots_txt), url, agent)


def read_retry_after(value: str, now: datetime | None = None) -> float | None:
    """Read a ``Retry-After`` header.

    Parameters
    ----------
    value : str
        Seconds, or a date of HTTP.
    now : datetime, optional
        The present, with a time zone.

    Returns
    -------
    float or None
        Seconds to wait, at least 0; None if the value is neither.
    """
    value = value.strip()
    if value.isascii() and value.isdecimal() and len(value) < 12:
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def pause_before_retry(manners: Manners, attempt: int, url: str, seed: int = 0) -> float:
    r"""Return how long to wait before asking again.

    .. math:: w_a = b\,2^{a-1}\,(1 + u/2), \qquad u \sim U(0, 1)

    Parameters
    ----------
    manners : Manners
        Gives :math:`b`, ``backoff_seconds``.
    attempt : int
        How many attempts have failed, :math:`a \ge 1`.
    url : str
        The address; the random part depends on it, so that failed pages do not all come back at once.
    seed : int
        Seed of the random part.

    Returns
    -------
    float
        Seconds, at most ``manners.longest_wait``.
    """
    draw = np.random.default_rng([seed, _STREAM, zlib.crc32(url.encode("utf-8", "replace")), attempt]).random()
    return min(manners.longest_wait, manners.backoff_seconds * 2.0 ** (attempt - 1) * (1.0 + draw / 2.0))


def conditions(etag: str | None, last_modified: str | None) -> dict[str, str]:
    """Return the headers that ask for a page only if it has changed.

    Parameters
    ----------
    etag, last_modified : str or None
        As an earlier answer gave them.

    Returns
    -------
    dict
        ``If-None-Match`` and ``If-Modified-Since``, where known and fit for a header: printable ASCII of at most 1,000
        characters. A page with another tag is fetched anew.
    """
    headers = {"If-None-Match": etag, "If-Modified-Since": last_modified}
    return {
        name: value
        for name, value in headers.items()
        if value and len(value) <= 1_000 and value.isascii() and value.isprintable()
    }


def is_redirect(answer: Answer) -> bool:
    """Tell whether an answer sends us elsewhere.

    Parameters
    ----------
    answer : Answer
        Any.

    Returns
    -------
    bool
        True for 301, 302, 303, 307 and 308 with a ``Location``.
    """
    return answer.status in (301, 302, 303, 307, 308) and "location" in answer.headers


def redirect_target(answer: Answer) -> str:
    """Return where an answer sends us, if that is the same site.

    Parameters
    ----------
    answer : Answer
        A redirect.

    Returns
    -------
    str
        The address, as :func:`avrec_lib.collect.addresses.tidy_address` spells it.

    Raises
    ------
    FetchError
        ``off-site`` for another site; ``bad-url`` for what is no address, or holds a name or a password.
    """
    location = answer.headers["location"]
    # What is told is also kept, and passwords are not.
    told = f"redirects to {_PASSWORD.sub('//***@', location[:200])!r}"
    target = tidy_address(answer.url, location)
    if target is None:
        raise FetchError("bad-url", answer.url, told)
    if origin_of(target) != origin_of(answer.url):
        raise FetchError("off-site", answer.url, told)
    return target
