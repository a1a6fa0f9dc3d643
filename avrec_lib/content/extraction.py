"""Run one extractor over many media files: in parallel, cached, and never stopped by a damaged one."""

import hashlib
import inspect
import os
import stat
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types
from tqdm import tqdm

from avrec_lib import media
from avrec_lib.cache import cache_root
from avrec_lib.content.features import FeatureTable, NoFeaturesError

__all__ = ["Extraction", "extract"]

_LARGEST_VECTOR = 1 << 24  # bytes of a file in the cache
Describe = Callable[[Path], np.ndarray]


class Extraction(NamedTuple):
    """What :func:`extract` returns.

    Attributes
    ----------
    features : FeatureTable
        One row a clip, in the order of the files given; absent where nothing could be measured.
    problems : DataFrame
        ``clip_id`` and ``reason`` of each absent clip.
    """

    features: FeatureTable
    problems: pd.DataFrame


def extract(
    paths: Mapping[str, Path],
    describe: Describe,
    *,
    name: str,
    n_jobs: int = 2,
    progress: bool = True,
    cache: Path | None = None,
) -> Extraction:
    """Describe media files, one vector each.

    Vectors are kept on disk by the hash of the file's bytes and of the source of the extractor's module and of the
    reader, so that a second call decodes nothing and an edited extractor starts anew.

    Parameters
    ----------
    paths : mapping of str to Path
        The file of each clip.
    describe : callable
        From a file to a vector (d,), d the same for all. A function at the top of a module, so that other processes
        can import it.
    name : str
        Name of the modality: the name of the table.
    n_jobs : int
        Number of processes.
    progress : bool
        Whether to show a progress bar.
    cache : Path, optional
        Folder of the cache; default ``features`` in :func:`avrec_lib.cache.cache_root`.

    Returns
    -------
    Extraction
        The features and the list of problems.

    Raises
    ------
    ValueError
        If there is no file, or none at all could be described: then the fault is not in one file.
    """
    if not paths:
        raise ValueError(f"{name}: there is no file to describe")
    folder = (cache_root() / "features" if cache is None else cache) / f"{name}-{_source_hash(describe)}"
    folder.mkdir(parents=True, exist_ok=True)
    jobs = (joblib.delayed(_one)(Path(path), describe, folder) for path in paths.values())
    # The workers start only when two are worth their start-up time.
    results = joblib.Parallel(n_jobs=min(n_jobs, len(paths)), return_as="generator", batch_size="auto")(jobs)
    hidden = not progress or bool(os.environ.get("TQDM_DISABLE"))
    outcomes = list(tqdm(results, total=len(paths), desc=name, unit="clip", disable=hidden))
    vectors = [outcome for outcome in outcomes if isinstance(outcome, np.ndarray)]
    if not vectors:
        raise ValueError(f"{name}: none of {len(paths)} files could be described; the first says: {outcomes[0]}")
    ids = np.array(list(paths), dtype=object)
    present = np.array([isinstance(outcome, np.ndarray) for outcome in outcomes])
    matrix = np.full((len(ids), len(vectors[0])), np.nan, dtype=np.float32)
    matrix[present] = np.stack(vectors)
    reasons = [outcome for outcome in outcomes if isinstance(outcome, str)]
    problems = pd.DataFrame({"clip_id": ids[~present], "reason": pd.Series(reasons, dtype="str")})
    return Extraction(FeatureTable(ids, matrix, present, name), problems)


def _source_hash(describe: Describe) -> str:
    """Hash what decides a vector besides the file: the extractor's module and name, the reader, the libraries."""
    module = inspect.getmodule(describe)
    if module is None or not hasattr(describe, "__name__"):
        raise ValueError(f"{describe!r} must be a function at the top of a module, so that it can be cached and sent")
    digest = hashlib.sha256(describe.__name__.encode())
    reader = sorted(Path(inspect.getfile(media)).parent.glob("*.py"))
    for source in (Path(inspect.getfile(module)), *reader):
        digest.update(source.read_bytes())
    for library in ("numpy", "scipy", "opencv-python-headless", "av"):
        digest.update(f"{library}={version(library)}\0".encode())
    return digest.hexdigest()[:16]


def _kept(path: Path) -> np.ndarray | None:
    """Return a vector from the cache, or None where it is missing or not one that was written here."""
    if not path.is_file() or path.is_symlink() or path.stat().st_size > _LARGEST_VECTOR:
        return None
    try:
        vector = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None  # torn by a full disk
    fits = isinstance(vector, np.ndarray) and vector.dtype == np.float32 and vector.ndim == 1
    return vector if fits and np.isfinite(vector).all() else None


def _one(path: Path, describe: Describe, folder: Path) -> np.ndarray | str:
    """Describe one file, or say why not."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return "MediaError: is not a regular file"
        with path.open("rb") as file:
            kept = folder / f"{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}.npy"
    except OSError as error:
        return f"{type(error).__name__}: {error.strerror}"
    if (vector := _kept(kept)) is not None:
        return vector
    try:
        # One thread: sums in another order round otherwise, and then the number of processes would change the bytes.
        with threadpool_limits(1):
            vector = np.asarray(describe(path), dtype=np.float32)
    except media.MediaError as error:
        return f"{type(error).__name__}: {error.reason}"
    except NoFeaturesError as error:
        return f"{type(error).__name__}: {error}"
    except MemoryError:
        return "MemoryError: too large to describe"
    partial = kept.with_suffix(f".{os.getpid()}.partial.npy")
    np.save(partial, vector)
    partial.replace(kept)
    return vector
