"""Open a media file that nobody vouches for: local, of a known kind, and within bounds."""

import io
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from avrec_lib.media.boxes import refuse_false_index
from avrec_lib.media.errors import MediaError, StalledMediaError

__all__ = ["DECODER_ERRORS", "Limits", "Source", "in_words", "open_source"]

# Formats that are read, by FFmpeg's names. Playlists (HLS, DASH, concat) are not among them: they name other
# files and addresses, and a file of somebody else's must not choose what this machine opens.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,wav,w64,flac,mp3,aac,aiff,avi,mpegts,mpeg,flv"
_READ_AT_ONCE = 1 << 16
# What PyAV raises on damaged input: its own errors, and Python's for values that make no sense.
DECODER_ERRORS = (av.FFmpegError, OSError, ValueError, ArithmeticError, LookupError, RuntimeError, MemoryError)


@dataclass(frozen=True)
class Limits:
    """Bounds on what one file may cost; beyond them it ends in `MediaError`.

    A few kilobytes can claim a picture of a hundred megapixels or a pause of a year, so files from outside are read
    within limits. The clock is looked at whenever the file is read and between packets; one call into the decoder
    is not interrupted, and is bounded by the size of a picture and of a packet. Who reads files from enemies also
    puts the reader into a process of its own, with bounded memory, as the fuzz test does.

    Attributes
    ----------
    frame_pixels : int
        Pixels of one picture, as stored and as returned.
    decoded_bytes : int
        Bytes that `read_frames` and `read_sound` may return (they need twice as much for a moment); the streaming
        readers have no such bound.
    gap_seconds : float
        The longest time without a new picture, and the longest silence between two pieces of sound.
    stall_seconds : float
        The longest wait for the next picture or piece of sound.
    decode_seconds : float
        Time that one reader may spend decoding in all, without the caller's own.
    """

    frame_pixels: int = 1 << 26
    decoded_bytes: int = 1 << 31
    gap_seconds: float = 3600.0
    stall_seconds: float = 20.0
    decode_seconds: float = 7200.0


class _Watch:
    """A clock that runs while the decoder works and stops while the caller does."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits = path, limits
        self.spent = 0.0
        self.resume()

    def resume(self) -> None:
        self.began = time.monotonic()

    def pause(self) -> None:
        self.spent += time.monotonic() - self.began

    def check(self) -> None:
        waited = time.monotonic() - self.began
        if waited > self.limits.stall_seconds:
            raise StalledMediaError(
                self.path, f"gave nothing for {waited:.0f} s of decoding; it is damaged or too large"
            )
        if self.spent + waited > self.limits.decode_seconds:
            raise StalledMediaError(self.path, f"needs more than {self.limits.decode_seconds:g} s to decode")


class _LocalFile(io.RawIOBase):
    """The bytes of one regular file, and no other; every read looks at the clock."""

    def __init__(self, path: Path, watch: _Watch) -> None:
        self._file = path.open("rb", buffering=0)
        self._watch = watch
        self.name = path.name

    def read(self, size: int = -1) -> bytes:
        self._watch.check()
        return self._file.read(size) or b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()


@dataclass
class Source:
    """An open file.

    Attributes
    ----------
    path : Path
        The file.
    container : InputContainer
        PyAV's view of it.
    origin : float
        The container's time, in seconds, at which its earliest stream begins: time zero for callers.
    watch : _Watch
        The clock of its limits.
    """

    path: Path
    container: InputContainer
    origin: float
    watch: _Watch

    @property
    def limits(self) -> Limits:
        """Bounds under which the file was opened."""
        return self.watch.limits

    def video(self) -> list[VideoStream]:
        """Return the moving pictures; cover art in a music file is none."""
        streams = [s for s in self.container.streams.video if s.codec_context is not None]
        return [s for s in streams if not s.disposition & Disposition.attached_pic]

    def audio(self) -> list[AudioStream]:
        """Return the sound streams."""
        return [s for s in self.container.streams.audio if s.codec_context is not None]


def _refuse_other_files(url: str, flags: int, options: dict[str, str]) -> None:
    raise PermissionError(f"the file refers to another one ({url}), which is not opened")


@contextmanager
def open_source(path: str | Path, limits: Limits) -> Iterator[Source]:
    """Open a local media file; what it is, is decided by its bytes and never by its extension.

    Parameters
    ----------
    path : str or Path
        A regular file. Addresses (``http://...``) and FFmpeg's own protocols are file names like any other.
    limits : Limits
        Bounds.

    Yields
    ------
    Source
        The open file.

    Raises
    ------
    MediaError
        If there is no such file, it is empty, or it is none of the formats that are read; also for whatever the
        decoder raises inside the ``with`` block; :class:`~avrec_lib.media.StalledMediaError` beyond limits of time.
    """
    path = Path(path)
    watch = _Watch(path, limits)
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise MediaError(path, f"cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(status.st_mode):
        raise MediaError(path, "is not a regular file")
    if status.st_size == 0:
        raise MediaError(path, "is empty")
    try:
        with path.open("rb") as start:
            refuse_false_index(path, start)
        with _LocalFile(path, watch) as file, _container(path, file, limits) as container:
            began = container.start_time or 0
            # Encoders' lead-in may begin before zero; it is cut by the decoder, and zero stays zero.
            yield Source(path, container, max(began, 0) / av.time_base, watch)
    except MediaError:
        raise
    except av.error.ExitError as error:
        raise StalledMediaError(path, f"gave nothing for {limits.stall_seconds:g} s and was given up") from error
    except DECODER_ERRORS as error:
        raise MediaError(path, f"cannot be decoded: {in_words(error)}") from error


def _container(path: Path, file: _LocalFile, limits: Limits) -> InputContainer:
    try:
        container = av.open(
            file,
            "r",
            options={"format_whitelist": _FORMATS, "max_pixels": str(limits.frame_pixels), "max_streams": "100"},
            buffer_size=_READ_AT_ONCE,
            metadata_errors="replace",
            io_open=_refuse_other_files,
            timeout=limits.stall_seconds,
        )
    except (MediaError, av.error.ExitError):
        raise
    except DECODER_ERRORS as error:
        raise MediaError(
            path, f"is no media file of a known kind, or its header is damaged: {in_words(error)}"
        ) from error
    if not any(s.codec_context is not None for s in (*container.streams.video, *container.streams.audio)):
        container.close()
        raise MediaError(path, "holds no picture and no sound that can be decoded; its header may be damaged")
    return container


def in_words(error: BaseException) -> str:
    """Return what an error says, without the file's name where that comes apart.

    Parameters
    ----------
    error : BaseException
        Any error.

    Returns
    -------
    str
        Never empty.
    """
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
