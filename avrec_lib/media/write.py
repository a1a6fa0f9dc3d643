"""Write pictures and sound as one media file: small, playable in a browser, the same bytes each time."""

import os
import secrets
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import ArrayLike, NDArray

from avrec_lib.media.errors import MediaError

__all__ = ["write_clip"]

# extension: container, picture codec, sound codec. What a browser or a player expects under that name.
_KINDS: dict[str, tuple[str, str | None, str | None]] = {
    ".mp4": ("mp4", "libx264", "aac"),
    ".mov": ("mov", "libx264", "aac"),
    ".mkv": ("matroska", "libx264", "aac"),
    ".webm": ("webm", "libvpx", "libopus"),
    ".m4a": ("ipod", None, "aac"),
    ".ogg": ("ogg", None, "libopus"),
    ".mp3": ("mp3", None, "libmp3lame"),
    ".flac": ("flac", None, "flac"),
    ".wav": ("wav", None, "pcm_s16le"),
}
# One thread: several would be faster for one file and slower for many, and could change the bytes.
# A keyframe every two seconds keeps seeking short. The BT.601 tag tells players which yellow is meant.
_PICTURE_OPTIONS = {
    # Without cpu-independent, processors with AVX-512 give other bytes now and then for the same pictures.
    "libx264": {
        "preset": "veryfast",
        "threads": "1",
        "g": "24",
        "profile": "main",
        "x264-params": "cpu-independent=1",
    },
    "libvpx": {"deadline": "realtime", "cpu-used": "4", "threads": "1", "g": "24", "b": "400k"},
}
_BT601, _LIMITED_RANGE = 6, 1


def write_clip(
    path: str | Path,
    *,
    frames: ArrayLike | None = None,
    fps: float = 12,
    sound: ArrayLike | None = None,
    sample_rate: int = 22_050,
    crf: int = 26,
    bit_rate: int = 48_000,
) -> Path:
    """Write frames, sound or both as a media file whose kind the extension names.

    MP4, MOV and MKV hold H.264 and AAC, WebM holds VP8 and Opus; M4A (AAC), OGG
    (Opus), MP3, FLAC and WAV (16 bits) hold sound only. The file appears under its
    name when it is complete, and equal input gives equal bytes on one machine.

    Parameters
    ----------
    path : str or Path
        Where to write; an existing file is replaced.
    frames : array of uint8, shape (t, height, width, 3), optional
        RGB pictures; height and width are even.
    fps : float
        Pictures a second.
    sound : array of float, shape (n,) or (channels, n), optional
        Samples in [-1, 1] (what lies outside is clipped), one or two channels.
    sample_rate : int
        Samples a second of `sound`. Opus files are stored at 48 kHz.
    crf : int
        Quality of the picture: 0 is best, 51 is worst.
    bit_rate : int
        Bits a second of the sound, for the codecs that lose some.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    ValueError
        If the arrays or the extension are not as above.
    MediaError
        If the file cannot be written.
    """
    path = Path(path)
    try:
        container_name, picture_codec, sound_codec = _KINDS[path.suffix.lower()]
    except KeyError:
        raise ValueError(f"{path}: the extension must be one of {', '.join(_KINDS)}") from None
    pictures = None if frames is None else _checked_frames(path, frames, picture_codec)
    samples = None if sound is None else _checked_sound(path, sound)
    if pictures is None and samples is None:
        raise ValueError(f"{path}: give frames, sound or both")
    if not fps > 0 or not sample_rate > 0:
        raise ValueError(f"{path}: fps and sample_rate must be positive, not {fps} and {sample_rate}")

    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        # "file:" keeps a name with a colon in it from being taken for a protocol.
        with av.open(
            f"file:{unfinished}",
            "w",
            format=container_name,
            container_options={"fflags": "+bitexact", "movflags": "+faststart"},
        ) as container:
            if pictures is not None:
                assert picture_codec is not None
                picture = _picture_stream(container, picture_codec, pictures.shape, fps, crf)
            if samples is not None:
                assert sound_codec is not None
                speaker = _sound_stream(container, sound_codec, len(samples), sample_rate, bit_rate)
            if pictures is not None:
                _encode_frames(container, picture, pictures)
            if samples is not None:
                _encode_sound(container, speaker, samples, sample_rate)
        unfinished.replace(path)
    except (av.FFmpegError, OSError) as error:
        raise MediaError(path, f"cannot be written: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _checked_frames(path: Path, frames: ArrayLike, codec: str | None) -> NDArray[np.uint8]:
    pictures = np.asarray(frames)
    if codec is None:
        raise ValueError(f"{path}: a {path.suffix} file holds sound only; leave frames out")
    if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape:
        raise ValueError(f"{path}: frames must be uint8 (t, height, width, 3), not {pictures.dtype} {pictures.shape}")
    if pictures.shape[1] % 2 or pictures.shape[2] % 2:
        raise ValueError(f"{path}: height and width must be even, not {pictures.shape[1]} and {pictures.shape[2]}")
    return pictures


def _checked_sound(path: Path, sound: ArrayLike) -> NDArray[np.float32]:
    samples = np.atleast_2d(np.asarray(sound, dtype=np.float32))
    if samples.ndim != 2 or samples.shape[0] not in (1, 2) or samples.shape[1] == 0:
        raise ValueError(f"{path}: sound must be (n,) or (channels, n) with 1 or 2 channels, not {np.shape(sound)}")
    if not np.isfinite(samples).all():
        raise ValueError(f"{path}: sound holds values that are not finite")
    return np.clip(samples, -1.0, 1.0)


def _picture_stream(
    container: OutputContainer, codec: str, shape: tuple[int, ...], fps: float, crf: int
) -> VideoStream:
    options = {**_PICTURE_OPTIONS[codec], "crf": str(crf), "flags": "+bitexact"}
    stream = container.add_stream(codec, rate=Fraction(fps).limit_denominator(1001), options=options)
    assert isinstance(stream, VideoStream)
    stream.height, stream.width, stream.pix_fmt = shape[1], shape[2], "yuv420p"
    context = stream.codec_context
    context.thread_count = 1
    context.colorspace = context.color_primaries = context.color_trc = _BT601
    context.color_range = _LIMITED_RANGE
    return stream


def _sound_stream(
    container: OutputContainer, codec: str, channels: int, sample_rate: int, bit_rate: int
) -> AudioStream:
    rates = av.Codec(codec, "w").audio_rates or [sample_rate]
    rate = sample_rate if sample_rate in rates else min((r for r in rates if r >= sample_rate), default=max(rates))
    # The default search of the AAC coder takes four times as long for a difference that nobody hears.
    coder = {"aac_coder": "fast"} if codec == "aac" else {}
    stream = container.add_stream(codec, rate=rate, options={"flags": "+bitexact", **coder})
    assert isinstance(stream, AudioStream)
    stream.layout = "mono" if channels == 1 else "stereo"
    if codec in ("aac", "libopus", "libmp3lame"):
        stream.bit_rate = bit_rate
    stream.codec_context.thread_count = 1
    return stream


def _encode_frames(container: OutputContainer, stream: VideoStream, pictures: NDArray[np.uint8]) -> None:
    convert = VideoReformatter()
    time_base = 1 / stream.codec_context.framerate
    for number, picture in enumerate(pictures):
        frame = convert.reformat(
            av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU601,
            dst_color_range=ColorRange.MPEG,
            threads=1,
        )
        frame.pts, frame.time_base = number, time_base
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _encode_sound(
    container: OutputContainer, stream: AudioStream, samples: NDArray[np.float32], sample_rate: int
) -> None:
    layout = "mono" if len(samples) == 1 else "stereo"
    for start in range(0, samples.shape[1], sample_rate):
        block = np.ascontiguousarray(samples[:, start : start + sample_rate])
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, start, Fraction(1, sample_rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
