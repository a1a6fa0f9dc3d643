"""The rules of a polite client: who it is, how long it waits, what it may fetch, which sites are one.

The house rules of a site are its ``robots.txt`` (RFC 9309).
"""

import email.utils
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

import numpy as np
from protego import Protego

from avrec_lib.collect.bounded import Answer, FetchError

__all__ = [
    "HTML_TYPES",
    "RETRIED_STATUS",
    "Manners",
    "allowed",
    "conditions",
    "is_redirect",
    "origin_of",
    "pause_before_retry",
    "read_retry_after",
    "redirect_target",
]

HTML_TYPES: tuple[str, ...] = ("text/html", "application/xhtml+xml")
"""Media types of pages."""

RETRIED_STATUS: frozenset[int] = frozenset({429, 500, 502, 503, 504})
"""Statuses that may be gone a moment later."""

_RETRIED_KIND = frozenset({"timeout", "connection", "protocol", "cut-short"})
_STREAM = 31


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


def origin_of(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address: what makes two addresses the same site.

    Parameters
    ----------
    url : str
        Any text.

    Returns
    -------
    tuple of (str, str, int)
        Port 0 and empty text where there is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "", "", 0
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), port or {"http": 80, "https": 443}.get(scheme, 0)


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
    return bool(Protego.parse(robots_txt).can_fetch(url, agent.split("/")[0]))


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
        The absolute address, without a fragment.

    Raises
    ------
    FetchError
        ``off-site`` for another scheme, host or port; ``bad-url`` for what is no address.
    """
    location = answer.headers["location"]
    try:
        target = urljoin(answer.url, location).split("#")[0]
    except ValueError as error:
        raise FetchError("bad-url", answer.url, f"redirects to {location[:200]!r}") from error
    if origin_of(target) != origin_of(answer.url):
        raise FetchError("off-site", answer.url, f"redirects to {location[:200]!r}")
    return target
