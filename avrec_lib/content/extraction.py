"""Describe many clips by several extractors: in parallel, kept on disk, and never stopped by a damaged file."""

import hashlib
import os
import re
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import pandas as pd
from tqdm import tqdm

from avrec_lib.content.extractor import Extractor
from avrec_lib.content.feature_cache import FeatureCache, forget
from avrec_lib.content.features import FeatureTable
from avrec_lib.content.tasks import Failure, FileTask, Outcome, Signature, Task, TextTask, signed_hash
from avrec_lib.content.workers import run_tasks

__all__ = ["Catalogue", "Extraction", "Source", "Texts", "UnexpectedErrorWarning", "extract"]

_FLUSH_SECONDS = 5.0
_PATIENCE_SECONDS = 0.5  # reading that is done sooner shows no bar
_TEXTS_AT_ONCE = 64
_BLANK = Failure("NoFeaturesError: nothing is written about it")


@runtime_checkable
class Catalogue(Protocol):
    """What has clips and their files, such as a :class:`~avrec_lib.world.World`."""

    @property
    def clips(self) -> pd.DataFrame:
        """One row a clip, per the ``clips`` schema."""

    def media(self, clip_id: str) -> Path:
        """Return the file of a clip."""


Source: TypeAlias = Catalogue | Mapping[Any, Path | str] | None
Texts: TypeAlias = pd.DataFrame | pd.Series | Mapping[Any, str] | None


class UnexpectedErrorWarning(UserWarning):
    """An extractor failed on some clips in a way that no damaged file explains."""


class Extraction(NamedTuple):
    """What :func:`extract` returns of each extractor.

    Attributes
    ----------
    features : FeatureTable
        One row a clip, in the order given; absent where nothing could be measured.
    problems : DataFrame
        ``clip_id`` and ``reason`` of each absent clip.
    """

    features: FeatureTable
    problems: pd.DataFrame


def extract(
    source: Source,
    extractors: Extractor | Sequence[Extractor] | Mapping[str, Extractor],
    *,
    texts: Texts = None,
    n_jobs: int = 2,
    progress: bool = True,
    cache: Path | None = None,
    memory_bytes: int = 2 << 30,
) -> dict[str, Extraction]:
    """Describe clips, one vector each by each extractor.

    Each file is hashed once and then described by all extractors that do not know its bytes yet; two clips with the
    same bytes are described once. Descriptions are kept on disk by that hash and the extractor's
    :attr:`~avrec_lib.content.extractor.Extractor.version`, every few seconds, so that an interrupted call goes on
    where it stopped, and a second call decodes nothing.

    Parameters
    ----------
    source : World, mapping of id to Path, or None
        A world or another :class:`Catalogue`, or the file of each clip; None where only texts are read.
    extractors : Extractor, sequence or mapping of Extractor
        Each with a name of its own; in a mapping, what its results are called, whatever its name. The tables keep the
        extractors' names.
    texts : DataFrame, Series or mapping of id to str, optional
        What is written about the clips: a table per the ``clips`` schema, or plain texts by id. Default the table of
        the world.
    n_jobs : int
        Number of processes; -1 is one a core. With 1 the work is done in this process; with more, a file that makes
        a process die is listed as a problem like any other. A few texts are read in this process in any case, if the
        library's own function reads them.
    progress : bool
        Whether to show progress bars: one while the files are read for their hashes, if that takes more than a
        moment, and one while something is described.
    cache : Path, optional
        Folder of the cache, to which only this user may write; default ``features`` in
        :func:`avrec_lib.cache.cache_root`.
    memory_bytes : int
        What each process may allocate where ``n_jobs`` is not 1; what needs more is a problem.

    Returns
    -------
    dict of str to Extraction
        By the extractor's name or the mapping's key, in the order given: the features and the list of problems.

    Raises
    ------
    ValueError
        If there is no clip, an id repeats or is neither text nor a whole number, names repeat, what an extractor reads
        is not given or belongs to other clips, an extractor's module was edited and not loaded anew, or none at all
        of the clips could be described although some hold something to measure: then the fault is not in one file.
        Where all clips lack what is measured, such as sound, the table has absent rows only.
    PermissionError
        If others may write to the cache.
    OSError
        If the cache cannot be written, such as on a full disk; what else could be kept is kept.

    Warns
    -----
    UnexpectedErrorWarning
        If an extractor raised what it should not; the clips are among the problems, and are tried again next time.
    DamagedCacheWarning
        If a file of the cache is damaged; what it held is described anew.
    """
    called = _checked(extractors)
    chosen = list({_identity(one): one for one in called.values()}.values())
    jobs = len(os.sched_getaffinity(0)) if n_jobs == -1 and hasattr(os, "sched_getaffinity") else n_jobs
    if jobs < 1:
        raise ValueError(f"n_jobs is 1 or more, or -1 for one a core, not {n_jobs}")
    ids, paths, words = _inputs(source, texts, chosen)
    hidden = not progress or bool(os.environ.get("TQDM_DISABLE"))
    caches = {_identity(one): FeatureCache(one, cache) for one in chosen}
    keyed: dict[str, list[_Keyed]] = {}
    if paths is not None:
        keyed["media"] = _hashed(paths, jobs, hidden)
    if words is not None:
        keyed["text"] = [_text_key(text) for text in words]
    few, many = _text_tasks(chosen, caches, keyed, words)
    tasks = [*many, *_file_tasks(chosen, caches, keyed, paths)]
    working = run_tasks(tasks, n_jobs=jobs, memory_bytes=memory_bytes, here=few)
    passing = _kept(working, [*few, *tasks], caches, ", ".join(called), hidden) if few or tasks else {}
    forget(cache)
    return {
        name: _collected(name, one, ids, [_outcome(one, key, caches, passing) for key in keyed[one.reads]])
        for name, one in called.items()
    }


_Keyed: TypeAlias = tuple[str, Signature | None] | Failure
_Identity: TypeAlias = tuple[str, str]
_Caches: TypeAlias = dict[_Identity, FeatureCache]
_Passing: TypeAlias = dict[tuple[_Identity, str], Failure]


def _identity(one: Extractor) -> _Identity:
    return one.name, one.version


def _checked(extractors: Extractor | Sequence[Extractor] | Mapping[str, Extractor]) -> dict[str, Extractor]:
    """Return the extractors by what their results are called."""
    given = extractors.values() if isinstance(extractors, Mapping) else extractors
    chosen = [given] if isinstance(given, Extractor) or not isinstance(given, Iterable) else list(given)
    strange = [one for one in chosen if not isinstance(one, Extractor)]
    if strange or not chosen:
        what = f"not {strange[0]!r}" if strange else "but there is none"
        raise ValueError(f"extractors are of class avrec_lib.content.extractor.Extractor, {what}")
    names = list(extractors) if isinstance(extractors, Mapping) else [one.name for one in chosen]
    if unnamed := [name for name in names if not isinstance(name, str)]:
        raise ValueError(f"what an extractor's results are called is text, not {unnamed[0]!r}")
    if len(set(names)) < len(names):
        raise ValueError(f"two extractors have the same name: {', '.join(names)}")
    for one in chosen:
        one.check_current()
    return dict(zip(names, chosen, strict=True))


def _inputs(
    source: Source, texts: Texts, extractors: list[Extractor]
) -> tuple[np.ndarray, list[Path] | None, list[str] | None]:
    """Return ids, and by id the files and the texts, where an extractor reads them."""
    label = ", ".join(one.name for one in extractors)
    if isinstance(source, Catalogue):
        texts = source.clips if texts is None else texts
        clip_ids = source.clips["clip_id"].tolist()
        source = dict(zip(_unique(clip_ids), map(source.media, clip_ids), strict=True))
    written = _by_id(texts) if any(one.reads == "text" for one in extractors) else None
    if source is None and any(one.reads == "media" for one in extractors):
        raise ValueError(f"{label}: files are read, so source must be a World or a mapping of id to path")
    keys = list(source if source is not None else written or {})
    if not keys:
        raise ValueError(f"{label}: there is no clip to describe")
    _check_ids(keys)
    if written and not any(key in written for key in keys):
        first = next(iter(written))
        raise ValueError(f"{label}: the texts are those of other clips: such as {first!r}, where a clip is {keys[0]!r}")
    ids = np.array(keys) if all(isinstance(key, (int, np.integer)) for key in keys) else np.array(keys, dtype=object)
    paths = None if source is None else [Path(path) for path in source.values()]
    return ids, paths, None if written is None else [written.get(key, "") for key in keys]


def _by_id(texts: Texts) -> dict[Any, str]:
    if texts is None:
        raise ValueError("an extractor reads text, so texts= must be given: the table of clips, or texts by id")
    if isinstance(texts, pd.DataFrame):
        # Imported late: who describes files alone needs no tools for text.
        from avrec_lib.content.text import document

        texts = document(texts)
    if isinstance(texts, pd.Series):
        texts = dict(zip(_unique(texts.index.tolist()), texts.tolist(), strict=True))
    return {key: text if isinstance(text, str) else "" for key, text in texts.items()}


def _unique(ids: list[Any]) -> list[Any]:
    repeated = pd.Index(ids, dtype=object).duplicated()
    if repeated.any():
        raise ValueError(f"id {ids[int(repeated.argmax())]!r} occurs more than once")
    return ids


def _check_ids(ids: list[Any]) -> None:
    """Refuse before the work what no table could hold after it."""
    for one in ids:
        if not isinstance(one, (str, int, np.integer)) or isinstance(one, bool):
            raise ValueError(f"an id is text or a whole number, not {one!r}")
        if isinstance(one, str) and not one.isascii():
            try:
                one.encode()
            except UnicodeEncodeError as error:
                raise ValueError(f"the id {one!r} holds half of a character, which no file can: {error}") from error


def _hashed(paths: list[Path], jobs: int, hidden: bool) -> list[_Keyed]:
    """Hash files, and show how many bytes of them are read."""
    lock = threading.Lock()
    with tqdm(
        desc="reading files",
        total=sum(map(_size, paths)),
        unit="B",
        unit_scale=True,
        delay=_PATIENCE_SECONDS,
        leave=False,
        disable=hidden,
    ) as bar:

        def advance(count: int) -> None:
            with lock:
                bar.update(count)

        with ThreadPoolExecutor(jobs) as pool:
            return list(pool.map(partial(signed_hash, advance=advance), paths))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0  # it will be said why


def _text_key(text: str) -> _Keyed:
    if not re.search(r"\w", text):
        return _BLANK
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), None


def _file_tasks(
    extractors: list[Extractor],
    caches: _Caches,
    keyed: dict[str, list[_Keyed]],
    paths: list[Path] | None,
) -> Iterator[Task]:
    """Yield a task for each content of a file that some extractor has not described."""
    media = [one for one in extractors if one.reads == "media"]
    planned = set()
    for path, key in zip(paths or [], keyed.get("media", []), strict=True):
        if isinstance(key, Failure) or key[0] in planned:
            continue
        planned.add(key[0])
        lacking = tuple(one for one in media if caches[_identity(one)].get(key[0]) is None)
        if lacking:
            assert key[1] is not None
            yield FileTask(path, key[0], key[1], lacking)


def _text_tasks(
    extractors: list[Extractor], caches: _Caches, keyed: dict[str, list[_Keyed]], words: list[str] | None
) -> tuple[list[Task], list[Task]]:
    """Return tasks of many texts each, those of like length together: first what is read here, then what by workers.

    To start a process that loads a language model takes longer than to read the few texts of one task. Only what the
    library reads itself is known to do no harm to this process.
    """
    by_hash = {key[0]: text for text, key in zip(words or [], keyed.get("text", []), strict=True) if len(key) == 2}
    few: list[Task] = []
    many: list[Task] = []
    for one in extractors:
        if one.reads != "text":
            continue
        cache = caches[_identity(one)]
        lacking = sorted((key for key in by_hash if cache.get(key) is None), key=lambda key: len(by_hash[key]))
        parts = [lacking[start : start + _TEXTS_AT_ONCE] for start in range(0, len(lacking), _TEXTS_AT_ONCE)]
        tasks = [TextTask(tuple(by_hash[key] for key in part), tuple(part), one) for part in parts]
        (few if len(tasks) == 1 and one.is_of_the_library else many).extend(tasks)
    return few, many


def _kept(
    working: Iterable[tuple[Task, list[Outcome]]], tasks: list[Task], caches: _Caches, label: str, hidden: bool
) -> _Passing:
    """Keep what tasks find as they are done; return what failed for the moment only."""
    passing: _Passing = {}
    flushed = time.monotonic()
    try:
        with tqdm(total=sum(len(task.keys) for task in tasks), desc=label, disable=hidden) as bar:
            for task, outcomes in working:
                for (extractor, key), outcome in zip(task.keys, outcomes, strict=True):
                    if isinstance(outcome, np.ndarray):
                        caches[_identity(extractor)].put(key, outcome)
                    elif outcome.lasting:
                        caches[_identity(extractor)].put(key, outcome.reason)
                    else:
                        passing[_identity(extractor), key] = outcome
                bar.update(len(outcomes))
                if time.monotonic() - flushed > _FLUSH_SECONDS:
                    _flush(caches)
                    flushed = time.monotonic()
    finally:
        _flush(caches)
    return passing


def _flush(caches: _Caches) -> None:
    """Write what is new of each extractor; where some cannot be written, write the others and then say so."""
    errors = []
    for one in caches.values():
        try:
            one.flush()
        except OSError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _outcome(one: Extractor, key: _Keyed, caches: _Caches, passing: _Passing) -> Outcome:
    if isinstance(key, Failure):
        return key
    found = caches[_identity(one)].get(key[0])
    if found is None:
        return passing[_identity(one), key[0]]
    return Failure(found) if isinstance(found, str) else found


def _collected(name: str, one: Extractor, ids: np.ndarray, outcomes: list[Outcome]) -> Extraction:
    """Make the table and the list of problems of one extractor."""
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    unexpected = [failure for failure in failures if failure.trace]
    wrong = [failure for failure in failures if not failure.is_absence]
    if len(failures) == len(outcomes) and wrong:
        first = (unexpected or wrong)[0]
        trace = f"\n{first.trace}" if first.trace else ""
        raise ValueError(
            f"{name}: none of {len(outcomes)} clips could be described; the first says: {first.reason}{trace}"
        )
    if unexpected:
        warnings.warn(
            f"{name}: an error that no damaged file explains on {len(unexpected)} clips, the first:\n"
            f"{unexpected[0].trace}",
            UnexpectedErrorWarning,
            stacklevel=3,
        )
    present = np.array([isinstance(outcome, np.ndarray) for outcome in outcomes])
    matrix = np.full((len(ids), len(one.columns)), np.nan, dtype=np.float32)
    if present.any():
        matrix[present] = np.stack([outcome for outcome in outcomes if isinstance(outcome, np.ndarray)])
    reasons = pd.Series([failure.reason for failure in failures], dtype="str")
    problems = pd.DataFrame({"clip_id": ids[~present], "reason": reasons})
    return Extraction(FeatureTable(ids, matrix, present, one.name, one.columns, one.origin), problems)
