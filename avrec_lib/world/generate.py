"""Make a world: its tables, its media, and last of all the manifest that says it is whole."""

import hashlib
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from avrec_lib.tables import check
from avrec_lib.world.behaviour import simulate_log
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.dirt_events import plant_event_dirt
from avrec_lib.world.dirt_media import MediaPlan, copy_text, plan_media, soil_text
from avrec_lib.world.meter import Meter
from avrec_lib.world.people import START, sample_people
from avrec_lib.world.profiles import Profile
from avrec_lib.world.render import Job, plan_jobs, read_record, render_all
from avrec_lib.world.store import generator_version
from avrec_lib.world.tastes import Tastes
from avrec_lib.world.text import write_text

__all__ = ["generate", "make_tables"]

_SCALARS = ("tempo_bpm", "direction_degrees", "speed_pixels_per_second")
_LISTS = {"f0_hz": np.float32, "onset_times": np.float64, "palette": np.uint8, "cut_times": np.float64}


def make_tables(profile: Profile, seed: int) -> tuple[dict[str, pd.DataFrame], Tastes, MediaPlan]:
    """Draw everything but the media.

    Parameters
    ----------
    profile : Profile
        Size of the world.
    seed : int
        Its seed.

    Returns
    -------
    tables : dict of str to DataFrame
        ``clips``, ``users``, ``events``, ``friends``, ``dirt``, and ``text`` (with the titles' language).
    tastes : Tastes
        What people like.
    plan : MediaPlan
        What files are to be made.
    """
    plan = plan_media(sample_catalogue(profile.clips, seed=seed, n_creators=profile.creators), seed=seed)
    catalogue = plan.catalogue
    clean = write_text(catalogue[plan.original < 0], seed=seed)
    text = soil_text(copy_text(clean, plan.original, seed=seed), catalogue["clip_id"], plan.dirt)
    microseconds = np.rint(catalogue["release_day"].to_numpy() * 86_400e6).astype(np.int64)
    clips = pd.DataFrame(
        {
            "clip_id": catalogue["clip_id"].astype(str),
            **{name: text[name] for name in ("title", "description", "tags", "transcript")},
            "creator_id": catalogue["creator_id"].astype(str),
            "release_time": (START + pd.to_timedelta(microseconds, unit="us")).as_unit("us"),
            "duration_seconds": catalogue["duration_seconds"],
            "path": pd.Series(plan.paths, dtype=str),
        }
    )
    people = sample_people(profile.people, seed=seed)
    events = simulate_log(people, catalogue, seed=seed, days=profile.days)
    events, users, log_dirt = plant_event_dirt(events, people.users, seed=seed)
    dirt = pd.concat([plan.dirt, log_dirt], ignore_index=True).astype(str)
    tables = {"clips": clips, "users": users, "events": events}
    for name, table in tables.items():
        check(table, name)
    return tables | {"friends": people.friends, "dirt": dirt, "text": text}, people.tastes, plan


def _put(folder: Path, name: str, content: bytes) -> None:
    """Write a file so that it appears under its name only when it is whole."""
    unfinished = folder / f".{name}.unfinished"
    unfinished.write_bytes(content)
    unfinished.replace(folder / name)


def _parquet(table: pd.DataFrame) -> bytes:
    stored = io.BytesIO()
    table.to_parquet(stored, index=False, compression="zstd")
    return stored.getvalue()


def _clip_truth(plan: MediaPlan, language: pd.Series, jobs: list[Job], folder: Path) -> pd.DataFrame:
    """Join the catalogue with what the records say of each file."""
    records = []
    for job in jobs:
        record = read_record(folder / "records" / f"{job.clip_id}.npz")
        if record is None:
            raise RuntimeError(f"clip {job.clip_id}: its record vanished from {folder}; call again to make it anew")
        records.append(record)
    table = plan.catalogue.assign(language=language)
    table["key"] = [str(record["key"]) or None for record in records]
    for name in _SCALARS:
        table[name] = [float(record[name]) for record in records]
    for name, kind in _LISTS.items():
        table[name] = pd.Series([np.asarray(record[name], dtype=kind).ravel() for record in records], dtype=object)
    return table


def generate(
    profile: Profile, seed: int, folder: Path, *, workers: int | None = None, progress: bool = True
) -> dict[str, Any]:
    """Make a world in a folder, or what is missing of it.

    Parameters
    ----------
    profile : Profile
        Size of the world.
    seed : int
        Its seed.
    folder : Path
        Where to put it. Media that lie there whole are kept.
    workers : int, optional
        Processes that make media; by default one a core.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    dict
        The manifest, as written to ``manifest.json``.
    """
    target = folder / "tables"
    target.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    with Meter() as whole:
        with Meter() as tabling:
            tables, tastes, plan = make_tables(profile, seed)
            stored = io.BytesIO()
            np.savez_compressed(stored, **tastes.to_arrays())  # type: ignore[arg-type]  # names, not options
            _put(target, "tastes.npz", stored.getvalue())
            for name in ("clips", "users", "events", "friends", "dirt"):
                _put(target, f"{name}.parquet", _parquet(tables[name]))
        jobs = plan_jobs(plan)
        with Meter() as rendering:
            counts = render_all(jobs, folder, workers=workers, progress=progress)
        _put(target, "clip_truth.parquet", _parquet(_clip_truth(plan, tables["text"]["language"], jobs, folder)))
        files = _files(folder, jobs)
    manifest = {
        "profile": asdict(profile),
        "seed": seed,
        "version": generator_version(),
        "seconds": {
            "tables": round(tabling.seconds, 2),
            "media": round(rendering.seconds, 2),
            "total": round(whole.seconds, 2),
        },
        "peak_memory_bytes": whole.peak_memory_bytes,
        "bytes": sum(file["bytes"] for file in files.values()),
        **counts,
        "files": files,
    }
    _put(folder, "manifest.json", json.dumps(manifest, indent=1).encode())
    return manifest


def _files(folder: Path, jobs: list[Job]) -> dict[str, dict[str, Any]]:
    """List every file with its size and hash."""
    files: dict[str, dict[str, Any]] = {}
    for path in sorted((folder / "tables").glob("[!.]*")):
        content = path.read_bytes()
        files[f"tables/{path.name}"] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    for job in jobs:
        record = read_record(folder / "records" / f"{job.clip_id}.npz")
        assert record is not None  # read a moment ago
        files[f"media/{job.path}"] = {"bytes": int(record["bytes"]), "sha256": str(record["sha256"])}
    return files
