"""The platform's log as others would hand it over: JSON lines, lines of a web server, CSV files, with faults planted.

The bad lines are put *between* the good ones, and every good line is an event of the world: a reader that sets aside
exactly the bad ones gets the world's ``events`` back, row for row.
"""

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pandas as pd

from avrec_lib.world.store import World

__all__ = ["FEED_FAULTS", "SERVER_FAULTS", "Feed", "write_csv_files", "write_event_feed", "write_server_log"]

_FEED_STREAM, _SERVER_STREAM, _CSV_STREAM = 71, 72, 73
_AGES = {"13-17": (13, 18), "18-24": (18, 25), "25-34": (25, 35), "35-49": (35, 50), "50+": (50, 80)}
_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:147.0) Gecko/20100101 Firefox/147.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 Version/19.2 Mobile Safari/604.1",
    "TidepoolTV/3.1 (living room)",
)
_ZONE = pd.Timedelta(hours=1)  # the web server keeps its own local time


@dataclass(frozen=True)
class Feed:
    """Files of a log, and what was planted in them.

    Attributes
    ----------
    folder : Path
        Where they lie.
    files : list of Path
        In the order of arrival.
    bad : DataFrame
        ``file`` (its name), ``line`` (counted from 1), ``reason`` (a key of :data:`FEED_FAULTS` or
        :data:`SERVER_FAULTS`).
    """

    folder: Path
    files: list[Path]
    bad: pd.DataFrame


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _without(record: dict[str, Any], name: str) -> bytes:
    return _json({key: value for key, value in record.items() if key != name})


FEED_FAULTS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "cut line": lambda record: _json(record)[:-19],
    "wrong type": lambda record: _json({**record, "user_id": int(record["user_id"][1:])}),
    "number in quotes": lambda record: _json({**record, "position": "3"}),
    "unknown kind": lambda record: _json({**record, "kind": "teleport"}),
    "missing user": lambda record: _without(record, "user_id"),
    "missing clip": lambda record: _without({**record, "kind": "click"}, "clip_id"),
    "time in the future": lambda record: _json({**record, "time": "2126" + record["time"][4:]}),
    "time without zone": lambda record: _json({**record, "time": record["time"].removesuffix("Z")}),
    "repeated key": lambda record: _json(record)[:-1] + b',"kind":"like"}',
    "not a number": lambda record: _json({**record, "watch_seconds": float("nan")}),
    "endless number": lambda record: (
        _json({**record, "text": 0})[:-2].replace(b'"text":', b'"watch_seconds":') + b"1e999}"
    ),
    "lone surrogate": lambda record: _without(record, "text")[:-1] + b',"text":"\\ud83d"}',
    "not an object": lambda record: _json([record["user_id"], record["time"]]),
    "empty line": lambda record: b"",
    "latin-1 bytes": lambda record: _without(record, "text")[:-1] + ',"text":"déjà vu"}'.encode("latin-1"),
    "unknown field": lambda record: _json({**record, "app_version": "3.1"}),
    "not JSON": lambda record: b"ERROR 503 upstream timed out for " + record["user_id"].encode(),
}
"""What is planted in the JSON lines: a name, and how a good record is spoiled."""

SERVER_FAULTS: dict[str, Callable[[str], bytes]] = {
    "cut line": lambda line: line[: len(line) // 2].encode(),
    "bad time": lambda line: line.replace("/2026:", "/2026:77:").encode(),
    "bad request": lambda line: line.replace(" HTTP/1.1", "").encode(),
    "binary request": lambda line: (line.partition('"')[0] + '"\\x16\\x03\\x01" 400 226 "-" "-"').encode(),
    "failed request": lambda line: line.replace('" 200 ', '" 503 ').replace('" 204 ', '" 503 ').encode(),
    "no user": lambda line: " ".join([*line.split(" ")[:2], "-", *line.split(" ")[3:]]).encode(),
    "another page": lambda line: (
        line.partition('"')[0] + '"GET /static/app.js HTTP/1.1" 200 8120 "-" "curl/8"'
    ).encode(),
    "bad value": lambda line: line.replace("sid=", "slot=ninety&sid=").replace("slot=", "slot=x", 1).encode(),
    "latin-1 bytes": lambda line: (line[:-1] + " café" + line[-1]).encode("latin-1"),
}
"""What is planted in the web server's lines."""


def _records(events: pd.DataFrame) -> list[dict[str, Any]]:
    """Turn rows into dictionaries without absent values, times as ISO 8601 in UTC."""
    moments = events["time"].dt.tz_localize(None).to_numpy("datetime64[us]")
    columns: list[list[Any]] = []
    for name in events:
        values = np.char.add(np.datetime_as_string(moments), "Z") if name == "time" else events[name]
        columns.append(pd.Series(values, dtype=object).where(pd.notna(values), None).tolist())
    names = [str(name) for name in events]
    rows = (zip(names, row, strict=True) for row in zip(*columns, strict=True))
    return [{name: value for name, value in row if value is not None} for row in rows]


def _arrival_days(events: pd.DataFrame) -> np.ndarray:
    """Tell on which day each row arrived: the server's stamps are right, and the log is in the order of arrival."""
    stamped = events["time"].where(events["kind"] == "impression").ffill().bfill().fillna(events["time"].min())
    return np.datetime_as_string(stamped.cummax().dt.tz_localize(None).to_numpy("datetime64[D]"))


def _plant(count: int, share: float, faults: dict[str, Any], rng: np.random.Generator) -> tuple[np.ndarray, list[str]]:
    """Choose after which good lines a bad one comes, and of what kind; each kind at least once."""
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"bad_share must be in [0, 1], not {share}")
    number = max(len(faults), round(share * count)) if share > 0.0 and count else 0
    kinds = [list(faults)[at % len(faults)] for at in range(number)]
    after = np.sort(rng.integers(0, max(count, 1), size=number))
    return after, [kinds[at] for at in rng.permutation(number)]


def _write(path: Path, lines: list[bytes]) -> None:
    """Write lines, gzipped if the name ends so; the same lines give the same bytes."""
    content = b"".join(line + b"\n" for line in lines)
    path.write_bytes(gzip.compress(content, 6, mtime=0) if path.suffix == ".gz" else content)


def write_event_feed(world: World, folder: str | os.PathLike[str], *, seed: int = 0, bad_share: float = 0.004) -> Feed:
    """Write the world's events as JSON lines, one file for each day of arrival, every second one gzipped.

    Parameters
    ----------
    world : World
        Whose events.
    folder : str or Path
        Where to; made if need be.
    seed : int
        Which lines are bad.
    bad_share : float
        Bad lines for each good one; if above 0, every kind of :data:`FEED_FAULTS` is there.

    Returns
    -------
    Feed
        Files, and what was planted.

    Raises
    ------
    ValueError
        If the share is not in [0, 1].
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    events = world.events
    records, days = _records(events), _arrival_days(events)
    after, kinds = _plant(len(records), bad_share, FEED_FAULTS, np.random.default_rng([seed, _FEED_STREAM]))
    names, starts = np.unique(days, return_index=True)
    files: list[Path] = []
    planted: list[tuple[str, int, str]] = []
    for number, (day, start, stop) in enumerate(zip(names, starts, [*starts[1:], len(records)], strict=True)):
        path = folder / f"events-{day}.ndjson{'.gz' if number % 2 else ''}"
        lines: list[bytes] = []
        bad = iter(range(*np.searchsorted(after, [start, stop]).tolist()))
        upcoming = next(bad, None)
        for at in range(start, stop):
            lines.append(_json(records[at]))
            while upcoming is not None and after[upcoming] == at:
                lines.append(FEED_FAULTS[kinds[upcoming]](records[at]))
                planted.append((path.name, len(lines), kinds[upcoming]))
                upcoming = next(bad, None)
        _write(path, lines)
        files.append(path)
    return Feed(folder, files, pd.DataFrame(planted, columns=["file", "line", "reason"]))


def _server_lines(events: pd.DataFrame, rng: np.random.Generator) -> list[str]:
    """Write clicks and watches as a web server does that stands in a zone one hour east of Greenwich."""
    stamps = (events["time"] + _ZONE).dt.strftime("%d/%b/%Y:%H:%M:%S +0100")
    sizes = rng.integers(3000, 9000, size=len(events))
    homes: dict[str, tuple[str, str]] = {}
    for user in events["user_id"].unique():
        homes[user] = (f"203.0.113.{rng.integers(1, 255)}", _AGENTS[rng.integers(len(_AGENTS))])
    lines = []
    columns = (events[name] for name in ("user_id", "clip_id", "kind", "session_id"))
    slots = events["position"].astype(object).where(events["position"].notna(), None)
    for user, clip, kind, session, slot, watched, stamp, size in zip(
        *columns, slots, events["watch_seconds"], stamps, sizes, strict=True
    ):
        told: dict[str, Any] = {} if slot is None else {"slot": slot}
        if kind == "click":
            query = urlencode({**told, "sid": session})
            request, answer = f"GET /clips/{clip}?{query} HTTP/1.1", f"200 {size}"
        else:
            query = urlencode({"clip": clip, "seconds": f"{watched:.3f}", **told, "sid": session})
            request, answer = f"POST /beacon/watch?{query} HTTP/1.1", "204 -"
        host, agent = homes[user]
        lines.append(f'{host} - {user} [{stamp}] "{request}" {answer} "-" "{agent}"')
    return lines


def write_server_log(world: World, path: str | os.PathLike[str], *, seed: int = 0, bad_share: float = 0.01) -> Feed:
    """Write the world's clicks and watches as lines of a web server, in the Combined Log Format.

    Parameters
    ----------
    world : World
        Whose events.
    path : str or Path
        The file; gzipped if its name ends in ``.gz``.
    seed : int
        Which lines are bad, and from where people come.
    bad_share : float
        Bad lines for each good one; if above 0, every kind of :data:`SERVER_FAULTS` is there.

    Returns
    -------
    Feed
        The file, and what was planted. Times are whole seconds of a server in the zone +0100.

    Raises
    ------
    ValueError
        If the share is not in [0, 1].
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, _SERVER_STREAM])
    events = world.events[world.events["kind"].isin(["click", "watch"])]
    good = _server_lines(events, rng)
    after, kinds = _plant(len(good), bad_share, SERVER_FAULTS, rng)
    lines: list[bytes] = []
    planted: list[tuple[str, int, str]] = []
    upcoming = 0
    for at, line in enumerate(good):
        lines.append(line.encode())
        while upcoming < len(after) and after[upcoming] == at:
            lines.append(SERVER_FAULTS[kinds[upcoming]](line))
            planted.append((path.name, len(lines), kinds[upcoming]))
            upcoming += 1
    _write(path, lines)
    return Feed(path.parent, [path], pd.DataFrame(planted, columns=["file", "line", "reason"]))


def write_csv_files(world: World, folder: str | os.PathLike[str], *, seed: int = 0) -> dict[str, Path]:
    """Write the three CSV files that introductions to recommender systems begin with.

    =================  ==========================================================================================
    file               columns
    =================  ==========================================================================================
    videos.csv         ``video_id, title, description, tags`` (with ``|``), ``creator, upload_date, duration`` (s)
    users.csv          ``user_id, age`` (years, drawn within the person's band), ``region, joined``
    interactions.csv   ``user_id, video_id, watch_time`` (s), ``liked, shared, commented`` (0 or 1), ``rating``
                       (empty if none), ``timestamp``: one row a watch, as logged, impossible ones too
    =================  ==========================================================================================

    Parameters
    ----------
    world : World
        Whose tables.
    folder : str or Path
        Where to; made if need be.
    seed : int
        Ages within the bands.

    Returns
    -------
    dict
        The files by name without suffix.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, _CSV_STREAM])
    clips, users, events = world.clips, world.users, world.events
    videos = pd.DataFrame(
        {
            "video_id": clips["clip_id"],
            **{name: clips[name] for name in ("title", "description", "tags")},
            "creator": clips["creator_id"],
            "upload_date": clips["release_time"].dt.strftime("%Y-%m-%d"),
            "duration": clips["duration_seconds"].round(3),
        }
    )
    bounds = np.asarray([_AGES[band] for band in users["age_band"]]).reshape(-1, 2)
    people = pd.DataFrame(
        {
            "user_id": users["user_id"],
            "age": rng.integers(bounds[:, 0], bounds[:, 1]),
            "region": users["region"],
            "joined": users["joined"].dt.strftime("%Y-%m-%d"),
        }
    )
    watches = events.loc[events["kind"] == "watch", ["user_id", "clip_id", "watch_seconds", "time"]]
    pairs = pd.MultiIndex.from_frame(watches[["user_id", "clip_id"]])
    interactions = pd.DataFrame(
        {
            "user_id": watches["user_id"],
            "video_id": watches["clip_id"],
            "watch_time": watches["watch_seconds"].round(3),
        }
    )
    for name, kind in {"liked": "like", "shared": "share", "commented": "comment"}.items():
        acted = pd.MultiIndex.from_frame(events.loc[events["kind"] == kind, ["user_id", "clip_id"]])
        interactions[name] = pairs.isin(acted).astype(np.int64)
    rated = events[events["kind"] == "rating"].groupby(["user_id", "clip_id"])["value"].last()
    interactions["rating"] = rated.reindex(pairs).to_numpy()
    interactions["timestamp"] = watches["time"].dt.strftime("%Y-%m-%d %H:%M:%S")
    files = {"videos": videos, "users": people, "interactions": interactions}
    paths = {name: folder / f"{name}.csv" for name in files}
    for name, table in files.items():
        table.to_csv(paths[name], index=False, encoding="utf-8", lineterminator="\n")
    return paths
