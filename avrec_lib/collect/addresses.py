"""One spelling for each address, and which addresses are one site.

A page can be written in many ways: ``/a/../b``, ``./b``, ``/%62``. Whoever keeps
the rules of a site must judge what is *sent*, and whoever asks each page once
must know that these are one. So every address that a stranger gives goes through
:func:`tidy_address` before it is judged, kept or asked.
"""

import re
import string
from urllib.parse import quote, urljoin, urlsplit

import httpx

__all__ = ["origin_of", "tidy_address"]

_LONGEST = 2000  # characters
_PORTS = {"http": 80, "https": 443}
_UNRESERVED = frozenset(string.ascii_letters + string.digits + "-._~")
_UNQUOTED = "%/:@!$&'()*+,;=~-._?"
_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})?")


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
    return scheme, (parts.hostname or "").lower(), port or _PORTS.get(scheme, 0)


def _escape(match: re.Match[str]) -> str:
    """Spell one percent sign as RFC 3986 does: upper case, and only where it is needed."""
    if match[1] is None:
        return "%25"
    letter = chr(int(match[1], 16))
    return letter if letter in _UNRESERVED else match[0].upper()


def _without_dots(path: str) -> str:
    """Resolve the dot segments of an absolute path."""
    parts = path.split("/")[1:]
    kept: list[str] = []
    for part in parts:
        if part == "..":
            del kept[-1:]
        elif part != ".":
            kept.append(part)
    return "/" + "/".join([*kept, *([""] if parts[-1:] in (["."], [".."]) else [])])


def tidy_address(base: str, link: object) -> str | None:
    """Return where a link leads, spelled as it will be sent.

    Parameters
    ----------
    base : str
        Address of what holds the link; empty for an address that stands alone.
    link : object
        What a page, a sitemap, a header or a person gives.

    Returns
    -------
    str or None
        An absolute address of ``http`` or ``https``: scheme and host in lower case, the usual port left out, dot
        segments resolved, percent escapes in upper case and only where they are needed, no fragment. Tidying it again
        changes nothing, and so does sending it. None for what is no such address, holds a name or a password, or has
        more than 2,000 characters.

    References
    ----------
    .. [1] T. Berners-Lee, R. Fielding, L. Masinter, "Uniform Resource Identifier (URI): Generic Syntax", RFC 3986,
       2005, section 6.2.2.

    Examples
    --------
    >>> tidy_address("http://Tide.Pool:80/clips/", "x/../../%70rivate/%c3%a9#part")
    'http://tide.pool/private/%C3%A9'
    """
    if not isinstance(link, str) or not link.strip() or len(link) > _LONGEST:
        return None
    try:
        parts = urlsplit(urljoin(base, link.strip()))
        if parts.scheme.lower() not in _PORTS or "@" in parts.netloc or parts.port == 0:
            return None
        path, query = (
            _PERCENT.sub(_escape, quote(part, safe=_UNQUOTED, errors="replace")) for part in (parts.path, parts.query)
        )
        # Escapes first: they may have hidden dots, and a client or a server may resolve them.
        path = _without_dots(path or "/")
        url = httpx.URL(parts._replace(path=path, query=query, fragment="").geturl())
        address = str(url)
    except (httpx.InvalidURL, ValueError):
        return None
    return address if len(address) <= _LONGEST and _HOST.fullmatch(url.raw_host) else None
