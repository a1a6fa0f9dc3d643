"""Describe sound: `avrec_lib.content.audio.describe` against librosa's functions, called one after another.

Each function of librosa is given the waveform, as its documentation shows, and so transforms it anew; loudness is
pyloudnorm's. Before the clock starts both sides are compared: what both measure is equal. The description here holds
more (ripples, modulation spectrum, a vector of statistics), and its time counts too. A second row leaves the most
expensive measurement, the parting of tones and blows, out of librosa's side but not out of this one.

Times are processor seconds of one core; methods take turns within each round, and the ratio is the median over rounds
of the ratios within a round. The table of lengths is made in a process of its own for each length, whose peak memory
is that of the process; files longer than a minute are streamed.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import librosa
import numpy as np
import pyloudnorm
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from avrec_lib.content.audio import Features, describe, describe_file
from avrec_lib.content.audio.pitch import HIGHEST_F0, LOWEST_F0
from avrec_lib.world.catalogue import clip_specs, sample_catalogue
from avrec_lib.world.sound import SAMPLE_RATE, render_sound
from benchmarks.command_line import command_line
from benchmarks.memory import most_held

__all__ = ["main"]

RATE = SAMPLE_RATE
TOLERANCE = 1e-5
Sound = NDArray[np.float32]


def by_librosa(samples: Sound, *, parts: bool = True) -> dict[str, NDArray]:
    """Measure what both sides can, each thing by its own function of librosa."""
    feature = librosa.feature
    cepstrum = feature.mfcc(y=samples, sr=RATE)
    found = {
        "log_mel": librosa.power_to_db(feature.melspectrogram(y=samples, sr=RATE)),
        "mfcc": cepstrum,
        "mfcc_delta": feature.delta(cepstrum),
        "mfcc_delta2": feature.delta(cepstrum, order=2),
        "chroma": feature.chroma_stft(y=samples, sr=RATE, tuning=0.0),
        "f0": librosa.yin(samples, sr=RATE, fmin=LOWEST_F0, fmax=HIGHEST_F0)[None],
        "rms": feature.rms(y=samples),
        "centroid": feature.spectral_centroid(y=samples, sr=RATE),
        "bandwidth": feature.spectral_bandwidth(y=samples, sr=RATE),
        "rolloff": feature.spectral_rolloff(y=samples, sr=RATE),
        "flatness": feature.spectral_flatness(y=samples),
        "contrast": feature.spectral_contrast(y=samples, sr=RATE),
        "zero_crossings": feature.zero_crossing_rate(samples),
        "onset_strength": librosa.onset.onset_strength(y=samples, sr=RATE)[None],
        "tempo": feature.tempo(y=samples, sr=RATE),
        "loudness": np.array([pyloudnorm.Meter(RATE).integrated_loudness(samples.astype(np.float64))]),
    }
    if parts:
        spectra = librosa.stft(samples)
        tones, _ = librosa.decompose.hpss(spectra)
        power = np.square(np.abs(spectra)).sum(axis=0)
        found["harmonic"] = (np.square(np.abs(tones)).sum(axis=0) / np.where(power > 0.0, power, 1.0))[None]
    return found


def check_agreement(samples: Sound) -> None:
    """Make sure that both sides measure the same."""
    ours, theirs = describe(samples, RATE), by_librosa(samples)
    for name, wanted in theirs.items():
        if name == "tempo":  # another method
            continue
        found = np.atleast_2d(ours.loudness_lufs if name == "loudness" else getattr(ours, name).T)
        away = np.abs(found - wanted) / np.abs(wanted).max()
        # A share of power in single precision, a thousand squares over a thousand: its own fifth decimal is noise.
        limit = 2 * TOLERANCE if name == "harmonic" else TOLERANCE
        # The period of a frame that is silent in part is 0 over 0.
        assert np.mean(away > limit) < (0.01 if name == "f0" else 1e-9), f"{name}: {away.max():.1e}"


def seconds_of(method: Callable[[Sound], object], sounds: Sequence[Sound]) -> float:
    """Return the processor seconds that `method` takes on all sounds."""
    began = time.process_time()
    for sound in sounds:
        method(sound)
    return time.process_time() - began


def write_long(path: Path, sounds: Sequence[Sound], minutes: float) -> None:
    """Write sounds again and again, as FLAC, minute after minute."""
    reel = np.concatenate(list(sounds))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("flac", rate=RATE, layout="mono")
        for start in range(0, round(minutes * 60 * RATE), RATE):
            piece = np.take(reel, np.arange(start, start + RATE), mode="wrap")
            frame = av.AudioFrame.from_ndarray((32_767 * piece).astype(np.int16)[None], format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def measure_file(path: Path) -> None:
    """Describe one file, and print processor seconds and peak memory in MB; for a process of its own."""
    began = time.process_time()
    describe_file(path)
    seconds = time.process_time() - began
    print(f"{seconds} {most_held() / 1e6}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; without it the program's own.
    """
    parser = command_line("sound", __doc__)
    parser.add_argument("--clips", type=int, default=12, help="how many clips to describe (default: 12)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each method does (default: 5)")
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the longest file (default: 60)")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.file:
        measure_file(options.file)
        return
    if options.clips < 1 or options.rounds < 1 or not options.minutes > 0:
        parser.error("--clips, --rounds and --minutes must be positive")

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    threadpool_limits(1)  # two threads on one core would wait for each other, busily
    sounds = [render_sound(clip)[0] for clip in clip_specs(sample_catalogue(options.clips, seed=0))]
    length = sum(map(len, sounds)) / RATE
    for sound in sounds[:3]:
        check_agreement(sound)
    print(f"{options.clips} clips, {length:.0f} s in all; median of {options.rounds} rounds ({platform.machine()})")
    print(f"equal within {TOLERANCE:g} of the largest value, the share of tones within {2 * TOLERANCE:g}\n")
    rows: list[tuple[str, Callable[[Sound], object]]] = [
        ("librosa, one after another", by_librosa),
        ("the same without tones and blows", lambda sound: by_librosa(sound, parts=False)),
    ]

    def here(sound: Sound) -> Features:
        return describe(sound, RATE)

    print(f"{'':36}{'times real time':>16}   {'ratio':>6}  (lowest - highest)")
    for name, there in rows:
        there(sounds[0])
        pairs = []
        for turn in range(options.rounds):
            first, second = (here, there) if turn % 2 == 0 else (there, here)
            one, two = seconds_of(first, sounds), seconds_of(second, sounds)
            pairs.append((one, two) if turn % 2 == 0 else (two, one))
        ratios = sorted(b / a for a, b in pairs)
        ours, theirs = (length / statistics.median(column) for column in zip(*pairs, strict=True))
        print(f"{'described here':36}{ours:15.0f}x")
        print(f"{name:36}{theirs:15.0f}x   {statistics.median(ratios):5.1f}x  ({ratios[0]:.1f} - {ratios[-1]:.1f})")

    print(f"\n{'length of the file':>20}{'seconds':>10}{'times real time':>18}{'peak memory':>14}")
    with tempfile.TemporaryDirectory() as scratch:
        for minutes in (0.1, 1.0, 10.0, options.minutes):
            path = Path(scratch) / "long.flac"
            write_long(path, sounds, minutes)
            command = [sys.executable, "-m", "benchmarks.sound", "--file", str(path)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, peak = map(float, done.stdout.split())
            print(f"{minutes:16.1f} min{seconds:10.1f}{60 * minutes / seconds:17.0f}x{peak:11.0f} MB")


if __name__ == "__main__":
    main()
