"""Decode each file once and note what later steps ask of it: its fingerprint, and what is odd about it.

Facts only; what they mean is decided in :mod:`avrec_lib.prepare.damage` and
:mod:`avrec_lib.prepare.near_duplicates`, so that another threshold needs no new decoding.
"""

import hashlib
import math
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import joblib
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types
from tqdm import tqdm

from avrec_lib import media
from avrec_lib.cache import cache_root
from avrec_lib.prepare import fingerprints
from avrec_lib.prepare.fingerprints import PICTURE_FPS, Fingerprint, Fingerprints, Track, picture_track

__all__ = ["Examination", "Facts", "examine", "examine_clips", "fingerprint_clips"]

_SIDE, _BLOCKS = 64, 8  # pixels and blocks a side
_SOUND_RATE = 11_025
_LARGEST = 1 << 26  # bytes of a file in the cache

_NO_WORDS = Fingerprint(
    Track(np.empty(0, np.uint64), np.empty(0, np.bool_)), Track(np.empty(0, np.uint32), np.empty(0, np.bool_))
)


@dataclass(frozen=True)
class Facts:
    """What was seen of a file; seconds are nan where unknown.

    Attributes
    ----------
    size_bytes : int
        Length of the file, -1 if there is none.
    container : str
        FFmpeg's name of the format found in the bytes; empty if the file cannot be opened.
    problem : str
        Why the file cannot be opened; empty if it can.
    picture_streams, sound_streams : int
        How many there are.
    picture_problem, sound_problem : str
        Why a stream could not be decoded to its end; empty if it could or if there is none.
    picture_stated, sound_stated : float
        Length of the streams by the header.
    picture_seconds, sound_seconds : float
        How far each could be decoded; 0 if not at all.
    contrast : float
        Largest standard deviation of grey within a picture, levels of 255.
    change : float
        Largest difference of grey between an eighth by an eighth of a picture and of the first one, levels of 255; nan
        where there is only one.
    peak : float
        Largest amplitude of the sound, full scale at 1.
    """

    size_bytes: int = -1
    container: str = ""
    problem: str = ""
    picture_streams: int = 0
    sound_streams: int = 0
    picture_problem: str = ""
    sound_problem: str = ""
    picture_stated: float = math.nan
    sound_stated: float = math.nan
    picture_seconds: float = 0.0
    sound_seconds: float = 0.0
    contrast: float = 0.0
    change: float = math.nan
    peak: float = 0.0


@dataclass(frozen=True)
class Examination:
    """Facts and fingerprint of one file.

    Attributes
    ----------
    facts : Facts
        What was seen.
    fingerprint : Fingerprint
        Of what could be decoded.
    """

    facts: Facts
    fingerprint: Fingerprint


def examine(path: str | Path) -> Examination:
    """Decode a file and note what there is; a damaged one is no error here.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Examination
        Facts and fingerprint. Nothing is raised for any content of the file.
    """
    path = Path(path)
    size = path.stat().st_size if path.is_file() else -1
    try:
        info = media.probe(path)
    except media.MediaError as error:
        return Examination(Facts(size_bytes=size, problem=error.reason), _NO_WORDS)
    picture, seen = _look(path, _frame_seconds(info.video[0].fps)) if info.video else (_NO_WORDS.picture, {})
    sound, heard = _listen(path) if info.audio else (_NO_WORDS.sound, {})
    facts = Facts(
        size_bytes=size,
        container=info.container,
        picture_streams=len(info.video),
        sound_streams=len(info.audio),
        picture_stated=info.video[0].duration_seconds if info.video else math.nan,
        sound_stated=info.audio[0].duration_seconds if info.audio else math.nan,
        **seen,
        **heard,
    )
    return Examination(facts, Fingerprint(picture, sound))


def _look(path: Path, usual: float) -> tuple[Track, dict[str, Any]]:
    try:
        return _pictures(path, "strict")
    except media.MediaError as error:
        problem = error.reason
    try:
        track, seen = _pictures(path, "partial")
        # Half a second is too coarse to tell a cut from damage inside: damaged files, and only they, are read again.
        last = [batch.times[-1] for batch in media.iter_frames(path, size=8, errors="partial")][-1]
    except media.MediaError:
        return _NO_WORDS.picture, {"picture_problem": problem}
    return track, seen | {"picture_problem": problem, "picture_seconds": float(last) + usual}


def _frame_seconds(fps: float) -> float:
    return 1.0 / fps if fps > 0 else 0.0  # not true of nan


def _pictures(path: Path, errors: Literal["strict", "partial"]) -> tuple[Track, dict[str, Any]]:
    tracks, contrast, change, first, reached = [_NO_WORDS.picture], 0.0, math.nan, None, 0.0
    for batch in media.iter_frames(path, fps=PICTURE_FPS, size=_SIDE, errors=errors):
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
    problem = ""
    try:
        sound = media.read_sound(path, sample_rate=_SOUND_RATE)
    except media.MediaError as error:
        problem = error.reason
        try:
            sound = media.read_sound(path, sample_rate=_SOUND_RATE, errors="partial")
        except media.MediaError:
            return _NO_WORDS.sound, {"sound_problem": problem}
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
    jobs = (joblib.delayed(_one)(Path(path), folder) for path in paths.values())
    # The workers start only when two are worth their start-up time.
    results = joblib.Parallel(n_jobs=max(1, min(n_jobs, len(paths))), return_as="generator", batch_size="auto")(jobs)
    hidden = not progress or bool(os.environ.get("TQDM_DISABLE"))
    bar = tqdm(results, total=len(paths), desc="examined", unit="clip", disable=hidden)
    return dict(zip(paths, bar, strict=True))


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
    sources = sorted(Path(media.__file__ or "").parent.glob("*.py"))
    for source in (Path(__file__), Path(fingerprints.__file__ or ""), *sources):
        digest.update(source.read_bytes())
    for library in ("numpy", "scipy", "av"):
        digest.update(f"{library}={version(library)}\0".encode())
    return digest.hexdigest()[:16]


def _one(path: Path, folder: Path) -> Examination:
    """Examine one file, or find it in the cache."""
    if not path.is_file():
        return examine(path)
    try:
        with path.open("rb") as file:
            kept = folder / f"{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}.npz"
    except OSError as error:
        return Examination(Facts(problem=f"cannot be opened: {error.strerror}"), _NO_WORDS)
    if (known := _kept(kept)) is not None:
        return known
    # One thread: several processes share the machine.
    with threadpool_limits(1):
        found = examine(path)
    words = {
        f"{name}_{part}": array
        for name, track in vars(found.fingerprint).items()
        for part, array in vars(track).items()
    }
    partial = kept.with_suffix(f".{os.getpid()}.partial")
    with partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **asdict(found.facts), **words)
    partial.replace(kept)
    return found


def _kept(path: Path) -> Examination | None:
    """Return a result from the cache, or None where it is missing or not one that was written here."""
    if not path.is_file() or path.is_symlink() or path.stat().st_size > _LARGEST:
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            facts = Facts(**{field.name: kept[field.name].item() for field in fields(Facts)})
            picture, sound = (Track(kept[f"{name}_words"], kept[f"{name}_valid"]) for name in ("picture", "sound"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # torn by a full disk
    return Examination(facts, Fingerprint(picture, sound))
