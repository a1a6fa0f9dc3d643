"""Players: a clip or a sound as one accessible HTML figure, in Jupyter and in the published page."""

import base64
import binascii
import hashlib
import html
import io
import os
import re
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image

from avrec_lib import media

__all__ = ["PLAYED", "Player", "data_uri", "externalise_media", "picture_uri", "player", "players"]

Kind = Literal["video", "sound"]

PLAYED: dict[str, str] = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".m4a": "audio/mp4",
    ".webm": "video/webm",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
}
"""The files that browsers play, by extension, with their media types."""

_EXTENSIONS: dict[str, str] = {
    "video/mp4": ".mp4",
    "audio/mp4": ".m4a",
    "video/webm": ".webm",
    "audio/webm": ".weba",
    "audio/ogg": ".ogg",
    "video/ogg": ".ogv",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/mpeg": ".mp3",
    "image/jpeg": ".jpg",
    "image/png": ".png",
}
_TAG = re.compile(r"""<(?:video|audio|img|source)\b(?:[^>"']|"[^"]*"|'[^']*')*>""", re.IGNORECASE)
_IS_OURS = re.compile(r"""\sclass\s*=\s*["'](?:[^"']*\s)?avrec-media(?:\s[^"']*)?["']""", re.IGNORECASE)
_EMBEDDED = re.compile(r"""(\s(?:src|poster)\s*=\s*)(["'])data:([^;,"']*)(;base64)?,([^"']*)\2""", re.IGNORECASE)
_SMALLEST_ALT = 8
_SOUND_BIT_RATE = 64_000


@dataclass(frozen=True)
class Player:
    """A figure that plays one clip.

    Attributes
    ----------
    markup : str
        The whole figure as HTML; the media is inside, as a ``data:`` address.
    title : str
        What the figure shows, unescaped.
    alt : str
        The text for readers who cannot see or hear it, unescaped.
    """

    markup: str
    title: str
    alt: str

    def _repr_html_(self) -> str:
        return self.markup

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/html": self.markup, "text/plain": f"{self.title}: {self.alt}"}


def data_uri(content: bytes, media_type: str) -> str:
    """Write bytes as a ``data:`` address.

    Parameters
    ----------
    content : bytes
        The file's bytes.
    media_type : str
        Its type, such as ``"image/jpeg"``.

    Returns
    -------
    str
        ``data:<type>;base64,<bytes>``.
    """
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def picture_uri(image: np.ndarray, *, quality: int = 82) -> str:
    """Compress a picture to JPEG and write it as a ``data:`` address.

    Parameters
    ----------
    image : ndarray of uint8, shape (h, w, 3)
        Red, green and blue.
    quality : int
        JPEG quality, 1 to 95.

    Returns
    -------
    str
        A ``data:image/jpeg`` address.

    Raises
    ------
    ValueError
        If the array is not an 8-bit RGB picture.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"a picture is uint8 of shape (h, w, 3), not {image.dtype} of shape {image.shape}")
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality, optimize=True)
    return data_uri(buffer.getvalue(), "image/jpeg")


def player(
    source: "Path | str | media.Sound",
    *,
    title: str,
    alt: str,
    poster: np.ndarray | None = None,
    kind: Kind | None = None,
) -> Player:
    """Make a player for a media file, or for a sound in memory.

    A file is embedded as it is, so what plays is what the library reads. The
    poster of a picture is one of its own frames. A sound in memory is
    compressed to AAC.

    Parameters
    ----------
    source : Path, str or media.Sound
        A media file that browsers play (MP4, WebM, OGG, WAV, FLAC, MP3), or samples.
    title : str
        What it is, a few words. Untrusted text is safe here: it is escaped.
    alt : str
        What one sees and hears, for readers who cannot. Escaped too.
    poster : ndarray of uint8, shape (h, w, 3), optional
        The still picture; the frame a third of the way in when not given.
    kind : {"video", "sound"}, optional
        Without it, a file with a picture is a video. ``"sound"`` plays a
        video file's sound without its picture.

    Returns
    -------
    Player
        Shown by Jupyter as a figure.

    Raises
    ------
    ValueError
        If title or alt say nothing, or browsers do not play the file's type.
    avrec_lib.media.MediaError
        If the file cannot be read, or has no stream of the kind asked for.
    """
    if not title.strip():
        raise ValueError("a player needs a title: say in a few words what plays")
    if len(alt.strip()) < _SMALLEST_ALT:
        raise ValueError(f"player {title!r} needs alt text that says what one sees and hears, not {alt!r}")
    if isinstance(source, media.Sound):
        if kind == "video":
            raise ValueError(f"player {title!r}: samples are a sound and have no picture; leave out kind='video'")
        return _figure(data_uri(_compressed(source), "audio/mp4"), title, alt, kind="sound", still=None)

    path = Path(source)
    media_type = PLAYED.get(path.suffix.lower())
    if media_type is None:
        known = ", ".join(sorted(PLAYED))
        raise ValueError(f"{path.name}: browsers do not play {path.suffix or 'a file without extension'}; use {known}")
    info = media.probe(path)
    has_picture = bool(info.video)
    if kind is None:
        kind = "video" if has_picture else "sound"
    if kind == "video" and not has_picture:
        raise media.MissingStreamError(path, "no picture to play; use kind='sound'")
    if kind == "sound" and not info.audio:
        raise media.MissingStreamError(path, "no sound to play; use kind='video'")
    if kind == "sound" and has_picture:
        return player(media.read_sound(path), title=title, alt=alt)
    if kind == "sound":
        address = data_uri(path.read_bytes(), media_type.replace("video/", "audio/"))
        return _figure(address, title, alt, kind="sound", still=None)
    still = poster if poster is not None else _one_frame(path, info.duration_seconds)
    address = data_uri(path.read_bytes(), media_type.replace("audio/", "video/"))
    return _figure(address, title, alt, kind="video", still=still)


def players(shown: Iterable[Player]) -> Player:
    """Set several players side by side, as many in a row as the page has room for.

    Parameters
    ----------
    shown : iterable of Player
        At least one.

    Returns
    -------
    Player
        One figure group; its title and alt join those of its parts.

    Raises
    ------
    ValueError
        If there is none.
    """
    parts = list(shown)
    if not parts:
        raise ValueError("players() needs at least one player")
    style = "display:grid;grid-template-columns:repeat(auto-fill,minmax(9rem,1fr));gap:.75rem"
    markup = f'<div class="avrec-players" style="{style}">' + "".join(part.markup for part in parts) + "</div>"
    return Player(markup, "; ".join(part.title for part in parts), " ".join(part.alt for part in parts))


def externalise_media(markup: str, folder: Path, prefix: str) -> str:
    """Move embedded media out of a page into files named by their content.

    Only elements of class ``avrec-media`` are touched: their ``src`` and
    ``poster``. The same bytes shown twice, on one page or on two, are stored
    once. Calling it again changes nothing.

    Parameters
    ----------
    markup : str
        HTML of a page or of a part of one.
    folder : Path
        Where the files go; created when missing.
    prefix : str
        What stands before a file's name in the page, such as
        ``"../_static/media/"``.

    Returns
    -------
    str
        The same HTML with the files' addresses in place of the bytes.

    Raises
    ------
    ValueError
        If an embedded file has an unknown type or is not base64.
    """
    folder = Path(folder)

    def store(found: re.Match[str]) -> str:
        start, quote, media_type, coding, body = found.groups()
        extension = _EXTENSIONS.get(media_type.lower())
        if extension is None or coding is None:
            known = ", ".join(sorted(_EXTENSIONS))
            raise ValueError(f"embedded media of type {media_type!r}: expected base64 of one of {known}")
        try:
            content = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise ValueError(f"embedded {media_type} is not base64: {error}") from error
        name = hashlib.sha256(content).hexdigest() + extension
        _store_once(folder / name, content)
        return f"{start}{quote}{prefix.rstrip(chr(47))}/{name}{quote}"

    def rewrite(tag: re.Match[str]) -> str:
        text = tag.group(0)
        return _EMBEDDED.sub(store, text) if _IS_OURS.search(text) else text

    return _TAG.sub(rewrite, markup)


def _store_once(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; a file of that name has that content already."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".draft-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)
    finally:
        Path(draft).unlink(missing_ok=True)


def _one_frame(path: Path, duration_seconds: float) -> np.ndarray:
    """Return the frame a third of the way in, or the first one of a very short clip."""
    start = duration_seconds / 3 if np.isfinite(duration_seconds) else 0.0
    for batch in media.iter_frames(path, start=start):
        if len(batch.images):
            return batch.images[0]
    for batch in media.iter_frames(path):
        if len(batch.images):
            return batch.images[0]
    raise media.MediaError(path, "no frame could be read for the poster")


def _compressed(sound: "media.Sound") -> bytes:
    """Return the sound as the bytes of an AAC file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound.m4a"
        media.write_clip(path, sound=sound.samples, sample_rate=sound.sample_rate, bit_rate=_SOUND_BIT_RATE)
        return path.read_bytes()


def _figure(address: str, title: str, alt: str, *, kind: Kind, still: np.ndarray | None) -> Player:
    """Write the figure; every piece of text is escaped."""
    said_title, said_alt = html.escape(title.strip()), html.escape(alt.strip())
    label = f'aria-label="{said_title}. {said_alt}"'
    common = f'class="avrec-media" controls preload="none" {label} src="{address}"'
    if kind == "video":
        poster = f' poster="{picture_uri(still)}"' if still is not None else ""
        element = f'<video {common}{poster} playsinline style="width:100%">{said_alt}</video>'
    else:
        element = f'<audio {common} style="width:100%">{said_alt}</audio>'
    markup = (
        f'<figure class="avrec-player avrec-player-{kind}" style="margin:0;max-width:20rem">{element}'
        f'<figcaption><strong>{said_title}</strong> <span class="avrec-alt">{said_alt}</span></figcaption></figure>'
    )
    return Player(markup, title.strip(), alt.strip())
