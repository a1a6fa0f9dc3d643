"""Take in an event log: `avrec_lib.collect.log.ingest` against pandas reading the whole file.

The same JSON lines become Parquet files by day, on one side in blocks with every line checked, on the other by
``pandas.read_json(lines=True)`` and ``to_parquet(partition_cols=["day"])``, which checks nothing. pandas stops at the
first line that is no JSON, so the comparison is on a clean log; a second log of the same size has bad lines too.

Each measurement is a process of its own. Memory is the most that it ever held, less what it held after its imports.
Rates are lines a second of processor time; DuckDB's times are the median of five, wall-clock, on one thread.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from avrec_lib.collect.log import ingest
from avrec_lib.collect.query import open_events, read_events
from benchmarks.command_line import command_line
from benchmarks.memory import most_held

__all__ = ["main"]

DAYS, CHUNK = 42, 100_000
KINDS = np.array(["impression", "click", "watch", "like", "search"])
SHARES = [0.70, 0.14, 0.11, 0.04, 0.01]
QUERIES = {
    "events of each kind": "SELECT kind, count(*) FROM events GROUP BY kind",
    "one day's people (other days' files stay shut)": (
        "SELECT count(DISTINCT user_id) FROM events WHERE day = DATE '2026-01-20'"
    ),
    "ten most watched clips": (
        "SELECT clip_id, sum(watch_seconds) AS seconds FROM events WHERE kind = 'watch' "
        "GROUP BY clip_id ORDER BY seconds DESC LIMIT 10"
    ),
    "people a day": "SELECT day, count(DISTINCT user_id) FROM events GROUP BY day ORDER BY day",
}


def write_log(path: Path, rows: int, bad_share: float, seed: int = 0) -> None:
    """Write a log of made-up events, six weeks long, some of them late by up to two days.

    Parameters
    ----------
    path : Path
        The file.
    rows : int
        How many lines.
    bad_share : float
        How many of them are cut in the middle.
    seed : int
        Randomness.
    """
    rng = np.random.default_rng([seed, rows])
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, rows, CHUNK):
            n = min(CHUNK, rows - start)
            second = (start + np.arange(n)) * (DAYS * 86_400 / rows) - 172_800 * (rng.random(n) < 0.005) * rng.random(n)
            moment = np.datetime64("2026-01-05", "us") + (np.maximum(second, 0.0) * 1e6).astype("timedelta64[us]")
            kinds = KINDS[rng.choice(len(KINDS), size=n, p=SHARES)].tolist()
            user, clip = rng.integers(0, max(rows // 100, 50), n).tolist(), rng.zipf(1.3, n) % 5000
            place, watched = rng.integers(1, 11, n).tolist(), rng.exponential(4.0, n).tolist()
            cut = (rng.random(n) < bad_share).tolist()
            lines = []
            for at, (kind, stamp) in enumerate(zip(kinds, np.datetime_as_string(moment).tolist(), strict=True)):
                line = f'{{"user_id":"u{user[at]:07d}","kind":"{kind}","time":"{stamp}Z","session_id":"s{user[at]:07d}"'
                if kind == "search":
                    line += ',"text":"rain on leaves"}'
                elif kind == "impression":
                    line += (
                        f',"clip_id":"c{clip[at]:07d}","position":{place[at]},"propensity":{1 / (9 + place[at])!r}}}'
                    )
                elif kind == "watch":
                    line += f',"clip_id":"c{clip[at]:07d}","watch_seconds":{watched[at]!r}}}'
                else:
                    line += f',"clip_id":"c{clip[at]:07d}"}}'
                lines.append(line[:-20] if cut[at] else line)
            file.write("\n".join(lines) + "\n")


def pandas_way(path: Path, folder: Path) -> int:
    """Read the whole file with pandas, and write it by day."""
    table = pd.read_json(path, lines=True)
    table["time"] = pd.to_datetime(table["time"], utc=True)
    table["day"] = table["time"].dt.strftime("%Y-%m-%d")
    table.to_parquet(folder, partition_cols=["day"])
    return len(table)


def measure(way: str, path: Path, folder: Path) -> None:
    """Do it in this process, and print what it took as JSON."""
    before, began, clock = most_held(), time.process_time(), time.perf_counter()
    rows = pandas_way(path, folder) if way == "pandas" else ingest([path], folder, progress=False).read
    told = {"rows": rows, "processor": time.process_time() - began, "wall": time.perf_counter() - clock}
    print(json.dumps({**told, "memory": most_held() - before}))


def measured(way: str, path: Path, folder: Path) -> dict[str, float]:
    """Measure in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.ingest", "--measure", way, str(path), str(folder)]
    return json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


def ask(folder: Path) -> dict[str, float]:
    """Return milliseconds of each query."""
    connection = open_events(folder, threads=1)
    took = {}
    for name, sql in QUERIES.items():
        times = []
        for _ in range(5):
            began = time.perf_counter()
            connection.execute(sql).fetchall()
            times.append(1000 * (time.perf_counter() - began))
        took[name] = statistics.median(times)
    connection.close()
    return took


def check_agreement(scratch: Path) -> None:
    """Make sure that both sides do the same work: the same rows come out."""
    log = scratch / "check.ndjson"
    write_log(log, 5_000, 0.0)
    ingest([log], scratch / "here", progress=False)
    pandas_way(log, scratch / "pandas")
    ours = read_events(scratch / "here").sort_values(["time", "user_id", "kind"], ignore_index=True)
    theirs = pd.read_parquet(scratch / "pandas").sort_values(["time", "user_id", "kind"], ignore_index=True)
    for name in ("user_id", "kind", "time"):
        assert ours[name].equals(theirs[name].astype(ours[name].dtype)), f"{name} differs"
    # pandas' fast reader of numbers is off in the last places.
    assert np.allclose(ours["watch_seconds"], theirs["watch_seconds"], equal_nan=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; without it the program's own.
    """
    parser = command_line("ingest", __doc__)
    parser.add_argument("--largest", type=int, default=6, help="10 to this power lines at most (default: 6; 7 is long)")
    parser.add_argument("--pandas", type=int, default=6, help="the same for pandas, which needs GBs (default: 6)")
    parser.add_argument("--rounds", type=int, default=3, help="how often up to 10^6 is measured (default: 3)")
    parser.add_argument("--measure", nargs=3, metavar=("WAY", "LOG", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.measure:
        measure(options.measure[0], Path(options.measure[1]), Path(options.measure[2]))
        return
    if not 4 <= options.largest <= 8 or options.rounds < 1:
        parser.error("--largest must be 4 to 8, and --rounds 1 or more")
    queries: dict[int, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        check_agreement(scratch)
        print(f"JSON lines to Parquet by day; median of the rounds, {platform.machine()}\n")
        print(f"{'lines':>10}{'log':>8}{'here':>14}{'memory':>9}{'pandas':>14}{'memory':>10}{'ratio':>8}{'memory':>9}")
        for power in range(4, options.largest + 1):
            rows, pairs = 10**power, []
            for log, bad_share in (("bad", 0.004), ("clean", 0.0)):
                path = scratch / f"{log}.ndjson"
                write_log(path, rows, bad_share)
                against = log == "clean" and power <= options.pandas
                pairs = []
                for turn in range(options.rounds if power <= 6 else 1):
                    ways = ("here", "pandas") if turn % 2 == 0 else ("pandas", "here")
                    folders = {way: scratch / f"{log}-{power}-{turn}-{way}" for way in ways}
                    pairs.append({way: measured(way, path, folders[way]) for way in ways if way == "here" or against})
                path.unlink()

                def middle(way: str, what: str, pairs: list = pairs) -> float:
                    return statistics.median(pair[way][what] for pair in pairs)

                line = f"{rows:>10,}{log:>8}{rows / middle('here', 'processor'):>11,.0f} /s"
                line += f"{middle('here', 'memory') / 1e6:>6.0f} MB"
                if against:
                    ratio = statistics.median(pair["pandas"]["processor"] / pair["here"]["processor"] for pair in pairs)
                    less = middle("pandas", "memory") / middle("here", "memory")
                    line += (
                        f"{rows / middle('pandas', 'processor'):>11,.0f} /s{middle('pandas', 'memory') / 1e6:>7.0f} MB"
                    )
                    line += f"{ratio:>7.2f}x{less:>8.1f}x"
                print(line, flush=True)
            queries[rows] = ask(scratch / f"clean-{power}-0-here")
    print("\nA ratio above 1 means that the library here is faster, or needs less memory.\n")
    print(f"{'DuckDB, milliseconds':50}" + "".join(f"{rows:>12,}" for rows in queries))
    for what in QUERIES:
        print(f"{what:50}" + "".join(f"{took[what]:12.1f}" for took in queries.values()))


if __name__ == "__main__":
    main()
