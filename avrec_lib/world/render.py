"""Make the media files: several at a time, each appearing under its name only when it is whole.

With each file goes a record of what is true of it; a file that has its record and the size that the record
states is not made again, so that a run that was killed goes on where it stopped.
"""

import errno
import hashlib
import io
import os
import shutil
import sys
import threading
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import joblib
import numpy as np
from joblib.externals.loky import get_reusable_executor
from tqdm import tqdm

from avrec_lib.media import MediaError, write_clip
from avrec_lib.world.catalogue import ClipSpec, clip_specs
from avrec_lib.world.copies import alter
from avrec_lib.world.dirt_media import FILE_FAULTS, MediaPlan, read_detail
from avrec_lib.world.picture import FPS, render_picture
from avrec_lib.world.sound import SAMPLE_RATE, render_sound

__all__ = ["Job", "Record", "plan_jobs", "read_record", "render_all", "render_one"]

_TRUE_OF_SOUND = ("tempo_bpm", "key", "f0_hz", "onset_times")
_TRUE_OF_PICTURE = ("palette", "direction_degrees", "speed_pixels_per_second", "cut_times")
_MOST_WORKERS = 8  # each holds about 200 MB

Record = dict[str, np.ndarray]
"""What is true of one file: ``sha256``, ``bytes`` and the fields of its sound's and picture's truth."""


@dataclass(frozen=True)
class Job:
    """One file to make.

    Attributes
    ----------
    spec : ClipSpec
        What to draw and play; a copy has all attributes of its original.
    clip_id : str
        Whose file it is.
    path : str
        Name of the file inside the media folder.
    form : str
        How a copy differs from its original; empty for an original.
    amount : float
        How much it does, see :func:`avrec_lib.world.copies.alter`; the rate factor of a re-encoding.
    fault : str
        One of ``FILE_FAULTS``, or empty.
    keep : float
        Share of the bytes that a truncated file keeps.
    holds : str
        The true container, as an extension without dot.
    """

    spec: ClipSpec
    clip_id: str
    path: str
    form: str = ""
    amount: float = 0.0
    fault: str = ""
    keep: float = 1.0
    holds: str = "mp4"


def plan_jobs(plan: MediaPlan) -> list[Job]:
    """Turn a plan into one job a clip.

    Parameters
    ----------
    plan : MediaPlan
        As :func:`avrec_lib.world.dirt_media.plan_media` returns it.

    Returns
    -------
    list of Job
        In the order of the catalogue.
    """
    changes: dict[str, dict[str, Any]] = {}
    for kind, clip, detail in plan.dirt[["kind", "id", "detail"]].itertuples(index=False):
        about = read_detail(detail)
        if kind == "near-duplicate":
            amount = next(float(about[name]) for name in ("crf", "keep", "semitones", "fade_seconds") if name in about)
            changes[clip] = {"form": about["form"], "amount": amount}
        elif kind in FILE_FAULTS:
            changes[clip] = {"fault": kind, "keep": float(about.get("keep", 1)), "holds": about.get("holds", "mp4")}
    return [
        Job(spec, spec.clip_id, str(path), **changes.get(spec.clip_id, {}))
        for spec, path in zip(clip_specs(plan.catalogue), plan.paths, strict=True)
    ]


def read_record(path: Path) -> Record | None:
    """Read what is true of a file.

    Parameters
    ----------
    path : Path
        The record.

    Returns
    -------
    Record or None
        None if there is no record or it is damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _record_path(folder: Path, job: Job) -> Path:
    return folder / "records" / f"{job.clip_id}.npz"


def _is_done(folder: Path, job: Job) -> bool:
    """Tell whether a file is there as its record says."""
    record = read_record(_record_path(folder, job))
    media = folder / "media" / job.path
    return record is not None and media.is_file() and media.stat().st_size == int(record["bytes"])


@cache
def _watch_parent(parent: int) -> None:
    """End this worker soon after its parent has been killed, which no signal tells it."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _encode(job: Job, path: Path) -> Record:
    """Draw, play and write one clip; return what is true of it."""
    frames, picture = render_picture(job.spec)
    samples, sound = render_sound(job.spec)
    if job.form:
        frames, samples, picture, sound = alter((frames, samples, picture, sound), job.form, job.amount)
    if job.fault == "silent-sound":
        samples = np.zeros_like(samples)
    poorly = {"crf": int(job.amount), "bit_rate": 32_000} if job.form == "re-encoded" else {}
    write_clip(
        path,
        frames=None if job.fault == "missing-picture" else frames,
        sound=None if job.fault == "missing-sound" else samples,
        fps=FPS,
        sample_rate=SAMPLE_RATE,
        **poorly,
    )
    true = {name: getattr(sound, name) for name in _TRUE_OF_SOUND}
    true |= {name: getattr(picture, name) for name in _TRUE_OF_PICTURE}
    return {name: np.asarray("" if value is None else value) for name, value in true.items()}


def render_one(job: Job, folder: Path, *, parent: int | None = None) -> str:
    """Make one file and its record.

    Parameters
    ----------
    job : Job
        What to make.
    folder : Path
        The world's folder, which holds ``media``, ``records`` and ``unfinished``.
    parent : int, optional
        Process that this worker must not outlive.

    Returns
    -------
    str
        The clip's identifier.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    if parent is not None:
        _watch_parent(parent)
        cv2.setNumThreads(1)
    unfinished = folder / "unfinished" / f"{job.clip_id}-{os.getpid()}.{job.holds}"
    try:
        record = _encode(job, unfinished)
        content = unfinished.read_bytes()
        if job.fault == "truncated":
            content = content[: round(job.keep * len(content))]
            unfinished.write_bytes(content)
        record |= {"sha256": np.asarray(hashlib.sha256(content).hexdigest()), "bytes": np.asarray(len(content))}
        stored = io.BytesIO()
        np.savez_compressed(stored, **record)  # type: ignore[arg-type]  # the stubs take the names for options
        note = unfinished.with_suffix(".npz")
        note.write_bytes(stored.getvalue())
        note.replace(_record_path(folder, job))
        # The record first: a file under its final name always has one.
        unfinished.replace(folder / "media" / job.path)
    except MediaError as error:
        # The cause does not survive the way back from a worker: say it here.
        number = getattr(error.__cause__, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT):
            raise OSError(number, os.strerror(number), str(folder)) from error
        raise
    return job.clip_id


def render_all(
    jobs: Sequence[Job], folder: Path, *, workers: int | None = None, progress: bool = True
) -> dict[str, int]:
    """Make all files that are not there yet.

    Parameters
    ----------
    jobs : sequence of Job
        What to make.
    folder : Path
        The world's folder.
    workers : int, optional
        Processes; by default one a core, at most eight.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    dict
        ``rendered`` and ``kept`` (numbers of files) and ``workers``.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    shutil.rmtree(folder / "unfinished", ignore_errors=True)
    for name in ("media", "records", "unfinished"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    due = [job for job in jobs if not _is_done(folder, job)]
    workers = max(1, min(workers or min(joblib.cpu_count(), _MOST_WORKERS), len(due)))
    done = _run(due, folder, workers)
    pause = 0.2 if sys.stderr.isatty() else 10.0  # a log file wants signs of life, not a film
    bar = tqdm(
        done,
        total=len(jobs),
        initial=len(jobs) - len(due),
        desc="clips",
        unit="clip",
        disable=not progress or bool(os.environ.get("TQDM_DISABLE")),
        mininterval=pause,
        maxinterval=pause,
    )
    for _ in bar:
        pass
    if workers > 1:
        # Idle workers would keep their memory for minutes.
        get_reusable_executor().shutdown(wait=True)
    shutil.rmtree(folder / "unfinished", ignore_errors=True)
    return {"rendered": len(due), "kept": len(jobs) - len(due), "workers": workers}


def _run(jobs: Sequence[Job], folder: Path, workers: int) -> Iterable[str]:
    if workers == 1:
        return (render_one(job, folder) for job in jobs)
    pool = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
    return pool(joblib.delayed(render_one)(job, folder, parent=os.getpid()) for job in jobs)
