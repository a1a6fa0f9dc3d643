"""What is read is what was written: in its place in time, upright and of the right colour."""

import hashlib
import os
import pickle
import socket
import struct
import subprocess
import sys
import threading
import time
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avrec_lib.media import (
    Limits,
    MediaError,
    MissingStreamError,
    StalledMediaError,
    decode,
    iter_frames,
    iter_sound,
    probe,
    read_frames,
    read_sound,
    write,
    write_clip,
)

FPS, RATE, SECONDS = 12, 22_050, 3
DATA = Path(os.environ.get("AVREC_DATA_HOME", "data-not-named"))
needs_data = pytest.mark.skipif(
    not (DATA / "clips" / "nasa_13013.mp4").is_file(),
    reason="the real clips are absent: put them in a folder clips/ and set AVREC_DATA_HOME to the folder above it",
)


def grey_frames(levels, height=32, width=48):
    """Flat pictures, one a level."""
    return np.broadcast_to(np.asarray(levels, np.uint8)[:, None, None, None], (len(levels), height, width, 3))


def levels_of(frames):
    return frames.images[:, 8:24, 8:24].mean(axis=(1, 2, 3))


def moving_bars(count=FPS * SECONDS):
    """Pictures that differ from each other and across the plane."""
    t, y, x = np.ogrid[:count, :64, :96]
    red, green = 128 + 100 * np.sin((x + 4 * t) / 11 + 0 * y), 128 + 100 * np.cos((y - 3 * t) / 9 + 0 * x)
    blue = np.broadcast_to(5 * t % 200 + 30, red.shape)
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def clicks(rate=RATE, seconds=SECONDS, every=0.5, first=0.25):
    """Short tone bursts at known times; sharp enough to place, soft enough for lossy codecs."""
    sound = np.zeros(round(seconds * rate), np.float32)
    burst = np.hanning(round(0.008 * rate)) * np.sin(2 * np.pi * 1500 * np.arange(round(0.008 * rate)) / rate)
    times = np.arange(first, seconds - 0.1, every)
    for at in times:
        sound[round(at * rate) : round(at * rate) + len(burst)] += 0.8 * burst.astype(np.float32)
    return sound, times


def delay(heard, true):
    """Samples by which `heard` is late against `true`."""
    size = 2 * max(len(heard), len(true))
    match = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(true, size).conj(), size)
    best = int(match.argmax())
    return best if best < size // 2 else best - size


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One small file of each kind, all with the same content."""
    home = tmp_path_factory.mktemp("media")
    pictures, (sound, _) = moving_bars(), clicks()
    for name in ("clip.mp4", "clip.mov", "clip.mkv", "clip.webm"):
        write_clip(home / name, frames=pictures, fps=FPS, sound=sound, sample_rate=RATE, crf=20)
    for name in ("clip.m4a", "clip.ogg", "clip.mp3", "clip.flac", "clip.wav"):
        write_clip(home / name, sound=sound, sample_rate=RATE)
    write_clip(home / "silent.mp4", frames=pictures, fps=FPS)
    return home


def mux(path, *, pictures=(), sounds=(), settings=None, fps=25):
    """Write streams by PyAV with chosen timestamps.

    pictures: (codec, pixel format, frames or VideoFrames, times in ms, set-up function);
    sounds: (codec, samples, rate, start in s).
    """
    with av.open(str(path), "w", container_options=settings or {}) as out:
        work = []
        for codec, pixel_format, images, times, prepare in pictures:
            stream = out.add_stream(codec, rate=fps)
            first = images[0]
            stream.width, stream.height = (
                (first.width, first.height) if isinstance(first, av.VideoFrame) else (first.shape[1], first.shape[0])
            )
            stream.pix_fmt = pixel_format
            if codec not in ("mpeg4", "mpeg2video"):  # those allow no times but their rate's
                stream.codec_context.time_base = Fraction(1, 1000)
            prepare(stream)
            work.append((stream, images, times))
        voices = []
        for codec, samples, rate, start in sounds:
            stream = out.add_stream(codec, rate=rate)
            stream.layout = "mono"
            voices.append((stream, samples, rate, start))
        packets = []
        for stream, images, times in work:
            for image, at in zip(images, times, strict=True):
                frame = image
                if not isinstance(image, av.VideoFrame):
                    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                if frame.format.name != stream.pix_fmt:
                    frame = frame.reformat(format=stream.pix_fmt)
                frame.pts, frame.time_base = int(at), Fraction(1, 1000)
                packets += stream.encode(frame)
            packets += stream.encode(None)
        for stream, samples, rate, start in voices:
            frame = av.AudioFrame.from_ndarray(np.atleast_2d(samples).astype(np.float32), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, round(start * rate), Fraction(1, rate)
            packets += stream.encode(frame)
            packets += stream.encode(None)
        for packet in packets:
            out.mux(packet)
    return path


def plain(stream):
    """No set-up."""


# What was written is read


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mov", "clip.mkv", "clip.webm"])
def test_pictures_come_back_in_number_time_and_colour(folder, name):
    frames, true = read_frames(folder / name), moving_bars()
    assert frames.images.shape == true.shape and frames.images.dtype == np.uint8
    np.testing.assert_allclose(frames.times, np.arange(len(true)) / FPS, atol=0.0011)
    error = np.abs(frames.images.astype(int) - true).mean(axis=(1, 2, 3))
    assert error.max() < 8
    # Each picture is nearest to the one written at its place: none is doubled, dropped or shifted.
    far = np.abs(frames.images[:, None].astype(np.int16) - true[None]).mean(axis=(2, 3, 4))
    np.testing.assert_array_equal(far.argmin(axis=1), np.arange(len(true)))


@pytest.mark.parametrize("rate", [RATE, 16_000, 44_100])
@pytest.mark.parametrize(
    "name",
    ["clip.mp4", "clip.mov", "clip.mkv", "clip.webm", "clip.m4a", "clip.ogg", "clip.mp3", "clip.flac", "clip.wav"],
)
def test_sound_comes_back_in_place(folder, name, rate):
    sound = read_sound(folder / name, sample_rate=rate)
    true, _ = clicks(rate)
    assert sound.sample_rate == rate and sound.samples.dtype == np.float32
    if name == "clip.mkv":  # Matroska does not say how much of AAC's last packet is padding
        assert 0 <= len(sound.samples) - len(true) < 2048 * rate / RATE
    else:
        assert len(sound.samples) == len(true)
    assert abs(delay(sound.samples, true)) <= (1 if name != "clip.mp3" else 2)
    assert np.corrcoef(sound.samples[: len(true)], true)[0, 1] > (0.97 if rate >= RATE else 0.95)


def test_stereo_is_kept_or_averaged(tmp_path):
    left, right = np.full(RATE, 0.5, np.float32), np.full(RATE, -0.1, np.float32)
    path = write_clip(tmp_path / "two.flac", sound=np.stack([left, right]))
    both = read_sound(path, mono=False)
    assert both.samples.shape == (2, RATE)
    np.testing.assert_allclose(both.samples.mean(axis=1), [0.5, -0.1], atol=1e-3)
    np.testing.assert_allclose(read_sound(path).samples, 0.2, atol=1e-3)


def test_many_channels_are_kept_or_averaged(tmp_path):
    levels = np.array([3000, -6000, 9000])
    with wave.open(str(tmp_path / "three.wav"), "wb") as out:
        out.setparams((3, 2, RATE, 0, "NONE", ""))
        out.writeframes(np.tile(levels, 5000).astype("<i2").tobytes())
    both = read_sound(tmp_path / "three.wav", mono=False, sample_rate=16_000)
    np.testing.assert_allclose(both.samples[:, 100:-100].mean(axis=1), levels / 32768, atol=1e-3)
    np.testing.assert_allclose(read_sound(tmp_path / "three.wav").samples, 2000 / 32768, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "codec", "layout", "settings"),
    [
        ("eight.m4a", "aac", "7.1", {}),
        ("eight.flac", "flac", "7.1", {}),
        ("ten.ogg", "libopus", "10 channels", {"mapping_family": "255"}),
    ],
)
def test_eight_channels_and_more_do_not_crash(tmp_path, name, codec, layout, settings):
    """PyAV runs past the end of such frames: it takes the machine's memory for a channel."""
    count = int(layout.split()[0]) if " " in layout else 8
    time = np.arange(48_000) / 48_000
    tones = 0.3 * np.sin(2 * np.pi * np.linspace(300, 3000, count)[:, None] * time).astype(np.float32)
    with av.open(str(tmp_path / name), "w") as out:
        stream = out.add_stream(codec, rate=48_000, options=settings)
        stream.layout = layout
        stream.bit_rate = 64_000 * count
        frame = av.AudioFrame.from_ndarray(tones.T.reshape(1, -1).copy(), format="flt", layout=layout)
        frame.sample_rate, frame.pts = 48_000, 0
        for packet in stream.encode(frame) + stream.encode(None):
            out.mux(packet)
    for rate in (48_000, 16_000):
        both = read_sound(tmp_path / name, mono=False, sample_rate=rate).samples
        assert both.shape == (count, rate)
        pitches = np.abs(np.fft.rfft(both)).argmax(axis=1)
        close = np.abs(pitches - np.linspace(300, 3000, count)) <= 2
        assert close.sum() >= count - 1  # the effects channel of 7.1 keeps only the lowest tones
        mean = read_sound(tmp_path / name, sample_rate=rate).samples
        np.testing.assert_allclose(mean, both.mean(axis=0), atol=1e-3)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 120, 40)])
def test_colours_survive(tmp_path, colour):
    path = write_clip(tmp_path / "flat.mp4", frames=np.full((6, 64, 64, 3), colour, np.uint8), crf=10)
    np.testing.assert_allclose(read_frames(path).images.reshape(-1, 3).mean(axis=0), colour, atol=4)


def test_probe_says_what_is_inside(folder):
    info = probe(folder / "clip.mp4")
    assert info.duration_seconds == pytest.approx(SECONDS, abs=0.01)
    (video,), (audio,) = info.video, info.audio
    assert (video.codec, video.width, video.height, video.fps) == ("h264", 96, 64, FPS)
    assert (audio.codec, audio.sample_rate, audio.channels) == ("aac", RATE, 1)
    assert "mp4" in info.container


# Rates, sizes, ranges


def test_a_requested_rate_takes_the_picture_on_display(folder):
    whole = read_frames(folder / "clip.mp4")
    for fps in (4, 5, 12, 30):
        frames = read_frames(folder / "clip.mp4", fps=fps)
        np.testing.assert_allclose(frames.times, np.arange(SECONDS * fps) / fps)
        shown = np.searchsorted(whole.times, frames.times + 1e-6, side="right") - 1
        np.testing.assert_array_equal(frames.images, whole.images[shown])


def test_sizes_are_height_then_width(folder):
    assert read_frames(folder / "clip.mp4", size=(20, 50)).images.shape[1:] == (20, 50, 3)
    assert read_frames(folder / "clip.mp4", size=33).images.shape[1:] == (33, 33, 3)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm"])
@pytest.mark.parametrize(("start", "stop"), [(1.0, 2.0), (0.5, 0.75), (2.1, None), (2.5, 99.0)])
def test_a_range_of_pictures_is_that_part_of_the_whole(folder, name, start, stop):
    whole, part = read_frames(folder / name), read_frames(folder / name, start=start, stop=stop)
    inside = (whole.times >= start - 0.001) & (whole.times < (stop or 99) - 0.001)
    np.testing.assert_allclose(part.times, whole.times[inside], atol=1e-6)
    np.testing.assert_array_equal(part.images, whole.images[inside])


def test_a_range_at_a_rate_counts_from_its_start(folder):
    whole = read_frames(folder / "clip.mp4")
    part = read_frames(folder / "clip.mp4", fps=10, start=1.04, stop=1.5)
    np.testing.assert_allclose(part.times, 1.04 + np.arange(5) / 10)
    shown = np.searchsorted(whole.times, part.times + 1e-6, side="right") - 1
    np.testing.assert_array_equal(part.images, whole.images[shown])


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm", "clip.ogg", "clip.mp3", "clip.flac", "clip.wav"])
@pytest.mark.parametrize(("start", "stop"), [(1.0, 2.0), (0.1, 0.3), (1.7, None)])
def test_a_range_of_sound_is_that_part_of_the_whole(folder, name, start, stop):
    whole = read_sound(folder / name, sample_rate=16_000).samples
    part = read_sound(folder / name, sample_rate=16_000, start=start, stop=stop)
    expected = whole[round(start * 16_000) : None if stop is None else round(stop * 16_000)]
    assert part.start == pytest.approx(start) and abs(len(part.samples) - len(expected)) <= 16
    size = min(len(expected), len(part.samples))
    if name in ("clip.mkv", "clip.webm"):  # Matroska's times are milliseconds, so that is how well a jump lands
        assert abs(delay(part.samples, expected)) <= 16
    else:  # a shift by a fifth of a sample would fail this
        assert np.abs(part.samples[:size] - expected[:size]).max() < 0.02


@pytest.mark.parametrize(
    ("name", "codecs", "settings"),
    [
        ("stream.ts", ("libx264", "aac"), {}),  # no index, and one keyframe at the very beginning
        ("fragments.mp4", ("libx264", "aac"), {"movflags": "frag_keyframe+empty_moov"}),  # no stated lengths
        ("live.webm", ("libvpx", "libopus"), {"live": "1"}),  # no duration, no index
        ("old.avi", ("mpeg4", "pcm_s16le"), {}),
        ("disc.mpg", ("mpeg2video", "mp2"), {}),
        ("later.flv", ("libx264", "aac"), {}),
    ],
)
def test_other_kinds_are_read_whole_and_in_ranges(tmp_path, name, codecs, settings):
    path, sound = tmp_path / name, clicks(48_000, seconds=8, every=0.55)[0]
    rate = 12 if name.endswith("avi") else 25
    mux(
        path,
        pictures=[(codecs[0], "yuv420p", moving_bars(96), np.arange(96) * 1000 // rate, plain)],
        sounds=[(codecs[1], sound, 48_000, 0.0)],
        settings=settings,
        fps=rate,
    )
    whole = read_frames(path)
    assert len(whole) == 96
    for start in whole.times[-1] * 0.7 + np.arange(4) / 10:
        inside = (whole.times >= start - 0.001) & (whole.times < start + 0.499)
        part = read_frames(path, start=start, stop=start + 0.5)
        np.testing.assert_array_equal(part.images, whole.images[inside])
    heard = read_sound(path, sample_rate=48_000).samples
    assert abs(len(heard) - len(sound)) < 0.2 * 48_000 and abs(delay(heard, sound)) < 0.2 * 48_000
    part = read_sound(path, sample_rate=48_000, start=5.5, stop=6.5).samples
    assert len(part) == 48_000 and abs(delay(part, heard[264_000:312_000])) <= 48


def test_a_jump_needs_no_index(folder, tmp_path):
    """Matroska's index is at its end: a cut file has none."""
    whole = (folder / "clip.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: int(len(whole) * 0.9)])
    intact = read_frames(folder / "clip.mkv", start=1.5, stop=2.0)
    part = read_frames(tmp_path / "cut.mkv", start=1.5, stop=2.0)
    np.testing.assert_array_equal(part.images, intact.images)


def test_nothing_in_the_range_is_an_error_that_says_so(folder):
    with pytest.raises(MediaError, match=r"clip\.mp4.*no picture between 50 s"):
        read_frames(folder / "clip.mp4", start=50)
    with pytest.raises(MediaError, match=r"clip\.mp4.*no sound between 50 s"):
        read_sound(folder / "clip.mp4", start=50, stop=60)


@pytest.mark.parametrize(
    "wrong",
    [
        {"fps": 0},
        {"fps": np.nan},
        {"size": 0},
        {"size": (4, -1)},
        {"start": -1},
        {"start": 2, "stop": 1},
        {"stream": -1},
        {"errors": "ignore"},
    ],
)
def test_arguments_that_make_no_sense_are_refused(folder, wrong):
    with pytest.raises(ValueError, match="must") as caught:
        read_frames(folder / "clip.mp4", **wrong)
    assert not isinstance(caught.value, MediaError)


def test_batches_and_blocks_are_the_whole_in_pieces(folder):
    whole = read_frames(folder / "clip.mp4", fps=10)
    batches = list(iter_frames(folder / "clip.mp4", fps=10, batch=7))
    assert [len(b) for b in batches] == [7, 7, 7, 7, 2]
    np.testing.assert_array_equal(np.concatenate([b.images for b in batches]), whole.images)
    blocks = list(iter_sound(folder / "clip.mp4", block_seconds=0.7))
    assert [len(b.samples) for b in blocks[:-1]] == [round(0.7 * RATE)] * 4
    np.testing.assert_allclose([b.start for b in blocks], np.arange(5) * 0.7, atol=1e-4)
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks]), read_sound(folder / "clip.mp4").samples)


# Timestamps


@pytest.mark.parametrize("name", ["vfr.mkv", "vfr.mp4"])
def test_variable_frame_rate_is_resampled_by_timestamps(tmp_path, name):
    times = np.array([0, 40, 80, 500, 540, 1300, 1340, 1380, 1420, 1900])
    levels = np.linspace(20, 230, len(times))
    path = mux(tmp_path / name, pictures=[("libx264", "yuv420p", grey_frames(levels), times, plain)])
    frames = read_frames(path, fps=10)
    shown = np.searchsorted(times, frames.times * 1000 + 1, side="right") - 1
    assert len(frames) in (20, 21)
    np.testing.assert_allclose(levels_of(frames), levels[shown], atol=4)
    np.testing.assert_allclose(read_frames(path).times, times / 1000, atol=0.0011)


def test_a_sound_that_begins_late_begins_with_silence(tmp_path):
    sound, _ = clicks(seconds=1)
    path = mux(
        tmp_path / "late.mkv",
        pictures=[("libx264", "yuv420p", grey_frames([50] * 40), np.arange(40) * 40, plain)],
        sounds=[("pcm_s16le", sound, RATE, 0.5)],
    )
    read = read_sound(path).samples
    assert len(read) == pytest.approx(1.5 * RATE, abs=0.002 * RATE)
    np.testing.assert_array_equal(read[: round(0.49 * RATE)], 0)
    assert abs(delay(read, np.concatenate([np.zeros(RATE // 2, np.float32), sound]))) <= 0.001 * RATE


def test_pictures_that_begin_late_keep_their_times(tmp_path):
    path = mux(
        tmp_path / "late.mkv",
        pictures=[("libx264", "yuv420p", grey_frames([50] * 10), 600 + np.arange(10) * 40, plain)],
        sounds=[("pcm_s16le", clicks(seconds=1)[0], RATE, 0.0)],
    )
    assert read_frames(path).times[0] == pytest.approx(0.6, abs=0.002)
    np.testing.assert_allclose(read_frames(path, fps=10).times[:2], [0.6, 0.7], atol=1e-6)


def test_time_zero_is_where_the_earliest_stream_begins(tmp_path):
    """Transport streams count from an arbitrary moment."""
    sound, _ = clicks(rate=48_000, seconds=1)
    path = mux(
        tmp_path / "offset.ts",
        pictures=[("libx264", "yuv420p", grey_frames([50] * 25), 7000 + np.arange(25) * 40, plain)],
        sounds=[("aac", sound, 48_000, 7.0)],
    )
    assert abs(read_frames(path).times[0]) < 0.03
    assert abs(delay(read_sound(path).samples, sound)) < 0.05 * 48_000


# The picture's shape


def corner_frame(height=32, width=48):
    """Black with one white corner at the top left."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = 255
    return image


@pytest.mark.parametrize(
    ("matrix", "corner", "turned"),
    [
        ((1, 0, 0, 1), "top left", False),
        ((0, 1, -1, 0), "top right", True),  # how a phone held upright stores it: turn clockwise to show
        ((-1, 0, 0, -1), "bottom right", False),
        ((0, -1, 1, 0), "bottom left", True),
        ((-1, 0, 0, 1), "top right", False),
        ((1, 0, 0, -1), "bottom left", False),
        ((0, 1, 1, 0), "top left", True),
        ((0, -1, -1, 0), "bottom right", True),
    ],
)
def test_the_display_matrix_is_applied(tmp_path, matrix, corner, turned):
    a, b, c, d = (65536 * x for x in matrix)
    path = mux(
        tmp_path / "turned.mp4",
        pictures=[
            (
                "libx264",
                "yuv420p",
                [corner_frame()] * 3,
                [0, 40, 80],
                lambda s: s.set_display_matrix((a, b, 0, c, d, 0, 0, 0, 1 << 30)),
            )
        ],
    )
    frames = read_frames(path)
    assert frames.images.shape[1:3] == ((48, 32) if turned else (32, 48))
    height, width = frames.images.shape[1:3]
    quarters = {
        f"{row} {column}": frames.images[0, y : y + height // 2, x : x + width // 2].mean()
        for row, y in (("top", 0), ("bottom", height // 2))
        for column, x in (("left", 0), ("right", width // 2))
    }
    assert max(quarters, key=quarters.get) == corner
    assert read_frames(path, size=(40, 20)).images.shape[1:3] == (40, 20)


def test_pixels_are_made_square(tmp_path):
    def wide(stream):
        stream.codec_context.sample_aspect_ratio = Fraction(4, 3)

    path = mux(tmp_path / "wide.mp4", pictures=[("libx264", "yuv420p", [corner_frame(36, 48)] * 3, [0, 40, 80], wide)])
    assert read_frames(path).images.shape[1:3] == (36, 64)
    assert read_frames(path, size=(30, 30)).images.shape[1:3] == (30, 30)


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        ("ffv1", "gray"),
        ("ffv1", "gray16le"),
        ("ffv1", "yuv444p"),
        ("ffv1", "yuv420p10le"),
        ("ffv1", "bgr0"),
        ("png", "rgb24"),
        ("libx264", "yuv444p"),
        ("mjpeg", "yuvj420p"),
    ],
)
def test_odd_sizes_and_pixel_formats_become_rgb(tmp_path, codec, pixel_format):
    t, y, x = np.ogrid[:3, :33, :47]
    grey = np.broadcast_to(5 * x + 0 * y + 0 * t, (3, 33, 47)).astype(np.uint8)
    path = mux(
        tmp_path / ("odd.mov" if codec == "png" else "odd.mkv"),
        pictures=[(codec, pixel_format, np.stack([grey] * 3, axis=-1), [0, 40, 80], plain)],
    )
    images = read_frames(path).images
    assert images.shape == (3, 33, 47, 3)
    assert np.abs(images.astype(int) - grey[..., None]).mean() < 3


def test_what_is_transparent_is_shown_on_black(tmp_path):
    rgba = np.full((32, 48, 4), (250, 200, 100, 255), np.uint8)
    rgba[:, :24, 3] = 0
    rgba[:16, 24:, 3] = 128
    path = mux(
        tmp_path / "glass.mov",
        pictures=[("png", "rgba", [av.VideoFrame.from_ndarray(rgba, format="rgba")] * 2, [0, 40], plain)],
    )
    image = read_frames(path).images[0]
    assert image[:, :24].max() == 0
    np.testing.assert_allclose(image[0, 40], [125, 100, 50], atol=1)
    np.testing.assert_allclose(image[20, 40], [250, 200, 100], atol=1)


# Streams


def test_a_file_with_several_streams_gives_the_one_asked_for(tmp_path):
    low, high = (0.5 * np.sin(2 * np.pi * f * np.arange(RATE) / RATE).astype(np.float32) for f in (200, 2000))
    times = np.arange(25) * 40
    path = mux(
        tmp_path / "several.mp4",
        pictures=[
            ("libx264", "yuv420p", grey_frames([60] * 25), times, plain),
            ("libx264", "yuv420p", grey_frames([180] * 25, 64, 80), times, plain),
        ],
        sounds=[("aac", low, RATE, 0.0), ("aac", high, RATE, 0.0)],
    )
    assert (len(probe(path).video), len(probe(path).audio)) == (2, 2)
    assert levels_of(read_frames(path)).mean() == pytest.approx(60, abs=4)
    second = read_frames(path, stream=1)
    assert second.images.shape == (25, 64, 80, 3) and levels_of(second).mean() == pytest.approx(180, abs=4)
    for number, pitch in ((0, 200), (1, 2000)):
        spectrum = np.abs(np.fft.rfft(read_sound(path, stream=number).samples[:RATE]))
        assert spectrum.argmax() == pytest.approx(pitch, abs=2)
    with pytest.raises(MissingStreamError, match=r"several\.mp4: has only 2 picture"):
        read_frames(path, stream=2)


def test_a_missing_stream_has_its_own_error(folder):
    with pytest.raises(MissingStreamError, match=r"silent\.mp4: has no sound"):
        read_sound(folder / "silent.mp4")
    with pytest.raises(MissingStreamError, match=r"clip\.wav: has no picture"):
        read_frames(folder / "clip.wav")


def test_cover_art_is_no_moving_picture(tmp_path):
    path = tmp_path / "song.flac"
    sound, _ = clicks(seconds=1)
    with av.open(str(path), "w") as out:
        voice = out.add_stream("flac", rate=RATE)
        voice.layout = "mono"
        cover = out.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 48, 32, "rgb24"
        cover.disposition = av.stream.Disposition.attached_pic
        frame = av.AudioFrame.from_ndarray(sound[None], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = RATE, 0
        packets = cover.encode(av.VideoFrame.from_ndarray(corner_frame(), format="rgb24")) + cover.encode(None)
        for packet in packets + voice.encode(frame) + voice.encode(None):
            out.mux(packet)
    with av.open(str(path)) as check:
        assert len(check.streams.video) == 1
    assert probe(path).video == ()
    assert len(read_sound(path).samples) == RATE
    with pytest.raises(MissingStreamError):
        read_frames(path)


# Bad files


@pytest.mark.parametrize("reader", [probe, read_frames, read_sound])
def test_what_is_no_media_file_ends_in_one_error_that_names_it(tmp_path, reader):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is not a film\n" * 300)
    (tmp_path / "noise.webm").write_bytes(np.random.default_rng(0).bytes(20_000))
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")  # opening it would wait for a writer for ever
    for name in ("empty.mp4", "text.mp4", "noise.webm", "folder.mp4", "pipe.mp4", "absent.mp4", "a\0b.mp4"):
        with pytest.raises(MediaError) as caught:
            reader(tmp_path / name)
        assert caught.value.path == tmp_path / name and caught.value.reason
        assert str(tmp_path / name) in str(caught.value)


def test_the_extension_is_not_trusted(folder, tmp_path):
    for source, name in (("clip.mp4", "lie.wav"), ("clip.flac", "lie.mp4"), ("clip.webm", "lie.txt")):
        (tmp_path / name).write_bytes((folder / source).read_bytes())
        assert len(read_sound(tmp_path / name, sample_rate=RATE).samples) == SECONDS * RATE


def test_a_file_cut_before_its_index_cannot_be_read(folder, tmp_path):
    whole = (folder / "clip.mp4").read_bytes()
    late = mux(tmp_path / "late-index.mp4", pictures=[("libx264", "yuv420p", moving_bars(), np.arange(36) * 80, plain)])
    assert late.read_bytes().index(b"mdat") < late.read_bytes().index(b"moov")
    for name, data in (("a.mp4", late.read_bytes()[:-900]), ("b.mp4", whole[: whole.index(b"moov") + 200])):
        (tmp_path / name).write_bytes(data)
        for errors in ("strict", "partial"):
            with pytest.raises(MediaError) as caught:
                read_frames(tmp_path / name, errors=errors)
            assert not isinstance(caught.value, MissingStreamError)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm"])
def test_a_file_that_ends_early_raises_or_gives_its_readable_part(folder, tmp_path, name):
    whole = (folder / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(len(whole) * 0.6)])
    for reader in (read_frames, read_sound):
        with pytest.raises(MediaError, match=r"damaged.*readable up to [12]\.\d\d of 3"):
            reader(tmp_path / name)
    intact, part = read_frames(folder / name), read_frames(tmp_path / name, errors="partial")
    assert 10 < len(part) < 30
    # Predicted pictures are stored out of order, so one or two before the cut may be missing.
    kept = np.isin(np.round(intact.times, 3), np.round(part.times, 3))
    assert kept.sum() == len(part) and kept[: len(part) - 2].all()
    np.testing.assert_array_equal(part.images, intact.images[kept])
    sound, heard = read_sound(folder / name), read_sound(tmp_path / name, errors="partial")
    size = len(heard.samples)
    assert 1.2 * sound.sample_rate < size < 2.5 * sound.sample_rate
    np.testing.assert_allclose(heard.samples[: size - 2100], sound.samples[: size - 2100], atol=1e-5)


@pytest.mark.parametrize("name", ["clip.wav", "clip.flac"])
def test_a_sound_file_that_ends_early_raises_or_gives_its_readable_part(tmp_path, name):
    noise = np.random.default_rng(0).normal(0, 0.1, SECONDS * RATE)
    whole = write_clip(tmp_path / name, sound=noise).read_bytes()
    (tmp_path / name).rename(tmp_path / f"whole-{name}")
    (tmp_path / name).write_bytes(whole[: int(len(whole) * 0.6) // 2 * 2 + 1])
    with pytest.raises(MediaError, match="damaged"):
        read_sound(tmp_path / name)
    heard, sound = read_sound(tmp_path / name, errors="partial").samples, read_sound(tmp_path / f"whole-{name}").samples
    assert 1.2 * RATE < len(heard) < 2.5 * RATE
    np.testing.assert_allclose(heard[:-1], sound[: len(heard) - 1], atol=1e-6)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.flac", "clip.ogg"])
def test_flipped_bytes_are_noticed(folder, tmp_path, name):
    data = np.frombuffer((folder / name).read_bytes(), np.uint8).copy()
    middle = np.random.default_rng(3).integers(len(data) // 3, len(data), 60)
    data[middle] ^= 0x5A
    (tmp_path / name).write_bytes(data.tobytes())
    with pytest.raises(MediaError, match="damaged"):
        read_sound(tmp_path / name)
    assert read_sound(tmp_path / name, errors="partial").samples.size


def test_one_wrong_byte_of_lossless_sound_is_noticed(tmp_path):
    """The samples would decode, a little wrong: only the checksum tells."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    path = write_clip(tmp_path / "a.flac", sound=noise)
    data = bytearray(path.read_bytes())
    data[-5000] ^= 1
    path.write_bytes(data)
    with pytest.raises(MediaError, match="damaged"):
        read_sound(path)


def test_errors_survive_a_worker_process():
    error = pickle.loads(pickle.dumps(MissingStreamError("a.mp4", "has no sound")))
    assert type(error) is MissingStreamError and str(error) == "a.mp4: has no sound" and error.path == Path("a.mp4")


# Bounds


def test_limits_end_in_errors(folder):
    for reader, limits in (
        (read_frames, Limits(frame_pixels=96 * 64 - 1)),
        (read_frames, Limits(decoded_bytes=200_000)),
        (read_sound, Limits(decoded_bytes=200_000)),
        (read_frames, Limits(stall_seconds=0)),
        (read_sound, Limits(decode_seconds=0)),
    ):
        for errors in ("strict", "partial"):
            with pytest.raises(MediaError):
                reader(folder / "clip.mp4", limits=limits, errors=errors)


@pytest.mark.parametrize("errors", ["strict", "partial"])
@pytest.mark.parametrize("limits", [Limits(stall_seconds=0), Limits(decode_seconds=0)])
def test_lack_of_time_is_told_from_damage(folder, limits, errors):
    with pytest.raises(StalledMediaError):
        read_sound(folder / "clip.mp4", limits=limits, errors=errors)


@pytest.mark.parametrize("errors", ["strict", "partial"])
@pytest.mark.parametrize("when", ["opened", "read"])
def test_what_the_decoders_own_clock_stops_is_told_from_damage(folder, monkeypatch, when, errors):
    def stopped(*arguments, **options):
        raise av.error.ExitError(av.error.tag_to_code(b"EXIT"), "Immediate exit requested")

    if when == "opened":
        monkeypatch.setattr(av, "open", stopped)
    else:
        monkeypatch.setattr(decode, "_packets_from", lambda *arguments: map(stopped, [0]))
    with pytest.raises(StalledMediaError, match="gave nothing"):
        read_frames(folder / "clip.mp4", errors=errors)


@pytest.mark.parametrize("errors", ["strict", "partial"])
def test_a_lack_of_memory_is_not_taken_for_damage(folder, monkeypatch, errors):
    def full(_):
        raise MemoryError

    monkeypatch.setattr(decode, "_packets_from", lambda *arguments: map(full, [0]))
    with pytest.raises(MediaError, match="cannot be decoded") as caught:
        read_frames(folder / "clip.mp4", errors=errors)
    assert isinstance(caught.value.__cause__, MemoryError)


@pytest.mark.parametrize("errors", ["strict", "partial"])
def test_a_pause_of_days_is_refused(tmp_path, errors):
    day = 24 * 3600
    path = mux(
        tmp_path / "pause.mkv",
        pictures=[("libx264", "yuv420p", grey_frames([50] * 3), [0, 40, 1000 * day], plain)],
        sounds=[],
    )
    with pytest.raises(MediaError, match="nothing new for 86400 s"):
        read_frames(path, fps=12, errors=errors)
    assert len(read_frames(path, errors=errors)) == 3


def test_a_playlist_under_another_name_opens_nothing(folder, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        callers = []

        def answer():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                callers.append(connection)
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        other = folder / "clip.mp4"
        address = f"http://127.0.0.1:{port}/x.mp4"
        hls = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n{}\n#EXT-X-ENDLIST\n"
        contents = {
            "hls-file.mp4": hls.format(other),
            "hls-net.m3u8": hls.format(address),
            "concat.mp4": f"ffconcat version 1.0\nfile '{other}'\n",
            "radio.sdp": f"v=0\nc=IN IP4 127.0.0.1\nm=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        }
        for name, text in contents.items():
            (tmp_path / name).write_text(text)
        addresses = [address, f"concat:{other}|{other}", f"file:{other}", f"async:{address}", f"crypto:{other}"]
        for path in [tmp_path / name for name in contents] + addresses:
            for reader in (probe, read_frames, read_sound):
                with pytest.raises(MediaError):
                    reader(path)
        server.shutdown(socket.SHUT_RDWR) if sys.platform == "linux" else None
    assert callers == []


LONG = """
import sys
import psutil
from avrec_lib.media import iter_frames, iter_sound
path, memory = sys.argv[1], psutil.Process().memory_info
next(iter_frames(path)), next(iter_sound(path))
before = peak = memory().rss
seen = heard = 0
for batch in iter_frames(path, batch=16):
    seen, peak = seen + len(batch), max(peak, memory().rss)
for block in iter_sound(path, block_seconds=5):
    heard, peak = heard + len(block.samples), max(peak, memory().rss)
print(seen, heard, (peak - before) / 2**20)
"""


def test_a_long_file_streams_in_constant_memory(tmp_path):
    """Ten minutes: 166 MB of pictures and 53 MB of sound pass through a few."""
    levels = np.arange(6000) // 100 % 200 + 20
    sound = np.tile(clicks(seconds=1, first=0.5)[0], 600)
    path = write_clip(tmp_path / "long.mp4", frames=grey_frames(levels, 96, 96), fps=10, sound=sound, bit_rate=24_000)
    done = subprocess.run(
        [sys.executable, "-c", LONG, str(path)], capture_output=True, text=True, check=True, timeout=300
    )
    seen, heard, megabytes = done.stdout.split()
    assert (int(seen), int(heard)) == (6000, 600 * RATE)
    assert float(megabytes) < 30
    # And a jump into the middle does not decode the way there.
    frames = read_frames(path, start=420.0, stop=421.0)
    assert len(frames) == 10 and levels_of(frames).mean() == pytest.approx(levels[4200], abs=4)
    late = read_sound(path, start=500.25, stop=501.25)
    assert abs(delay(late.samples, sound[round(500.25 * RATE) :][:RATE])) <= 1


# Writing


@pytest.mark.parametrize("name", ["same.mp4", "same.webm", "same.ogg"])
def test_equal_input_gives_equal_bytes(tmp_path, name):
    sound, _ = clicks()
    digests = set()
    for number in range(6):  # an encoder that is right most of the time is wrong
        (tmp_path / str(number)).mkdir()
        frames = None if name.endswith("ogg") else moving_bars()
        path = write_clip(tmp_path / str(number) / name, frames=frames, fps=FPS, sound=sound)
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_browsers_can_play_what_is_written(folder):
    data = (folder / "clip.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "the index must come first for playback to start at once"
    with av.open(str(folder / "clip.mp4")) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert video.pix_fmt == "yuv420p" and video.codec_context.profile in ("Baseline", "Main", "High")
        assert audio.codec_context.name == "aac" and audio.profile == "LC"
        assert "creation_time" not in {**container.metadata, **video.metadata, **audio.metadata}


def test_a_failed_write_leaves_the_old_file_and_no_debris(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.wav", sound=np.zeros(100))
    before = path.read_bytes()

    encode = write._encode_sound

    def full_disk(*arguments):
        encode(*arguments)
        assert len(list(tmp_path.iterdir())) == 2, "the new file grows beside the old one"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(write, "_encode_sound", full_disk)
    with pytest.raises(MediaError, match=r"a\.wav.*No space left"):
        write_clip(path, sound=np.ones(100))
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["a.wav"]
    with pytest.raises(MediaError, match="cannot be written"):
        write_clip(tmp_path / "absent" / "a.wav", sound=np.zeros(10))


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        ("a.mp4", {}, "frames, sound or both"),
        ("a.xyz", {"sound": np.zeros(9)}, "extension"),
        ("a.wav", {"frames": np.zeros((1, 8, 8, 3), np.uint8)}, "sound only"),
        ("a.mp4", {"frames": np.zeros((1, 8, 8, 3))}, "uint8"),
        ("a.mp4", {"frames": np.zeros((1, 9, 8, 3), np.uint8)}, "even"),
        ("a.mp4", {"sound": np.zeros((3, 9))}, "1 or 2 channels"),
        ("a.mp4", {"sound": np.array([0.0, np.nan])}, "finite"),
        ("a.mp4", {"sound": np.zeros(9), "fps": 0}, "positive"),
    ],
)
def test_arrays_that_cannot_be_written_are_refused(tmp_path, name, wrong, says):
    with pytest.raises(ValueError, match=says):
        write_clip(tmp_path / name, **wrong)
    assert not list(tmp_path.iterdir())


# Real files


@needs_data
def test_real_files_read_whole():
    clips = DATA / "clips"
    info = probe(clips / "nasa_13013.mp4")
    assert (len(info.video), len(info.audio)) == (2, 2)
    assert read_frames(clips / "nasa_13013.mp4", size=32).images.shape == (325, 32, 32, 3)
    assert read_frames(clips / "nasa_13013.mp4", stream=1, size=32, fps=10).images.shape == (131, 32, 32, 3)
    assert len(read_sound(clips / "nasa_13013.mp4", stream=1).samples) == 208_896
    assert len(read_frames(clips / "big_buck_bunny_0_30.webm", size=32, fps=2, start=20)) == 21
    assert len(read_sound(clips / "big_buck_bunny_0_30.webm", sample_rate=8000).samples) == pytest.approx(
        30.02 * 8000, abs=80
    )
    with pytest.raises(MediaError, match="damaged"):
        read_frames(clips / "corrupted.mp4", size=32)
    assert len(read_frames(clips / "corrupted.mp4", size=32, errors="partial")) > 20


@needs_data
def test_real_sound_equals_another_reader():
    soundfile = pytest.importorskip("soundfile")
    files = [*sorted(DATA.glob("esc10/*/*.ogg"))[::40], *sorted(DATA.glob("librosa/*.ogg"))[:3]]
    assert len(files) > 5
    for path in files:
        other, rate = soundfile.read(path, dtype="float32", always_2d=True)
        mine = read_sound(path, mono=False)
        assert mine.sample_rate == rate and mine.samples.shape == other.T.shape, path
        np.testing.assert_allclose(mine.samples, other.T, atol=2e-5)


def test_an_index_that_cannot_be_true_is_refused_before_it_is_built(tmp_path):
    path = tmp_path / "claims.mp4"
    write_clip(path, frames=np.zeros((6, 32, 32, 3), np.uint8), fps=6)
    content = bytearray(path.read_bytes())
    at = content.index(b"stsz") + 8
    content[at : at + 8] = struct.pack(">II", 1, 80_000_000)
    path.write_bytes(content)
    start = time.perf_counter()
    with pytest.raises(MediaError, match="80000000 samples"):
        probe(path)
    assert time.perf_counter() - start < 1.0
    path.write_bytes(bytes(content).replace(b"stbl", b"cmov", 1))
    with pytest.raises(MediaError, match="compressed index"):
        probe(path)
