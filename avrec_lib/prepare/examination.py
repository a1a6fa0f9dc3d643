"""Decode each file once and note what later steps ask of it: its fingerprint, and what is odd about it.

Facts only; what they mean is decided in :mod:`avrec_lib.prepare.damage` and
:mod:`avrec_lib.prepare.near_duplicates`, so that another threshold needs no new decoding.
"""

import hashlib
import math
import os
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import joblib
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types
from tqdm import tqdm

from avrec_lib import media
from avrec_lib.cache import cache_root
from avrec_lib.prepare import facts as facts_of_files
from avrec_lib.prepare import fingerprints
from avrec_lib.prepare.facts import NOTHING_READ, Examination, Facts, read_examination, write_examination
from avrec_lib.prepare.fingerprints import PICTURE_FPS, Fingerprint, Fingerprints, Track, picture_track

__all__ = ["LONGEST_SECONDS", "examine", "examine_clips", "fingerprint_clips"]

LONGEST_SECONDS = 600.0
"""Longest file that is decoded: this is a platform of clips, and hours of silence fit into a hundred kilobytes."""

_SIDE, _BLOCKS = 64, 8  # pixels and blocks a side
_SOUND_RATE = 11_025
_LIMITS = media.Limits(decoded_bytes=1 << 26, gap_seconds=LONGEST_SECONDS, decode_seconds=300.0)


def examine(path: str | Path) -> Examination:
    """Decode a file and note what there is; a damaged one is no error here.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Examination
        Facts and fingerprint. Nothing is raised for any content of the file. One whose header states more than
        `LONGEST_SECONDS` is not decoded; of one that is longer than its header says, no more than that is.
    """
    path = Path(path)
    size = path.stat().st_size if path.is_file() else -1
    try:
        info = media.probe(path)
    except media.MediaError as error:
        return Examination(Facts(size_bytes=size, problem=error.reason), NOTHING_READ)
    stated = [streams[0].duration_seconds if streams else math.nan for streams in (info.video, info.audio)]
    short = not max((seconds for seconds in stated if seconds > 0), default=0.0) > LONGEST_SECONDS
    picture, seen = (
        _look(path, _frame_seconds(info.video[0].fps)) if info.video and short else (NOTHING_READ.picture, {})
    )
    sound, heard = _listen(path) if info.audio and short else (NOTHING_READ.sound, {})
    facts = Facts(
        size_bytes=size,
        container=info.container,
        picture_streams=len(info.video),
        sound_streams=len(info.audio),
        picture_stated=stated[0],
        sound_stated=stated[1],
        costly=bool(seen.pop("costly", False) | heard.pop("costly", False)),
        **seen,
        **heard,
    )
    return Examination(facts, Fingerprint(picture, sound))


def _look(path: Path, usual: float) -> tuple[Track, dict[str, Any]]:
    began = time.monotonic()
    try:
        return _pictures(path, "strict")
    except media.MediaError as error:
        problem = error.reason
    if _too_slow(began):
        return NOTHING_READ.picture, {"picture_problem": problem, "costly": True}
    try:
        track, seen = _pictures(path, "partial")
        # Half a second is too coarse to tell a cut from damage inside: damaged files, and only they, are read again.
        last = [batch.times[-1] for batch in _frames(path, size=8, errors="partial")][-1]
    except media.MediaError:
        return NOTHING_READ.picture, {"picture_problem": problem}
    return track, seen | {"picture_problem": problem, "picture_seconds": float(last) + usual}


def _frames(path: Path, **options: Any) -> Iterator[media.Frames]:
    # A second more than is allowed, so that what is too long can be told from what is just long enough.
    return media.iter_frames(path, stop=LONGEST_SECONDS + 1.0, limits=_LIMITS, **options)


def _too_slow(began: float) -> bool:
    """Tell whether a reading that failed had used up its time: then a second attempt would, too."""
    return time.monotonic() - began >= _LIMITS.decode_seconds


def _frame_seconds(fps: float) -> float:
    return 1.0 / fps if fps > 0 else 0.0  # not true of nan


def _pictures(path: Path, errors: Literal["strict", "partial"]) -> tuple[Track, dict[str, Any]]:
    tracks, contrast, change, first, reached = [NOTHING_READ.picture], 0.0, math.nan, None, 0.0
    for batch in _frames(path, fps=PICTURE_FPS, size=_SIDE, errors=errors):
        tracks.append(picture_track(batch.images))
        grey = batch.images.mean(axis=3, dtype=np.float32)
        # The noise of a codec cancels in the mean of a block, and what moves through it does not.
        blocks = grey.reshape(-1, _BLOCKS, _SIDE // _BLOCKS, _BLOCKS, _SIDE // _BLOCKS).mean(axis=(2, 4))
        contrast = max(contrast, float(grey.std(axis=(1, 2)).max()))
        if first is None:
            first, blocks = blocks[:1], blocks[1:]
        if len(blocks):
            change = float(np.fmax(change, np.abs(blocks - first).max()))
        reached = float(batch.times[-1]) + 1.0 / PICTURE_FPS
    words = np.concatenate([track.words for track in tracks])
    valid = np.concatenate([track.valid for track in tracks])
    return Track(words, valid), {"contrast": contrast, "change": change, "picture_seconds": reached}


def _listen(path: Path) -> tuple[Track, dict[str, Any]]:
    problem, began = "", time.monotonic()
    options: dict[str, Any] = {"sample_rate": _SOUND_RATE, "stop": LONGEST_SECONDS + 1.0, "limits": _LIMITS}
    try:
        sound = media.read_sound(path, **options)
    except media.MediaError as error:
        problem = error.reason
        if _too_slow(began):
            return NOTHING_READ.sound, {"sound_problem": problem, "costly": True}
        try:
            sound = media.read_sound(path, errors="partial", **options)
        except media.MediaError:
            return NOTHING_READ.sound, {"sound_problem": problem}
    heard = {"peak": float(np.abs(sound.samples).max()), "sound_seconds": len(sound.samples) / sound.sample_rate}
    return fingerprints.sound_fingerprint(sound), heard | {"sound_problem": problem}


def examine_clips(
    paths: Mapping[str, Path], *, n_jobs: int = 2, progress: bool = True, cache: Path | None = None
) -> dict[str, Examination]:
    """Examine many files, several at a time, each once: results are kept by the hash of the file's bytes.

    Parameters
    ----------
    paths : mapping of str to Path
        The file of each clip.
    n_jobs : int
        Number of processes.
    progress : bool
        Whether to show a bar.
    cache : Path, optional
        Folder of the cache; default ``examined`` in :func:`avrec_lib.cache.cache_root`.

    Returns
    -------
    dict of str to Examination
        In the order given.
    """
    folder = (cache_root() / "examined" if cache is None else Path(cache)) / _version()
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Examination] = {}
    absent: dict[str, tuple[Path, Path | None]] = {}
    for clip_id, path in paths.items():  # what is kept needs no other process, which takes seconds to start
        kept = _place(Path(path), folder)
        known = kept if isinstance(kept, Examination) else read_examination(kept) if kept else None
        if known is None:
            assert not isinstance(kept, Examination)
            absent[clip_id] = Path(path), kept
        else:
            found[clip_id] = known
    jobs = (joblib.delayed(_examine_and_keep)(*one) for one in absent.values())
    results = joblib.Parallel(n_jobs=max(1, min(n_jobs, len(absent))), return_as="generator", batch_size="auto")(jobs)
    hidden = not progress or not absent or bool(os.environ.get("TQDM_DISABLE"))
    found |= zip(absent, tqdm(results, total=len(absent), desc="examined", unit="clip", disable=hidden), strict=True)
    return {clip_id: found[clip_id] for clip_id in paths}


def fingerprint_clips(
    paths: Mapping[str, Path], *, n_jobs: int = 2, progress: bool = True, cache: Path | None = None
) -> Fingerprints:
    """Fingerprint many files; see :func:`examine_clips`, whose cache it shares.

    Parameters
    ----------
    paths, n_jobs, progress, cache
        As there.

    Returns
    -------
    Fingerprints
        One row a clip, in the order given; a file that cannot be read has empty tracks.
    """
    examined = examine_clips(paths, n_jobs=n_jobs, progress=progress, cache=cache)
    return Fingerprints.of(list(paths), [one.fingerprint for one in examined.values()])


def _version() -> str:
    """Hash what decides a result besides the file: the sources of this step and of the reader, and the libraries."""
    digest = hashlib.sha256()
    own = [Path(name or "") for name in (__file__, facts_of_files.__file__, fingerprints.__file__)]
    for source in (*own, *sorted(Path(media.__file__ or "").parent.glob("*.py"))):
        digest.update(source.read_bytes())
    for library in ("numpy", "scipy", "av"):
        digest.update(f"{library}={version(library)}\0".encode())
    return digest.hexdigest()[:16]


def _place(path: Path, folder: Path) -> Path | Examination | None:
    """Return where a file's result is kept; the result itself if it cannot be opened, None if it is no file."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return folder / f"{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}.msgpack"
    except OSError as error:
        return Examination(Facts(problem=f"cannot be opened: {error.strerror}"), NOTHING_READ)


def _examine_and_keep(path: Path, kept: Path | None) -> Examination:
    # One thread: several processes share the machine.
    with threadpool_limits(1):
        found = examine(path)
    if kept is not None and not found.facts.costly:  # what was costly may come out otherwise on an idle machine
        write_examination(found, kept)
    return found
