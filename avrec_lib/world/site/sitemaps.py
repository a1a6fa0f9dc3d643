"""What the site tells robots: where they may go, and which pages there are."""

import gzip
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from avrec_lib.world.site.shelf import Entry, as_utc

__all__ = ["robots_txt", "sitemap", "sitemap_gzip", "sitemap_index"]


def robots_txt(url: str, crawl_delay: float) -> str:
    """Write robots.txt (RFC 9309): what all robots may do, and one robot that may do nothing.

    Parameters
    ----------
    url : str
        Address of the site, without the last slash.
    crawl_delay : float
        Seconds between two requests.

    Returns
    -------
    str
        Plain text.
    """
    delay = f"{crawl_delay:.6f}".rstrip("0").rstrip(".")  # few parsers know 1e-05
    return (
        "# Tidepool likes polite visitors.\n"
        "User-agent: greedybot\nDisallow: /\n\n"
        f"User-agent: *\nCrawl-delay: {delay}\n"
        "Disallow: /private/\nDisallow: /search\nDisallow: /api/\n\n"
        f"Sitemap: {url}/sitemap.xml\n"
    )


def sitemap_index(url: str) -> str:
    """Write the index of the two sitemaps.

    Parameters
    ----------
    url : str
        Address of the site, without the last slash.

    Returns
    -------
    str
        XML.
    """
    names = "".join(f"<sitemap><loc>{url}/{name}</loc></sitemap>\n" for name in ("sitemap-1.xml", "sitemap-2.xml.gz"))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{names}</sitemapindex>\n'
    )


def sitemap(entries: Sequence[Entry], url: str) -> str:
    """Write a sitemap of some clips, with the time of each one's last change.

    Parameters
    ----------
    entries : sequence of Entry
        The clips.
    url : str
        Address of the site, without the last slash.

    Returns
    -------
    str
        XML.
    """
    rows = "".join(
        f"<url><loc>{escape(url)}/clips/{quote(entry.clip_id)}</loc>"
        f"<lastmod>{as_utc(entry.modified):%Y-%m-%dT%H:%M:%SZ}</lastmod></url>\n"
        for entry in entries
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>\n'
    )


def sitemap_gzip(entries: Sequence[Entry], url: str) -> bytes:
    """Write a sitemap as a gzip file.

    Parameters
    ----------
    entries : sequence of Entry
        The clips.
    url : str
        Address of the site, without the last slash.

    Returns
    -------
    bytes
        The file; the same clips give the same bytes.
    """
    return gzip.compress(sitemap(entries, url).encode(), mtime=0)
