"""Strangers' markup made safe to parse: its encoding found, its tags bounded, its text plain.

Python's own HTML parser needs time that grows with the *square* of some broken
pages: 40 kB of ``<a '`` keep it busy for seconds, a page of 2 MB for hours.
:func:`tidy` reads a page once, keeps the tags that are whole, and makes
everything else text, after which any parser is quick.
"""

import codecs
import re

from bs4 import BeautifulSoup

__all__ = ["clean_characters", "decode_page", "plain_text", "soup_of", "tidy"]

_MOST_MARKS = 20_000
_LONGEST_TAG = 8_000
_LONGEST_TEXT = 20_000

# A tag, a comment or a declaration. The quantifiers never give back what they took (++, *+) and no part runs past
# the next "<", so that the time is linear whatever the page holds.
_MARK = re.compile(r"""<(?:(?P<tag>/?[A-Za-z](?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>)|(?P<comment>!--)|(?P<odd>[!?]))?""")
_RAW = re.compile(r"<(script|style|textarea|title)\b", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
_LONG_NUMBER = re.compile(r"&#(?:[0-9]{8,}|[xX][0-9A-Fa-f]{8,});?")
_OPENING = re.compile(r"<+(?=[A-Za-z/!?])")
_CHARSET = re.compile(rb"""<meta[^<>]{0,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}

# The encodings that browsers know. Others that Python has (utf-7, unicode_escape, punycode) are ways to attack.
_ENCODINGS = frozenset(
    {
        *("ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "cp866", "cp874", "koi8-r", "koi8-u", "mac-roman"),
        *(f"iso8859-{part}" for part in range(1, 17)),
        *(f"cp{page}" for page in range(1250, 1259)),
        *("gbk", "gb18030", "big5", "euc_jp", "iso2022_jp", "shift_jis", "euc_kr"),
    }
)


def clean_characters(text: str) -> str:
    """Take out of a text what no file and no page can hold.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Without control characters (tab and line ends stay), with lone surrogates replaced by U+FFFD.
    """
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("", text)


def _known(name: str) -> str | None:
    """Return Python's name of an encoding that browsers know, or None."""
    try:
        found = codecs.lookup(name.strip().strip("\"'")).name if name.isascii() and "\x00" not in name else ""
    except LookupError:
        return None
    # As browsers do: who says latin-1 or ASCII means windows-1252, which has curly quotes too.
    return "cp1252" if found in ("iso8859-1", "ascii") else found if found in _ENCODINGS else None


def _guess(html: bytes) -> str:
    """Guess an encoding of one byte a letter: Cyrillic words are runs of high bytes, accents stand alone."""
    high = re.findall(rb"[\xc0-\xff]+", html[:200_000])
    together = sum(len(run) for run in high if len(run) > 2)
    return "cp1251" if 2 * together > sum(map(len, high)) else "cp1252"


def decode_page(html: bytes, content_type: str = "") -> str:
    """Turn the bytes of a page into text, whatever it declares.

    A byte-order mark wins. What is valid UTF-8 is UTF-8, because text in any other encoding is so by accident only.
    Then come the header, the page's own ``meta`` element, and a guess.

    Parameters
    ----------
    html : bytes
        The page.
    content_type : str
        The header of that name.

    Returns
    -------
    str
        The text, of characters that :func:`clean_characters` lets through. Bytes that mean nothing become U+FFFD.
    """
    declared = re.search(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", content_type, re.IGNORECASE)
    inside = _CHARSET.search(html[:4096])
    names = [encoding for mark, encoding in _MARKS.items() if html.startswith(mark)]
    names += ["utf-8"] if b"\x00" not in html else []
    names += [name for name in (declared and _known(declared[1]), inside and _known(inside[1].decode("ascii"))) if name]
    for name in names:
        try:
            return clean_characters(html.decode(name))
        except UnicodeError:
            continue
    whole = html.decode("utf-8", "replace")
    # A few bad bytes in UTF-8 are damage; many are another encoding.
    damaged = whole.count("\ufffd") * 10 <= sum(not letter.isascii() for letter in whole)
    return clean_characters(whole if damaged else html.decode(_guess(html), "replace"))


def tidy(text: str) -> str:
    """Keep the whole tags of a page, and make text of every other '<'; in one pass.

    Parameters
    ----------
    text : str
        Markup.

    Returns
    -------
    str
        Markup that any parser reads in linear time. Comments and declarations are gone; the contents of scripts and
        styles stay as they are, but for numbers of characters that are too long for any; what follows the 20,000th
        "<" is dropped, because no page has so many.
    """
    pieces: list[str] = []
    at = marks = 0
    if text.count("&") > 5 * _MOST_MARKS:
        text = text.replace("&", " ")
    # No character has a number of eight digits, and Python refuses to read numbers of more than 4,300.
    text = _LONG_NUMBER.sub("\ufffd", text)
    lower = text.lower()
    lower = lower if len(lower) == len(text) else text  # some letters grow when they are made small
    while at < len(text):
        mark = _MARK.search(text, at)
        if mark is None:
            pieces.append(text[at:])
            break
        pieces.append(text[at : mark.start()])
        at = mark.end()
        marks += 1
        if marks > _MOST_MARKS:
            break
        if mark["comment"]:
            end = text.find("-->", at)
            at = len(text) if end < 0 else end + 3
        elif mark["odd"]:
            end = text.find(">", at)
            at = len(text) if end < 0 else end + 1
        elif mark["tag"] and len(mark[0]) <= _LONGEST_TAG:
            pieces.append(mark[0])
            raw = _RAW.match(mark[0])
            if raw and not mark[0].endswith("/>"):
                end = lower.find(f"</{raw[1].lower()}", at)
                end = len(text) if end < 0 else end
                inside = text[at:end]
                pieces.append(inside if raw[1].lower() in ("script", "style") else inside.replace("<", "&lt;"))
                at = end
        else:
            pieces.append("&lt;" + mark[0][1:])
    return "".join(pieces)


def soup_of(text: str) -> BeautifulSoup:
    """Parse markup of any kind.

    Parameters
    ----------
    text : str
        Markup.

    Returns
    -------
    BeautifulSoup
        The tree.
    """
    return BeautifulSoup(tidy(text), "html.parser")


def plain_text(value: object) -> str | None:
    """Turn what a stranger wrote into one line of plain text.

    Parameters
    ----------
    value : object
        Text, possibly with markup and entities.

    Returns
    -------
    str or None
        Without markup, with entities resolved and white space made single; at most 20,000 characters. None for what is
        no text, or has none. Text that was escaped twice is resolved twice, and what is left holds
        nothing that a browser would take for a tag.
    """
    if not isinstance(value, str):
        return None
    text = clean_characters(value[:_LONGEST_TEXT])
    for _ in range(4):
        if "<" not in text and "&" not in text:
            break
        # The parser drops the ampersand of an entity that the text's end cuts short: "AT&T" needs something behind it.
        soup = soup_of(text + "\n")
        for node in soup.find_all(["script", "style"]):
            node.decompose()
        for node in soup.find_all("br"):
            node.replace_with(" ")
        resolved = clean_characters(soup.get_text().removesuffix("\n"))
        if resolved == text:
            break
        text = resolved
    text = _OPENING.sub("", text)
    return " ".join(text.split()) or None
