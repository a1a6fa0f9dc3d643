"""Decode clips: `avrec_lib.media` against OpenCV for the picture and librosa for the sound.

librosa reads MP4 only through a decoder that the machine may lack, so it is given the same sound as FLAC. FLAC is
cheaper to decode than the AAC in the MP4; both rows are shown. Each reads the whole clip, pictures as RGB and sound
as mono float32 at 16 kHz.

Times are processor seconds of one core, methods take turns within each round, and the ratio is the median over
rounds of the ratios within a round, so that a busy machine slows both sides alike.
"""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import librosa
import numpy as np
from numpy.typing import NDArray

from avrec_lib.media import iter_frames, read_frames, read_sound, write_clip
from benchmarks.command_line import command_line

__all__ = ["main"]

FPS, SIZE, SECONDS, SOURCE_RATE, RATE = 12, 128, 6, 22_050, 16_000


def make_clips(folder: Path, count: int, seed: int = 0) -> list[Path]:
    """Write `count` clips of moving patterns with sound, each as MP4 and its sound as FLAC too.

    Parameters
    ----------
    folder : Path
        Where to write.
    count : int
        How many.
    seed : int
        Randomness.

    Returns
    -------
    list of Path
        The MP4 files; a FLAC file of the same sound lies beside each.
    """
    rng = np.random.default_rng(seed)
    t, y, x = np.ogrid[: FPS * SECONDS, :SIZE, :SIZE]
    seconds = np.arange(SECONDS * SOURCE_RATE) / SOURCE_RATE
    paths = []
    for number in range(count):
        waves = [np.sin((x * a + y * b) / 9 + t * c) for a, b, c in rng.uniform(-1, 1, (3, 3))]
        frames = 128 + 100 * np.stack(waves, axis=-1) + rng.normal(0, 3, (len(t), SIZE, SIZE, 3))
        pitches = rng.uniform(100, 2000, 4)
        sound = 0.15 * np.sin(2 * np.pi * pitches[:, None] * seconds).sum(axis=0) + rng.normal(0, 0.02, len(seconds))
        path = folder / f"clip-{number:03d}.mp4"
        write_clip(path, frames=frames.clip(0, 255).astype(np.uint8), fps=FPS, sound=sound, sample_rate=SOURCE_RATE)
        write_clip(path.with_suffix(".flac"), sound=read_sound(path).samples, sample_rate=SOURCE_RATE)
        paths.append(path)
    return paths


def opencv_frames(path: Path) -> NDArray[np.uint8]:
    """Read all pictures with OpenCV, on one thread, as RGB."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    images = []
    while True:
        there, image = capture.read()
        if not there:
            break
        images.append(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    capture.release()
    return np.stack(images)


def check_agreement(path: Path) -> None:
    """Make sure that both sides do the same work: as many pictures and samples, and nearly the same ones."""
    ours, theirs = read_frames(path).images, opencv_frames(path)
    assert ours.shape == theirs.shape, f"{ours.shape} pictures here, {theirs.shape} from OpenCV"
    assert np.abs(ours.astype(np.int16) - theirs).mean() < 3
    flac = path.with_suffix(".flac")
    ours, theirs = read_sound(flac, sample_rate=RATE).samples, librosa.load(flac, sr=RATE)[0]
    assert abs(len(ours) - len(theirs)) <= 1
    size = min(len(ours), len(theirs))
    assert np.corrcoef(ours[:size], theirs[:size])[0, 1] > 0.99


Method = Callable[[Path], object]
# (what, here, alternative's name, alternative)
ROWS: list[tuple[str, Method, str, Method]] = [
    ("picture (MP4)", read_frames, "OpenCV", opencv_frames),
    (
        "sound (MP4; alternative: FLAC)",
        lambda path: read_sound(path, sample_rate=RATE),
        "librosa",
        lambda path: librosa.load(path.with_suffix(".flac"), sr=RATE),
    ),
    (
        "sound (FLAC both)",
        lambda path: read_sound(path.with_suffix(".flac"), sample_rate=RATE),
        "librosa",
        lambda path: librosa.load(path.with_suffix(".flac"), sr=RATE),
    ),
    (
        "whole clip",
        lambda path: (read_frames(path), read_sound(path, sample_rate=RATE)),
        "OpenCV + librosa",
        lambda path: (opencv_frames(path), librosa.load(path.with_suffix(".flac"), sr=RATE)),
    ),
    (
        "2 pictures a second, 64 x 64",
        lambda path: list(iter_frames(path, fps=2, size=64)),
        "OpenCV",
        lambda path: [cv2.resize(image, (64, 64)) for image in opencv_frames(path)[:: FPS // 2]],
    ),
]


def seconds_of(method: Method, paths: Sequence[Path]) -> float:
    """Return the processor seconds that `method` takes on all paths."""
    began = time.process_time()
    for path in paths:
        method(path)
    return time.process_time() - began


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; without it the program's own.
    """
    parser = command_line("decode", __doc__)
    parser.add_argument("--clips", type=int, default=16, help="how many clips to make and read (default: 16)")
    parser.add_argument("--rounds", type=int, default=7, help="how often each method reads them (default: 7)")
    options = parser.parse_args(arguments)
    if options.clips < 1 or options.rounds < 1:
        parser.error("--clips and --rounds must be 1 or more")

    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as scratch:
        paths = make_clips(Path(scratch), options.clips)
        check_agreement(paths[0])
        size = statistics.mean(path.stat().st_size for path in paths) / 1000
        print(
            f"{options.clips} clips of {SECONDS} s, {SIZE} x {SIZE} at {FPS} a second, {size:.0f} kB each; "
            f"median of {options.rounds} rounds on one core ({platform.machine()})\n"
        )
        print(f"{'':32}{'here':>14}{'alternative':>14}   {'ratio':>6}  (lowest - highest)")
        for what, here, name, alternative in ROWS:
            here(paths[0]), alternative(paths[0])
            pairs = []
            for turn in range(options.rounds):
                # Who goes first alternates, so that neither always finds the caches warm.
                first, second = (here, alternative) if turn % 2 == 0 else (alternative, here)
                one, two = seconds_of(first, paths), seconds_of(second, paths)
                pairs.append((one, two) if turn % 2 == 0 else (two, one))
            ours, theirs = (options.clips / statistics.median(column) for column in zip(*pairs, strict=True))
            ratios = sorted(b / a for a, b in pairs)
            print(
                f"{what:32}{ours:9.0f} /s{theirs:11.0f} /s   {statistics.median(ratios):5.2f}x  "
                f"({ratios[0]:.2f} - {ratios[-1]:.2f})  {name}"
            )
    print("\nA ratio above 1 means that the library here is faster. Numbers are clips a second of one core.")


if __name__ == "__main__":
    main()
