"""Damaged files end in pictures, in sound or in one documented error: never in a hang, a crash or a flood.

Each case is made from (kind of file, kind of damage, seed), read in a worker process whose memory is bounded, and
watched from here: a case that takes too long or takes its worker down is named in the failure, and

    python tests/test_media_fuzz.py CASE

runs it again alone.
"""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from avrec_lib.media import Limits, MediaError, probe, read_frames, read_sound, write_clip

CASES = 640
WORKERS = 2
SECONDS_A_CASE = 30.0  # by the wall clock, on a machine that may be busy
SECONDS_TO_START = 120.0
ADDRESS_SPACE = 3 << 30
# Files from outside deserve narrow limits; these are ample for the clips of this test.
LIMITS = Limits(frame_pixels=1 << 21, decoded_bytes=1 << 26, gap_seconds=60.0, stall_seconds=5.0, decode_seconds=2.5)
DAMAGE = ("truncate", "head", "flip", "bits", "zero", "swap", "insert", "sizes", "rename", "splice", "text", "repeat")


def make_files(folder):
    """One small file of each kind; their names are the first part of a case's name."""
    rng = np.random.default_rng(11)
    t, y, x = np.ogrid[:18, :48, :64]
    frames = np.stack([128 + 90 * np.sin((x + k * t) / 7 + y / 5) for k in (1, 2, 3)], axis=-1).astype(np.uint8)
    sound = (0.3 * np.sin(np.arange(33_075) / 9) + rng.normal(0, 0.05, 33_075)).astype(np.float32)
    for kind in ("mp4", "mov", "mkv", "webm"):
        write_clip(folder / f"clip.{kind}", frames=frames, sound=sound)
    for kind in ("m4a", "ogg", "mp3", "flac", "wav"):
        write_clip(folder / f"clip.{kind}", sound=sound)
    return sorted(path.name for path in folder.glob("clip.*"))


def real_files():
    """Real clips, where they are present: other encoders, other streams, and one that was damaged by life."""
    data = Path(os.environ.get("AVREC_DATA_HOME", "data-not-named"))
    names = ("clips/corrupted.mp4", "clips/nasa_13013.mp4", "clips/big_buck_bunny_0_30.webm")
    sounds = sorted(data.glob("esc10/*/*.ogg"))[:1]
    return [data / name for name in names if (data / name).is_file()] + sounds


def damaged(data, kind, rng, other):
    """Return the bytes of `data` after one kind of damage."""
    bytes_ = np.frombuffer(data, np.uint8).copy()
    size = len(bytes_)
    # Half of the damage goes to the first kilobytes, where the headers are.
    reach = size if rng.random() < 0.5 else min(size, 2048)
    at = int(rng.integers(reach))
    span = int(min(size - at, 2 ** rng.integers(1, 13)))
    if kind == "truncate":
        return bytes_[: int(rng.integers(size))].tobytes()
    if kind == "head":
        return bytes_[at:].tobytes()
    if kind == "flip":
        places = rng.integers(0, reach, int(2 ** rng.integers(0, 9)))
        bytes_[places] = rng.integers(0, 256, len(places))
    elif kind == "bits":
        places = rng.integers(0, reach, int(2 ** rng.integers(0, 7)))
        bytes_[places] ^= (1 << rng.integers(0, 8, len(places))).astype(np.uint8)
    elif kind == "zero":
        bytes_[at : at + span] = 0 if rng.random() < 0.5 else 255
    elif kind == "swap":
        to = int(rng.integers(size - span + 1))
        bytes_[at : at + span], bytes_[to : to + span] = bytes_[to : to + span].copy(), bytes_[at : at + span].copy()
    elif kind == "insert":
        return data[:at] + rng.bytes(span) + data[at:]
    elif kind == "sizes":
        # Lengths, counts and sizes are 4-byte words: make some of them huge, negative or nothing.
        for _ in range(int(rng.integers(1, 4))):
            at = int(rng.integers(max(1, reach - 4)))
            word = rng.choice(np.array([0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x00FFFFFF, 0xFFFF, 1, 0], np.uint32))
            bytes_[at : at + 4] = np.frombuffer(int(word).to_bytes(4, "big"), np.uint8)
    elif kind == "splice":
        return data[:at] + other[int(rng.integers(len(other))) :]
    elif kind == "text":
        return (b"<html><body>404 Not Found</body></html>\n" * int(rng.integers(0, 400)))[: int(rng.integers(9000))]
    elif kind == "repeat":
        return data[: at + span] + data[at : at + span] * int(rng.integers(1, 9)) + data[at + span :]
    return bytes_.tobytes()


def case_names(files):
    """Name every case: file, damage, seed."""
    return [f"{files[n % len(files)]}:{DAMAGE[(n // len(files)) % len(DAMAGE)]}:{n}" for n in range(CASES)]


def run_case(folder, name):
    """Damage a file and read it in every way; return what happened. Anything but the documented ends raises."""
    source, kind, seed = name.split(":")
    rng = np.random.default_rng([int(seed), 5])
    data = (folder / source).read_bytes()
    others = sorted(folder.glob("clip.*"))
    other = others[int(rng.integers(len(others)))].read_bytes()
    suffix = (
        Path(source).suffix if kind != "rename" else str(rng.choice([".mp4", ".wav", ".webm", ".m3u8", ".txt", ""]))
    )
    path = folder / f"case-{os.getpid()}{suffix}"
    path.write_bytes(data if kind == "rename" else damaged(data, kind, rng, other))
    size = 32 if rng.random() < 0.5 else None
    ends = []
    for errors in ("strict", "partial"):
        for reader, options in (
            (read_frames, {"size": size, "fps": 12.0 if rng.random() < 0.5 else None}),
            (read_sound, {"sample_rate": 16_000 if rng.random() < 0.5 else None, "mono": bool(rng.random() < 0.5)}),
        ):
            start = float(rng.choice([0.0, 0.0, 0.6]))
            try:
                result = reader(path, errors=errors, start=start, limits=LIMITS, **options)
            except MediaError as error:
                assert error.path == path and error.reason
                ends.append("error")
                continue
            values = result.images if reader is read_frames else result.samples
            assert values.size and values.nbytes <= LIMITS.decoded_bytes
            if reader is read_frames:
                assert values.dtype == np.uint8 and len(result.times) == len(values)
                assert np.isfinite(result.times).all() and (np.diff(result.times) > 0).all()
            else:
                assert values.dtype == np.float32
            ends.append("read")
    try:
        probe(path, limits=LIMITS)
    except MediaError:
        ends.append("error")
    path.unlink()
    return ",".join(ends)


def work(folder, names):
    """Run cases in this process and say where it stands, line by line."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for name in names:
        print("begin", name, flush=True)
        print("end", name, run_case(folder, name), flush=True)
    print("peak", peak_megabytes(), flush=True)


def peak_megabytes():
    """Return the most that this process held; its ``ru_maxrss`` begins at what its parent held when it was forked."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
    return int(kilobytes) // 1024


class Worker:
    """One process and the cases that it still has to do."""

    def __init__(self, folder, names):
        self.folder, self.left = folder, list(names)
        self.ends, self.bad, self.peak = {}, [], 0
        self.start()

    def start(self):
        # Appending keeps the worker's place in its files apart from ours.
        self.log, self.errors = (self.folder / f"{kind}-{id(self)}-{len(self.left)}" for kind in ("log", "errors"))
        command = [sys.executable, __file__, "--worker", str(self.folder), *self.left]
        with self.log.open("a") as log, self.errors.open("a") as errors:
            self.process = subprocess.Popen(command, stdout=log, stderr=errors)
        self.lines, self.current, self.since = 0, None, time.monotonic()

    def look(self):
        """Read the worker's lines; end it if a case takes too long; go on after a case that took it down."""
        over = self.process.poll() is not None
        lines = self.log.read_text().split("\n")[:-1]
        for line in lines[self.lines :]:
            self.lines += 1
            word, *rest = line.split()
            if word == "begin":
                self.current, self.since = rest[0], time.monotonic()
            elif word == "end":
                self.left.remove(rest[0])
                self.ends[rest[0]] = rest[1]
                self.current, self.since = None, time.monotonic()
            else:
                self.peak = max(self.peak, int(rest[0]))
        if over and not self.left:
            return False
        reason = None
        if over:
            reason = f"exit status {self.process.returncode}: {self.errors.read_text()[-1500:]}"
        elif time.monotonic() - self.since > (SECONDS_A_CASE if self.current else SECONDS_TO_START):
            self.process.kill()
            self.process.wait()
            reason = f"more than {SECONDS_A_CASE:.0f} s"
        if reason is not None:
            case = self.current or self.left[0]
            self.bad.append(f"{case}: {reason}")
            self.left.remove(case)
            if self.left:
                self.start()
            else:
                return False
        return True


def run_all(folder, names):
    """Run all cases in the workers; return how each ended, what went wrong, and the peak memory in MB."""
    workers = [Worker(folder, names[k::WORKERS]) for k in range(WORKERS)]
    going = workers
    try:
        while going:
            time.sleep(0.05)
            going = [worker for worker in going if worker.look()]
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.wait()
    ends = {name: end for worker in workers for name, end in worker.ends.items()}
    return ends, [bad for worker in workers for bad in worker.bad], max(worker.peak for worker in workers)


def prepare(folder):
    files = make_files(folder)
    for path in real_files():
        # Decoding takes a while in large files: the beginning of one is enough to damage.
        (folder / f"clip.real-{path.name}").write_bytes(path.read_bytes()[:100_000])
        files.append(f"clip.real-{path.name}")
    return files


@pytest.mark.timeout(300)
def test_every_damaged_file_ends_in_data_or_in_one_error(tmp_path):
    names = case_names(prepare(tmp_path))
    assert len(names) >= 500
    ends, bad, peak = run_all(tmp_path, names)
    assert not bad, "\n".join(bad)
    assert set(ends) == set(names)
    assert peak < 1200, f"{peak} MB in a worker"
    # The damage is neither so light that nothing is refused nor so heavy that nothing is read.
    count = Counter(end for case in ends.values() for end in case.split(","))
    assert count["read"] > 0.2 * count.total() and count["error"] > 0.2 * count.total()
    kinds = {name.split(":")[1] for name, end in ends.items() if "read" in end}
    assert kinds >= set(DAMAGE) - {"text"}
    assert not any("read" in end for name, end in ends.items() if ":text:" in name)


def test_the_watchdog_sees_hangs_crashes_and_undocumented_errors(tmp_path, monkeypatch):
    """The test above is worth something only if it would notice."""
    files = make_files(tmp_path)
    names = [f"{files[0]}:flip:{n}" for n in range(8)]
    (tmp_path / "sabotage").touch()
    monkeypatch.setattr(sys.modules[__name__], "SECONDS_A_CASE", 4.0)
    ends, bad, _ = run_all(tmp_path, names)
    assert len(bad) == 3 and len(ends) == 5
    assert "more than 4 s" in "".join(bad) and "exit status -11" in "".join(bad) and "KeyError" in "".join(bad)


def sabotage(folder):
    """Make three of the cases of the test above go wrong in three ways."""
    honest = run_case

    def spoiled(where, name):
        seed = int(name.rpartition(":")[2])
        if seed == 1:
            time.sleep(60)
        if seed == 2:
            os.kill(os.getpid(), 11)
        if seed == 3:
            raise KeyError("undocumented")
        return honest(where, name)

    globals()["run_case"] = spoiled


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        home = Path(sys.argv[2])
        if (home / "sabotage").exists():
            sabotage(home)
        work(home, sys.argv[3:])
    else:
        with tempfile.TemporaryDirectory() as scratch:
            prepare(Path(scratch))
            for case in sys.argv[1:]:
                began = time.monotonic()
                print(case, run_case(Path(scratch), case), f"{time.monotonic() - began:.2f} s")
