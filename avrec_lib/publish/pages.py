"""Check the built pages without a browser: links, anchors, media, text alternatives, weight."""

import io
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from PIL import Image, UnidentifiedImageError

from avrec_lib import media
from avrec_lib.publish.players import PLAYED

__all__ = [
    "HEAVIEST_PAGE_BYTES",
    "check_alternatives",
    "check_hosts",
    "check_ids",
    "check_links",
    "check_media",
    "check_outputs",
    "check_pages",
    "check_weight",
]

HEAVIEST_PAGE_BYTES = 3_000_000
"""What a page may load before anybody presses play, uncompressed."""

_LOADS = (("script", "src"), ("img", "src"), ("video", "poster"), ("link", "href"), ("iframe", "src"))
_PLAYS = (("video", "src"), ("audio", "src"), ("source", "src"))
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
_WEB = ("http", "https")
_SMALLEST_LABEL = 15


def check_pages(html_folder: Path) -> list[str]:
    """Look for every fault that can be found in the files alone.

    Parameters
    ----------
    html_folder : Path
        The folder of the built book, with ``index.html``.

    Returns
    -------
    list of str
        One line a fault, naming the page; empty if there is none.
    """
    folder = Path(html_folder).resolve()
    paths = sorted(folder.rglob("*.html"))
    # The theme keeps templates of its own among the static files; they are not pages.
    paths = [path for path in paths if "_static" not in path.relative_to(folder).parts]
    if not (folder / "index.html").is_file():
        return [f"{folder.name}: there is no index.html; the book was not built"]
    pages = {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in paths}
    problems: list[str] = []
    for path, page in pages.items():
        name = path.relative_to(folder).as_posix()
        found = [
            *check_ids(page),
            *check_links(path, page, folder, pages),
            *check_hosts(page),
            *check_alternatives(page),
            *check_media(path, page),
            *check_outputs(page),
            *check_weight(path, page),
        ]
        problems += [f"{name}: {problem}" for problem in found]
    return problems


def check_ids(page: BeautifulSoup) -> list[str]:
    """Find ids that stand twice: links to them are a matter of luck.

    Parameters
    ----------
    page : BeautifulSoup
        A parsed page.

    Returns
    -------
    list of str
        One line a fault.
    """
    counts = Counter(_text(element, "id") for element in page.find_all(id=True))
    return [f"the id {name!r} stands {count} times" for name, count in counts.items() if count > 1]


def check_links(path: Path, page: BeautifulSoup, folder: Path, pages: dict[Path, BeautifulSoup]) -> list[str]:
    """Find links inside the book that lead nowhere: to a missing file, or a missing place in a page.

    Parameters
    ----------
    path : Path
        The page's file.
    page : BeautifulSoup
        The page.
    folder : Path
        The folder of the book.
    pages : dict of Path to BeautifulSoup
        Every page of the book.

    Returns
    -------
    list of str
        One line a fault.
    """
    problems = []
    for link in page.find_all("a", href=True):
        address = _text(link, "href")
        target = _inside(path, address)
        if target is None:
            continue
        fragment = unquote(urlsplit(address).fragment)
        if target.is_dir():
            target = target / "index.html"
        if not target.is_relative_to(folder) or not target.is_file():
            problems.append(f"the link {address!r} leads to no file")
        elif fragment and target in pages and not _has_place(pages[target], fragment):
            problems.append(f"the link {address!r} leads to no place of that name")
    for refresh in page.find_all("meta", attrs={"http-equiv": "Refresh"}):
        address = _text(refresh, "content").partition("url=")[2].strip()
        target = _inside(path, address)
        if target is None or not target.is_file():
            problems.append(f"the page sends its reader to {address!r}, which is no file")
    return problems


def check_hosts(page: BeautifulSoup) -> list[str]:
    """Find what a page would fetch from other hosts: it must work without a network.

    Parameters
    ----------
    page : BeautifulSoup
        A parsed page.

    Returns
    -------
    list of str
        One line a fault.
    """
    return [
        f"<{element.name}> is fetched from another host: {address}"
        for element, _, address in _addresses(page, _LOADS + _PLAYS)
        if urlsplit(address).scheme in _WEB or address.startswith("//")
    ]


def check_alternatives(page: BeautifulSoup) -> list[str]:
    """Find pictures without ``alt`` and players or drawings without a name.

    Parameters
    ----------
    page : BeautifulSoup
        A parsed page.

    Returns
    -------
    list of str
        One line a fault.
    """
    problems = [f"a picture has no alt: {_short(image)}" for image in page.find_all("img") if not image.has_attr("alt")]
    for image in page.select("img.avrec-figure"):
        if len(_text(image, "alt").strip()) < _SMALLEST_LABEL:
            problems.append(f"a figure's alt says nothing: {_short(image)}")
    for element in page.find_all(["video", "audio"]):
        if len(_text(element, "aria-label").strip()) < _SMALLEST_LABEL:
            problems.append(f"a player has no label that says what plays: {_short(element)}")
        if not element.has_attr("controls"):
            problems.append(f"a player has no controls: {_short(element)}")
    for drawing in page.select("svg[role=img]"):
        title = drawing.find("title")
        if not (_text(drawing, "aria-label") or (title is not None and title.get_text().strip())):
            problems.append("a drawing has no title")
    return problems


def check_media(path: Path, page: BeautifulSoup) -> list[str]:
    """Find files that a page shows or plays and that are missing or broken.

    Pictures are decoded whole; of a clip, the streams that its player promises are decoded.

    Parameters
    ----------
    path : Path
        The page's file.
    page : BeautifulSoup
        The page.

    Returns
    -------
    list of str
        One line a fault.
    """
    problems = []
    for element, attribute, address in _addresses(page, _LOADS + _PLAYS):
        target = _inside(path, address)
        if address.startswith("data:") and "avrec-media" in _text(element, "class"):
            problems.append(f"media are embedded in the page, not in a file of their own: {_short(element)}")
        if target is None:
            continue
        if not target.is_file():
            problems.append(f"<{element.name}> needs {address!r}, which is missing")
        elif (element.name, attribute) in _PLAYS:
            kind = element.name if element.name != "source" else str(getattr(element.parent, "name", "video"))
            fault = _clip_fault(target, kind, target.stat().st_mtime_ns)
            problems += [f"{address!r} does not decode: {fault}"] if fault else []
        elif attribute == "poster" or (element.name == "img" and target.suffix.lower() in _PICTURES):
            fault = _picture_fault(target, target.stat().st_mtime_ns)
            problems += [f"{address!r} does not decode: {fault}"] if fault else []
    return problems


def check_outputs(page: BeautifulSoup) -> list[str]:
    """Find what a reader must never see: tracebacks, unfilled times, formulas and references left as source.

    Parameters
    ----------
    page : BeautifulSoup
        A parsed page.

    Returns
    -------
    list of str
        One line a fault.
    """
    problems = [f"a cell failed: {block.get_text()[-80:]!r}" for block in page.select("div.output.traceback")]
    for name in ("avrec-run-seconds", "avrec-read-minutes"):
        for place in page.select(f"span.{name}"):
            if "measured" in place.get_text():
                problems.append(f"a card's time was not filled in ({name})")
    problems += [f"a formula was not rendered: {place.get_text()!r}" for place in page.select(".math > code")]
    return problems


def check_weight(path: Path, page: BeautifulSoup) -> list[str]:
    """Find a page that loads more than :data:`HEAVIEST_PAGE_BYTES` before anybody presses play.

    Fonts, which style sheets name, are counted by the browser test.

    Parameters
    ----------
    path : Path
        The page's file.
    page : BeautifulSoup
        The page.

    Returns
    -------
    list of str
        One line, or none.
    """
    files = {path}
    for element, _, address in _addresses(page, _LOADS):
        target = _inside(path, address)
        if target is not None and target.is_file() and not (element.name == "link" and _is_plain_link(element)):
            files.add(target)
    for element, _, address in _addresses(page, _PLAYS):
        target = _inside(path, address)
        if target is not None and target.is_file() and element.get("preload") != "none":
            files.add(target)
    weight = sum(file.stat().st_size for file in files)
    if weight <= HEAVIEST_PAGE_BYTES:
        return []
    heaviest = max(files, key=lambda file: file.stat().st_size)
    return [f"the page loads {weight:,} bytes, more than {HEAVIEST_PAGE_BYTES:,}; the heaviest file is {heaviest.name}"]


def _addresses(page: BeautifulSoup, kinds: tuple[tuple[str, str], ...]) -> Iterator[tuple[Tag, str, str]]:
    """Yield each element with the attribute and the address that it loads or plays."""
    for name, attribute in kinds:
        for element in page.find_all(name):
            if address := _text(element, attribute):
                if name == "link" and _is_plain_link(element):
                    continue
                yield element, attribute, address


def _is_plain_link(element: Tag) -> bool:
    """Say whether a ``<link>`` only tells relations and loads nothing."""
    return not {"stylesheet", "icon", "preload", "modulepreload"} & set(_text(element, "rel").split())


def _text(element: Tag, attribute: str) -> str:
    value = element.get(attribute)
    return "" if value is None else " ".join(value) if isinstance(value, list) else str(value)


def _short(element: Tag) -> str:
    return str(element)[:160]


def _inside(path: Path, address: str) -> Path | None:
    """Return the file that an address of this book means; none for other hosts, mail and data."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    return (path.parent / unquote(parts.path)).resolve() if parts.path else path


def _has_place(page: BeautifulSoup, name: str) -> bool:
    return page.find(id=name) is not None or page.find("a", attrs={"name": name}) is not None


@cache
def _picture_fault(path: Path, changed: int) -> str:
    try:
        with Image.open(io.BytesIO(path.read_bytes())) as image:
            image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        return str(error) or type(error).__name__
    return ""


@cache
def _clip_fault(path: Path, kind: str, changed: int) -> str:
    if path.suffix.lower() not in PLAYED:
        return "browsers do not play such a file"
    try:
        if kind == "video":
            return "" if any(len(batch.images) for batch in media.iter_frames(path)) else "it holds no frame"
        return "" if media.read_sound(path).samples.size else "it holds no sound"
    except media.MediaError as error:
        return str(error)
