"""Describe the whole catalogue: cold and warm, against the number of clips, and against the length of one clip.

Each measurement is a process of its own, so that its peak memory is its own; the workers' is the largest of any of
them. "Cold" starts with an empty cache, imports and workers not yet started; "warm" is a new process that finds every
description in the cache. Times are wall-clock seconds: run it on a machine that does nothing else. Processor seconds
are those of all processes together, imports included, and depend less on what else runs.

The long files repeat a half minute of moving pattern and sound, by copying its packets, and are described in this
process (`n_jobs=1`): constant memory means that the last column does not grow.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil

from avrec_lib.media import probe, write_clip
from benchmarks.command_line import command_line
from benchmarks.memory import most_held

__all__ = ["main", "write_long_clip"]

_PIECE_SECONDS = 30


class _Peaks(threading.Thread):
    """Watch the peak memory of this process and of the largest one that it starts.

    The system's own figure for children counts the parent's memory at their start, too, so each is asked while it runs.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.here = self.workers = 0

    def run(self) -> None:
        while True:
            self.here = max(self.here, most_held())
            self.workers = max([self.workers, *map(most_held, psutil.Process().children())])
            time.sleep(0.05)


def write_long_clip(path: Path, minutes: float, seed: int = 0) -> Path:
    """Write a clip of any length without holding it in memory: half a minute, over and over.

    Parameters
    ----------
    path : Path
        Where to write; the extension is .mp4.
    minutes : float
        At least this long.
    seed : int
        Randomness.

    Returns
    -------
    Path
        The file.
    """
    rng = np.random.default_rng(seed)
    t, y, x = np.ogrid[: _PIECE_SECONDS * 12, :128, :128]
    waves = [np.sin((x * a + y * b) / 9 + t * c) for a, b, c in rng.uniform(-1, 1, (3, 3))]
    frames = (128 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)
    beats = np.arange(_PIECE_SECONDS * 22_050) / 22_050
    tones = 0.2 * np.sin(2 * np.pi * rng.uniform(100, 2000, (4, 1)) * beats).sum(axis=0)
    piece = write_clip(path.with_name("piece.mp4"), frames=frames, sound=tones * np.exp(-4 * (beats % 0.5)))
    with av.open(str(piece)) as source:
        packets = [packet for packet in source.demux() if packet.dts is not None]
        with av.open(str(path), "w") as target:
            streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
            spans = {
                index: max(p.dts + p.duration for p in packets if p.stream.index == index)
                - min(p.dts for p in packets if p.stream.index == index)
                for index in streams
            }
            for turn in range(max(1, round(minutes * 60 / _PIECE_SECONDS))):
                for packet in packets:
                    again = av.Packet(bytes(packet))
                    later = turn * spans[packet.stream.index]
                    again.pts, again.dts = packet.pts + later, packet.dts + later
                    again.time_base, again.duration = packet.time_base, packet.duration
                    again.is_keyframe = packet.is_keyframe
                    again.stream = streams[packet.stream.index]
                    target.mux(again)
    piece.unlink()
    return path


def _measure(order: dict[str, Any]) -> dict[str, Any]:
    """Do what another process asked for, and tell what it cost."""
    peaks = _Peaks()
    peaks.start()
    began = time.perf_counter()
    from avrec_lib.content import extractors
    from avrec_lib.content.extraction import extract

    chosen = [getattr(extractors, name) for name in order["extractors"]]
    source: Any
    if order["world"]:
        from avrec_lib.world import load_world

        source = load_world(order["world"], progress=False)
        texts = source.clips
        if order["clips"] is not None:
            ids = texts["clip_id"].iloc[: order["clips"]]
            source = {clip_id: source.media(clip_id) for clip_id in ids}
    else:
        source, texts = {"long": order["path"]}, None
    imported = time.perf_counter() - began
    began = time.perf_counter()
    found = extract(source, chosen, texts=texts, cache=Path(order["cache"]), n_jobs=order["n_jobs"], progress=False)
    seconds = time.perf_counter() - began
    return {
        "imports": imported,
        "seconds": seconds,
        "processor": sum(os.times()[:4]),  # of this process and of those that have ended
        "here": max(peaks.here, most_held()),
        "workers": peaks.workers,
        "clips": {name: len(one.features) for name, one in found.items()},
        "problems": {name: len(one.problems) for name, one in found.items()},
    }


def _measured(**order: Any) -> dict[str, Any]:
    """Measure in a process of its own."""
    order = {"world": None, "clips": None, "path": None, "n_jobs": 1} | order
    command = [sys.executable, "-m", "benchmarks.catalogue", "--measure", json.dumps(order)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _slope(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def _whole(profile: str, names: list[str], n_jobs: int, scratch: Path) -> None:
    print(f"The world {profile!r}, {', '.join(names)}, {n_jobs} processes ({platform.machine()})\n")
    print(f"{'':8}{'seconds':>9}{'imports':>9}{'processor':>11}{'this process':>15}{'largest worker':>16}   absent")
    for turn in ("cold", "warm"):
        cost = _measured(world=profile, extractors=names, cache=str(scratch / "whole"), n_jobs=n_jobs)
        absent = ", ".join(f"{name} {count}" for name, count in cost["problems"].items())
        workers = f"{cost['workers'] / 1e6:13,.0f} MB" if turn == "cold" else f"{'none':>16}"
        print(
            f"{turn:8}{cost['seconds']:9.2f}{cost['imports']:9.2f}{cost['processor']:11.1f}"
            f"{cost['here'] / 1e6:12,.0f} MB{workers}   {absent}"
        )


def _by_clips(profile: str, names: list[str], n_jobs: int, count: int, scratch: Path) -> None:
    sizes = [count // 8, count // 4, count // 2, count]
    seconds = []
    print(f"\n{'clips':>8}{'seconds':>9}{'a clip':>10}{'largest worker':>17}")
    for size in sizes:
        cost = _measured(
            world=profile, clips=size, extractors=names, cache=str(scratch / f"first-{size}"), n_jobs=n_jobs
        )
        seconds.append(cost["seconds"])
        milliseconds = 1000 * cost["seconds"] / size
        print(f"{size:8}{cost['seconds']:9.2f}{milliseconds:7.0f} ms{cost['workers'] / 1e6:14,.0f} MB")
    print(f"time grows as the number of clips to the power {_slope(sizes, seconds):.2f}, with all starts")


def _by_length(names: list[str], minutes: Sequence[float], scratch: Path) -> None:
    for name in names:
        seconds = []
        print(f"\n{name + ', minutes':>16}{'seconds':>9}{'times real time':>17}{'peak memory':>15}")
        for number, length in enumerate(minutes):
            path = scratch / f"long-{length:g}.mp4"
            if not path.exists():
                write_long_clip(path, length)
            cost = _measured(path=str(path), extractors=[name], cache=str(scratch / f"long-{number}"))
            seconds.append(cost["seconds"])
            real = probe(path).duration_seconds
            print(
                f"{real / 60:16.1f}{cost['seconds']:9.2f}{real / cost['seconds']:17.0f}{cost['here'] / 1e6:12,.0f} MB"
            )
        if len(minutes) > 2:
            print(
                f"time grows as the length to the power {_slope(minutes[1:], seconds[1:]):.2f}, without the first row"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; without it the program's own.
    """
    parser = command_line("catalogue", __doc__)
    parser.add_argument("--profile", default="full", help="size of the world (default: full)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument(
        "--extractors",
        nargs="+",
        default=["TEXT", "PICTURE", "MOTION", "SOUND"],
        help="names in avrec_lib.content.extractors",
    )
    parser.add_argument("--minutes", nargs="+", type=float, default=[1, 10, 60], help="lengths of the long clips")
    parser.add_argument("--only", choices=["whole", "clips", "length"], help="one of the three parts")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(_measure(json.loads(options.measure))))
        return
    from avrec_lib.world import load_world

    count = len(load_world(options.profile).clips)  # made now, if it is not there
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        if options.only in (None, "whole"):
            _whole(options.profile, options.extractors, options.jobs, scratch)
        if options.only in (None, "clips"):
            _by_clips(options.profile, options.extractors, options.jobs, count, scratch)
        if options.only in (None, "length"):
            media = [name for name in options.extractors if name != "TEXT"]
            _by_length(media, options.minutes, scratch)


if __name__ == "__main__":
    main()
