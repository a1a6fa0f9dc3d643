"""Describe pictures: `avrec_lib.content.visual` against the same OpenCV and scikit-image functions, frame by frame.

The alternative takes each frame by itself, as the manuals show it: convert, histogram, moments, local binary patterns,
co-occurrence, Gabor filters, oriented gradients, Otsu's threshold and Hu's moments. It leaves out what has no single
function to call: palette, change and cuts, which are in the time on this side. Optical flow and decoding are stated
apart.

Times are processor seconds of one core, methods take turns within each round, and the ratio is the median over
rounds of the ratios within a round, so that a busy machine slows both sides alike.
"""

import os
import platform
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.feature import graycomatrix, graycoprops, hog, local_binary_pattern
from skimage.filters import gabor_kernel, threshold_otsu
from skimage.measure import shannon_entropy
from threadpoolctl import threadpool_limits

from avrec_lib.content.visual import describe_look, describe_look_file, describe_motion, frame_features
from avrec_lib.media import read_frames
from benchmarks.catalogue import write_long_clip
from benchmarks.command_line import command_line
from benchmarks.decode import FPS, SECONDS, SIZE, make_clips

__all__ = ["main"]

_ANGLES = [0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
_KERNELS = [
    gabor_kernel(1 / length, theta=angle, sigma_x=0.56 * length, sigma_y=0.56 * length)
    for length in (4, 8, 16, 32)
    for angle in _ANGLES
]


def describe_frame(image: NDArray[np.uint8], *, gabor: bool = True) -> NDArray[np.float64]:
    """Describe one frame by the functions of OpenCV and scikit-image, with Gabor filters or without."""
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    histogram = cv2.calcHist([lab], [0, 1, 2], None, [4, 4, 4], [0, 256, 0, 256, 0, 256]).ravel()
    values = lab.reshape(-1, 3).astype(np.float32)
    away = values - values.mean(axis=0)
    moments = [values.mean(axis=0), values.std(axis=0), np.cbrt((away**3).mean(axis=0))]
    patterns = np.bincount(local_binary_pattern(grey, 8, 1, "uniform").astype(int).ravel(), minlength=10)
    table = graycomatrix(grey >> 4, [1], _ANGLES, levels=16, symmetric=True, normed=True)
    statistics_ = [graycoprops(table, name)[0] for name in ("contrast", "homogeneity", "energy", "correlation")]
    statistics_.append([shannon_entropy(table[:, :, 0, k]) for k in range(4)])
    bright = grey.astype(np.float32) / 255
    waves = []
    for kernel in _KERNELS if gabor else []:
        real = cv2.filter2D(bright, cv2.CV_32F, kernel.real.astype(np.float32))
        imaginary = cv2.filter2D(bright, cv2.CV_32F, kernel.imag.astype(np.float32))
        waves.append(np.log10((real**2 + imaginary**2).mean() + 1e-6))
    gradients = hog(grey, 9, (SIZE // 4, SIZE // 4), (1, 1), block_norm="L2-Hys")
    figure = (grey > threshold_otsu(grey)).astype(np.uint8)
    invariants = cv2.HuMoments(cv2.moments(figure, binaryImage=True)).ravel()
    parts = [histogram, *moments, patterns, np.ravel(statistics_), waves, gradients, invariants]
    return np.concatenate([np.ravel(part) for part in parts])


def frame_by_frame(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Describe every frame by itself."""
    return np.stack([describe_frame(image) for image in images])


def without_gabor(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Describe every frame by itself, and leave out the filters, which are the slowest of all."""
    return np.stack([describe_frame(image, gabor=False) for image in images])


def seconds_of(method: Callable[[NDArray[np.uint8]], object], films: Sequence[NDArray[np.uint8]]) -> float:
    """Return the processor seconds that `method` takes on all films."""
    began = time.process_time()
    for film in films:
        method(film)
    return time.process_time() - began


def check_agreement(images: NDArray[np.uint8]) -> None:
    """Make sure that both sides compute the same, where they name the same thing."""
    ours, theirs = frame_features(images[:2]), frame_by_frame(images[:2])
    np.testing.assert_allclose(ours[:, 68 : 68 + 144], theirs[:, 64 + 9 + 10 + 20 + 16 :][:, :144], atol=1e-4)
    patterns = theirs[:, 64 + 9 : 64 + 19] / theirs[:, 64 + 9 : 64 + 19].sum(axis=1, keepdims=True)
    assert np.abs(ours[:, 221:231] - patterns).sum(axis=1).max() < 0.1  # edges of the frame count there


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; without it the program's own.
    """
    parser = command_line("picture", __doc__)
    parser.add_argument("--clips", type=int, default=4, help="how many clips to make and describe (default: 4)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each method describes them (default: 5)")
    parser.add_argument("--hour", action="store_true", help="let the longest file last an hour: a few minutes more")
    options = parser.parse_args(arguments)
    if options.clips < 1 or options.rounds < 1:
        parser.error("--clips and --rounds must be 1 or more")

    cv2.setNumThreads(1)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    threadpool_limits(1)  # two threads on one core would wait for each other, busily
    with tempfile.TemporaryDirectory() as scratch:
        paths = make_clips(Path(scratch), options.clips)
        films = [read_frames(path).images for path in paths]
        check_agreement(films[0])
        began = time.process_time()
        for path in paths:
            read_frames(path)
        decode = (time.process_time() - began) / options.clips
        lengths = _lengths(Path(scratch), (0.5, 5.0, 60.0) if options.hour else (0.5, 1.5, 6.0))
    ways: dict[str, Callable[[NDArray[np.uint8]], object]] = {
        "as files are described (4 a second)": lambda film: describe_look(film, FPS),
        "every frame": lambda film: describe_look(film, FPS, every=1),
        "OpenCV, scikit-image, frame by frame": frame_by_frame,
        "the same without Gabor filters": without_gabor,
        "optical flow": lambda film: describe_motion(film, FPS),
    }
    for way in ways.values():
        way(films[0][:24])
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(options.rounds):
        for name in list(ways) if turn % 2 == 0 else list(ways)[::-1]:
            spent[name].append(seconds_of(ways[name], films) / options.clips)
    print(
        f"{options.clips} clips of {SECONDS} s, {SIZE} x {SIZE} at {FPS} a second; "
        f"median of {options.rounds} rounds on one core ({platform.machine()})\n"
    )
    print(f"{'':40}{'ms a clip':>10}{'ms a frame':>12}{'times real time':>17}")
    medians = {name: statistics.median(values) for name, values in spent.items()} | {"decoding": decode}
    for name, median in medians.items():
        print(f"{name:40}{1e3 * median:10.1f}{1e3 * median / (FPS * SECONDS):12.2f}{SECONDS / median:16.0f}x")
    for rival in ("OpenCV, scikit-image, frame by frame", "the same without Gabor filters"):
        print(f"\nagainst {rival}:")
        for name in ("every frame", "as files are described (4 a second)"):
            ratios = sorted(b / a for a, b in zip(spent[name], spent[rival], strict=True))
            print(f"  {name:38}{statistics.median(ratios):6.1f}x  ({ratios[0]:.1f} - {ratios[-1]:.1f})")
    print("\nTime against length, all but flow, from the file:")
    for seconds, spent_on, peak in lengths:
        print(f"{seconds:6.0f} s{1e3 * spent_on:10.0f} ms{seconds / spent_on:10.0f}x real time{peak:10.1f} MB at most")


def _lengths(folder: Path, minutes: Sequence[float]) -> list[tuple[float, float, float]]:
    """Describe files of growing length: seconds, processor seconds, and the most memory that Python held (MB)."""
    rows = []
    for length in minutes:
        path = write_long_clip(folder / f"long-{length:g}.mp4", length)
        began = time.process_time()
        describe_look_file(path)
        spent = time.process_time() - began
        tracemalloc.start()
        describe_look_file(path)
        peak = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        rows.append((60.0 * length, spent, peak))
        path.unlink()
    return rows


if __name__ == "__main__":
    main()
