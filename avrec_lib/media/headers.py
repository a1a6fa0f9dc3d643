"""Say what a media file holds, from its headers."""

import math
from dataclasses import dataclass
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from avrec_lib.media.source import Limits, Source, open_source

__all__ = ["MediaInfo", "StreamInfo", "probe"]


@dataclass(frozen=True)
class StreamInfo:
    """What the headers say about one stream.

    Attributes
    ----------
    index : int
        Its number among all streams of the file.
    codec : str
        FFmpeg's name of the codec.
    language : str or None
        As tagged.
    start_seconds : float
        When it begins, from the file's beginning.
    duration_seconds : float
        Its length; nan where the file does not say.
    width, height : int
        Pixels as stored, before rotation; 0 for sound.
    fps : float
        Mean pictures a second; nan for sound or where unknown.
    sample_rate, channels : int
        Of sound; 0 for pictures.
    """

    index: int
    codec: str
    language: str | None
    start_seconds: float
    duration_seconds: float
    width: int = 0
    height: int = 0
    fps: float = math.nan
    sample_rate: int = 0
    channels: int = 0


@dataclass(frozen=True)
class MediaInfo:
    """What the headers say about a file.

    Attributes
    ----------
    duration_seconds : float
        Length; nan where the file does not say.
    video, audio : tuple of StreamInfo
        Picture and sound streams, in the file's order: `stream=` of the readers counts within each.
    container : str
        FFmpeg's name of the format found in the bytes, whatever the extension.
    """

    duration_seconds: float
    video: tuple[StreamInfo, ...]
    audio: tuple[StreamInfo, ...]
    container: str


def probe(path: str | Path, *, limits: Limits | None = None) -> MediaInfo:
    """Read a file's headers. Damage further on does not show here.

    Parameters
    ----------
    path : str or Path
        The file.
    limits : Limits, optional
        Bounds on what the file may cost.

    Returns
    -------
    MediaInfo
        Formats, lengths and sizes.

    Raises
    ------
    MediaError
        If the file is not one that can be read.
    """
    with open_source(path, limits or Limits()) as source:
        container = source.container
        return MediaInfo(
            duration_seconds=container.duration / av.time_base if container.duration else math.nan,
            video=tuple(_video(source, stream) for stream in source.video()),
            audio=tuple(_audio(source, stream) for stream in source.audio()),
            container=container.format.name,
        )


def _video(source: Source, stream: VideoStream) -> StreamInfo:
    rate = stream.average_rate or stream.guessed_rate
    return StreamInfo(
        index=stream.index,
        codec=stream.codec_context.name,
        language=stream.language,
        start_seconds=_start(source, stream),
        duration_seconds=_duration(stream),
        width=stream.width,
        height=stream.height,
        fps=float(rate) if rate else math.nan,
    )


def _audio(source: Source, stream: AudioStream) -> StreamInfo:
    return StreamInfo(
        index=stream.index,
        codec=stream.codec_context.name,
        language=stream.language,
        start_seconds=_start(source, stream),
        duration_seconds=_duration(stream),
        sample_rate=stream.codec_context.sample_rate,
        channels=stream.codec_context.layout.nb_channels,
    )


def _start(source: Source, stream: VideoStream | AudioStream) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base) - source.origin


def _duration(stream: VideoStream | AudioStream) -> float:
    if stream.duration is None or stream.time_base is None:
        return math.nan
    return float(stream.duration * stream.time_base)
