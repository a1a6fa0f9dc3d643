"""Decode one stream of an open file, in order of time, and tell damage from the end."""

import math
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal, TypeVar

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from av.stream import Discard
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from avrec_lib.media.errors import MediaError, MissingStreamError
from avrec_lib.media.source import DECODER_ERRORS, Source, in_words

__all__ = ["Errors", "check_request", "decode_sound", "decode_video", "stated_sound_end"]

Errors = Literal["strict", "partial"]

# Formats whose header states how long the streams are, so that a shortage shows.
_MOV = "mov,mp4,m4a,3gp,3g2,mj2"
_STATES_LENGTH = {_MOV, "matroska,webm", "flac", "ogg"}
# Seconds that may be missing at the end before a file counts as cut: headers round, and players do not mind.
_SHORTAGE = 0.25
# Formats without timestamps: after a jump the time would be a guess, and decoding the way there is fast.
_NO_JUMPS = {"mp3", "aac"}
_JUMPS = (0, 12)  # seconds before the wanted time
_SETTLING = 0.25  # seconds
_CORRUPT = "some of its data is corrupt"
# Sampling rates outside of this are damage, and resampling from them would need memory without bound.
_SAMPLE_RATES = (1000, 768_000)

_Stream = TypeVar("_Stream", VideoStream, AudioStream)


def _pick(source: Source, streams: list[_Stream], number: int, kind: str) -> _Stream:
    if number >= len(streams):
        has = f"only {len(streams)} {kind} stream(s)" if streams else f"no {kind} stream that can be decoded"
        raise MissingStreamError(source.path, f"has {has}; number {number} was asked for")
    return streams[number]


def check_request(stream: int, start: float, stop: float | None, errors: str) -> None:
    """Refuse arguments that make no sense, before a file is opened.

    Parameters
    ----------
    stream, start, stop, errors
        As callers gave them.

    Raises
    ------
    ValueError
        If one makes no sense.
    """
    if stream < 0:
        raise ValueError(f"stream must be 0 or more, not {stream}")
    if not (math.isfinite(start) and start >= 0):
        raise ValueError(f"start must be 0 or more seconds, not {start}")
    if stop is not None and not stop > start:
        raise ValueError(f"stop must be later than start ({start}), not {stop}")
    if errors not in ("strict", "partial"):
        raise ValueError(f'errors must be "strict" or "partial", not {errors!r}')


def decode_video(
    source: Source, number: int, start: float, errors: Errors
) -> Iterator[tuple[float, float, VideoFrame]]:
    """Decode one stream of pictures from about `start`.

    Parameters
    ----------
    source : Source
        The open file.
    number : int
        Which of its picture streams, from 0.
    start : float
        Seconds; the frame on display at that time and all later ones are given, and some earlier ones may be.
    errors : {"strict", "partial"}
        Whether damage raises or ends the iteration at what could be read.

    Yields
    ------
    tuple of float, float, VideoFrame
        When the frame appears and for how long, in seconds, and the frame. Times increase.

    Raises
    ------
    MissingStreamError
        If there is no such stream.
    MediaError
        See `open_source`; and on damage if `errors` is "strict".
    """
    stream = _pick(source, source.video(), number, "picture")
    usual = 1.0 / float(stream.average_rate) if stream.average_rate else 0.04
    unit = float(stream.time_base or 1)
    last = -math.inf
    for frame in _decode(source, stream, start, errors):
        if frame.width * frame.height > source.limits.frame_pixels:
            raise MediaError(source.path, f"has pictures of {frame.width} x {frame.height}, more than the limit")
        at = max(last, -usual) + usual if frame.pts is None else frame.pts * unit - source.origin
        lasts = frame.duration * unit if frame.duration else usual
        if at > last:
            last = at
            yield at, lasts, frame


def decode_sound(
    source: Source, number: int, start: float, errors: Errors
) -> Iterator[tuple[float | None, AudioFrame]]:
    """Decode one stream of sound from about `start`.

    Parameters
    ----------
    source, number, start, errors
        As in `decode_video`.

    Yields
    ------
    tuple of float or None, AudioFrame
        When the piece begins, in seconds (None where the file does not say), and the piece.

    Raises
    ------
    MissingStreamError, MediaError
        As in `decode_video`.
    """
    stream = _pick(source, source.audio(), number, "sound")
    unit = float(stream.time_base or 1)
    for frame in _decode(source, stream, start, errors):
        if not _SAMPLE_RATES[0] <= frame.sample_rate <= _SAMPLE_RATES[1]:
            raise MediaError(source.path, f"states a sampling rate of {frame.sample_rate} Hz")
        if frame.samples:
            yield (None if frame.pts is None else frame.pts * unit - source.origin), frame


def stated_sound_end(source: Source, number: int) -> float:
    """Return when the sound ends by the header, where that is exact to the sample; infinity elsewhere.

    MP4 says how much of the last packet of AAC is padding.

    Parameters
    ----------
    source : Source
        The open file.
    number : int
        Which of its sound streams, from 0.

    Returns
    -------
    float
        Seconds.
    """
    stream = _pick(source, source.audio(), number, "sound")
    if source.container.format.name != _MOV or not stream.duration:
        return math.inf
    return _promised_end(source, stream) or math.inf


def _decode(source: Source, stream: Any, start: float, errors: Errors) -> Iterator[Any]:
    """Decode a stream's frames, from the last point before `start` where decoding can begin."""
    context = stream.codec_context
    context.thread_count = 1
    context.options = {"max_pixels": str(source.limits.frame_pixels)}
    if errors == "strict":
        context.options = context.options | {"err_detect": "crccheck+bitstream+buffer+explode"}
    promised = _promised_end(source, stream)
    if stream.duration is not None:
        # Where each stream states its length, the others need not be read.
        for other in source.container.streams:
            if other is not stream:
                other.discard = Discard.all

    reached, frames, problem = 0.0, 0, None
    lead: int | None = None
    settling = int(_SETTLING / stream.time_base) if stream.type == "audio" else 0
    units = {other.index: float(other.time_base) for other in source.container.streams if other.time_base}
    packets = _packets_from(source, stream, start)
    while problem is None or errors == "partial":
        source.watch.check()
        try:
            packet = next(packets, None)
        except (MediaError, MemoryError, av.error.ExitError):
            raise  # no fault of the file's
        except DECODER_ERRORS as error:
            problem = in_words(error)
            break
        if packet is None:
            break
        if packet.pts is not None:
            end = (packet.pts + (packet.duration or 0)) * units.get(packet.stream.index, 0.0)
            reached = max(reached, end - source.origin)
        if packet.stream.index != stream.index:  # a flushing packet's own stream_index is always 0
            continue
        if packet.is_corrupt and errors == "partial":
            problem = problem or _CORRUPT
            continue
        if lead is None:
            lead = packet.pts
        # After a jump, pictures stored after the keyframe but shown before it may need what was jumped over, and
        # the first packet of sound may be half a one: that is no damage.
        excused = start > 0 and packet.pts is not None and lead is not None and packet.pts < lead + settling
        try:
            decoded: list[Any] = list(packet.decode())
        except DECODER_ERRORS as error:
            if isinstance(error, MemoryError):
                raise
            problem = problem or (None if excused else "some of its data cannot be decoded")
            continue
        for frame in decoded:
            if packet.is_corrupt or frame.is_corrupt:
                problem = problem or (None if excused else _CORRUPT)
                continue
            frames += 1
            source.watch.pause()
            yield frame
            source.watch.resume()
    if problem is None and promised is not None and reached < promised - _SHORTAGE:
        problem = "it ends early"
    if problem is not None and (errors == "strict" or frames == 0):
        of = f" of {promised:.2f}" if promised is not None else ""
        raise MediaError(source.path, f"is damaged: {problem} (readable up to {reached:.2f}{of} s)")
    if frames == 0 and start == 0:
        raise MediaError(source.path, "holds nothing that can be decoded")


def _packets_from(source: Source, stream: Any, start: float) -> Iterator[Packet]:
    """Give all packets from where decoding can begin to have `stream` right at `start`."""
    jumps = () if start == 0 or source.container.format.name in _NO_JUMPS else _JUMPS
    for back in jumps:
        target = int((start + source.origin) / stream.time_base)
        first = None
        # A missing or wrong index may make the jump fail, land too late, or land on what needs earlier pictures:
        # then it goes further back, and at last to the beginning, which is slow and right.
        with suppress(av.FFmpegError):
            source.container.seek(max(0, target - int(back / stream.time_base)), stream=stream, backward=True)
            packets = source.container.demux()
            first = _keyframe(packets, stream, target)
        if first is not None:
            yield first
            yield from packets
            return
    if jumps:
        source.container.seek(source.container.start_time or 0, backward=True)
    yield from source.container.demux()


def _keyframe(packets: Iterator[Packet], stream: Any, target: int) -> Packet | None:
    """Take packets until one of `stream` from which decoding can begin; None if that is later than `target`."""
    for packet in packets:
        if packet.stream.index == stream.index and packet.pts is not None:
            if packet.pts > target:
                return None
            if packet.is_keyframe:
                return packet
    return None


def _promised_end(source: Source, stream: Any) -> float | None:
    """Return when the file says that the stream, or else the longest one, ends; None if it does not say."""
    if source.container.format.name not in _STATES_LENGTH:
        return None
    if stream.duration is not None:
        began = float((stream.start_time or 0) * stream.time_base) - source.origin
        return began + float(stream.duration * stream.time_base)
    return source.container.duration / av.time_base if source.container.duration else None
