"""Find clips that are copies of others, from what they look and sound like, and keep the earliest of each."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from avrec_lib.prepare.fingerprints import PICTURE_FPS, SOUND_WORDS_PER_SECOND, Fingerprints
from avrec_lib.prepare.report import Report, account
from avrec_lib.prepare.track_search import Candidates, distance_at, find_candidates, picture_keys, sound_keys

__all__ = [
    "JOINT_LIMITS",
    "PICTURE_LIMIT",
    "SOUND_LIMIT",
    "exact_duplicates",
    "find_near_duplicates",
    "group_copies",
    "remove_copies",
]

PICTURE_LIMIT = 0.08
"""Share of bits by which the pictures of copies differ at most, when nothing else speaks for a copy."""

SOUND_LIMIT = 0.12
"""Share of bits by which the sound of copies differs at most, when nothing else speaks for a copy."""

JOINT_LIMITS = (0.3, 0.28)
"""The same of picture and sound when both agree: two weak hints of different kinds are a strong one."""

_LEAST_PICTURES, _LEAST_SOUND = 3, 256  # words: 1.5 s, and the 3 s that Haitsma and Kalker compare
_COLUMNS = ["first", "second", "by", "picture_distance", "sound_distance", "shift_seconds"]


def find_near_duplicates(
    fingerprints: Fingerprints,
    *,
    picture_limit: float = PICTURE_LIMIT,
    sound_limit: float = SOUND_LIMIT,
    joint_limits: tuple[float, float] = JOINT_LIMITS,
    most_sharing: int = 40,
) -> pd.DataFrame:
    """Find the pairs of clips of which one is a copy of the other, or both of a third.

    One sense is enough where it is sure: a cropped copy still sounds the same, one that was shifted in pitch still
    looks the same. Where it is not, as after a poor encoding, the other has to agree: two bands that play one march
    sound much alike and look different. Two films under one and the same recording, or two songs under one still
    picture, are pairs too: `by` tells, and the reader decides. A copy that was cropped *and* shifted is not found.

    Parameters
    ----------
    fingerprints : Fingerprints
        Of n clips.
    picture_limit, sound_limit : float
        Largest share of differing bits, at the best alignment in time, for which one sense is enough; strangers differ
        in about half.
    joint_limits : tuple of float
        The same for picture and sound where both must agree.
    most_sharing : int
        A word that more clips share is no hint: intros, idents, test pictures. A clip of which there are more copies
        than this may be missed.

    Returns
    -------
    DataFrame
        ``first``, ``second`` (identifiers, in the order of the fingerprints), ``by`` (``"picture"``, ``"sound"`` or
        ``"both"``), ``picture_distance`` and ``sound_distance`` (shares of bits; nan where one of the clips has no such
        track or too little of it overlaps), ``shift_seconds`` (by which the second clip lags behind the first).

    Raises
    ------
    ValueError
        If a limit makes no sense.
    """
    limits = {"picture_limit": picture_limit, "sound_limit": sound_limit}
    limits |= dict(zip(("joint_limits[0]", "joint_limits[1]"), joint_limits, strict=True))
    for name, limit in limits.items():
        if not 0.0 <= limit < 0.5:
            raise ValueError(f"{name} is a share of bits, at least 0 and below 0.5 (chance), got {limit}")
    if most_sharing < 2:
        raise ValueError(f"most_sharing is 2 or more, got {most_sharing}")
    picture, sound = fingerprints.picture, fingerprints.sound
    seen = find_candidates(picture, picture_keys(picture.words), most_sharing=most_sharing, votes=2)
    heard = find_candidates(sound, sound_keys(sound.words), most_sharing=most_sharing, votes=2)
    first, second, look_shift, sound_shift = _joined(seen, heard)
    look = distance_at(picture, first, second, look_shift, slack=1, least_words=_LEAST_PICTURES)
    sounds = distance_at(sound, first, second, sound_shift, slack=2, least_words=_LEAST_SOUND)
    both = (look <= joint_limits[0]) & (sounds <= joint_limits[1])
    by_sound = sounds <= sound_limit
    found = both | by_sound | (look <= picture_limit)
    by = np.where(both, "both", np.where(by_sound, "sound", "picture"))[found]
    shift = np.where(both | by_sound, sound_shift / SOUND_WORDS_PER_SECOND, look_shift / PICTURE_FPS)[found]
    columns = [fingerprints.ids[first[found]], fingerprints.ids[second[found]], by, look[found], sounds[found], shift]
    table = pd.DataFrame(dict(zip(_COLUMNS, columns, strict=True)))
    return table.astype({"first": "str", "second": "str", "by": "str"})


def _joined(seen: Candidates, heard: Candidates) -> tuple[NDArray[np.int64], ...]:
    """Merge candidates: first, second, and both shifts, each taken from the other sense where one found nothing."""
    both = pd.DataFrame({"first": seen.first, "second": seen.second, "look": seen.shift}).merge(
        pd.DataFrame({"first": heard.first, "second": heard.second, "sound": heard.shift}),
        on=["first", "second"],
        how="outer",
        sort=True,
    )
    ratio = SOUND_WORDS_PER_SECOND / PICTURE_FPS
    look = both["look"].fillna(both["sound"] / ratio).round()
    sound = both["sound"].fillna(both["look"] * ratio).round()
    return tuple(column.to_numpy(dtype=np.int64) for column in (both["first"], both["second"], look, sound))


def exact_duplicates(paths: Mapping[str, Path]) -> pd.DataFrame:
    """Find files of equal bytes.

    Parameters
    ----------
    paths : mapping of str to Path
        The file of each clip. Only files of equal length are read.

    Returns
    -------
    DataFrame
        ``first``, ``second``, ``by`` (``"bytes"``): each further clip with the first of its kind in the order given.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    sizes = pd.Series({clip: Path(path).stat().st_size for clip, path in paths.items()}, dtype="int64")
    shared = sizes.index[sizes.duplicated(keep=False) & (sizes > 0)]
    digests = pd.Series({clip: _digest(Path(paths[clip])) for clip in shared}, dtype=object)
    first = pd.Series(digests.index, index=digests.index).groupby(digests).transform("first")
    copies = digests.index[digests.duplicated()]
    table = pd.DataFrame({"first": first.reindex(copies).to_numpy(), "second": copies, "by": "bytes"})
    return table.astype("str")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def group_copies(pairs: pd.DataFrame, clips: pd.DataFrame | None = None) -> pd.Series:
    """Gather pairs into groups: a copy of a copy is a copy.

    Parameters
    ----------
    pairs : DataFrame
        ``first``, ``second``, as :func:`find_near_duplicates` and :func:`exact_duplicates` return them.
    clips : DataFrame, optional
        ``clip_id``, ``release_time``: the earliest upload of a group represents it, of equals the smaller
        identifier. Without it the smallest identifier does.

    Returns
    -------
    Series of str
        The representative of each clip that is in a pair, itself included; index ``clip_id``, sorted.

    Raises
    ------
    ValueError
        If a pair names a clip that is not in `clips`.
    """
    names, code = np.unique(pairs[["first", "second"]].to_numpy(dtype=object).astype(str), return_inverse=True)
    code = code.reshape(-1, 2)
    n = len(names)
    links = coo_array((np.ones(len(code), dtype=np.int8), (code[:, 0], code[:, 1])), shape=(n, n))
    group = connected_components(links, directed=False)[1] if n else np.empty(0, dtype=np.int64)
    table = pd.DataFrame({"clip_id": names.astype(object), "group": group}).astype({"clip_id": "str"})
    table["time"] = pd.Timestamp(0, tz="UTC")
    if clips is not None:
        times = clips.set_index("clip_id")["release_time"]
        absent = table.loc[~table["clip_id"].isin(times.index), "clip_id"]
        if len(absent):
            raise ValueError(
                f"the pairs name {len(absent)} clip(s) that are not in the table, such as {absent.iloc[0]}"
            )
        table["time"] = times.reindex(table["clip_id"]).to_numpy()
    best = table.sort_values(["time", "clip_id"]).drop_duplicates("group").set_index("group")["clip_id"]
    result = pd.Series(
        best.reindex(table["group"]).to_numpy(), index=table["clip_id"], name="representative", dtype="str"
    )
    return result


def remove_copies(clips: pd.DataFrame, pairs: pd.DataFrame) -> tuple[pd.DataFrame, Report]:
    """Keep the earliest upload of each group of copies.

    Parameters
    ----------
    clips : DataFrame
        ``clip_id``, ``release_time`` and any other columns.
    pairs : DataFrame
        As for :func:`group_copies`. Pairs of clips that are no longer in the table are passed over.

    Returns
    -------
    clips : DataFrame
        A new table; labels kept.
    report : Report
        Step ``"copies"``; each copy removed, and of which clip it is one.
    """
    there = pairs["first"].isin(clips["clip_id"]) & pairs["second"].isin(clips["clip_id"])
    representative = group_copies(pairs[there], clips)
    copies = representative[representative != representative.index]
    gone = clips["clip_id"].isin(copies.index)
    kept = clips[~gone].copy()
    order = clips.loc[gone, "clip_id"]
    reasons = [f"copy of {original}" for original in copies.reindex(order)]
    return kept, Report("copies", len(clips), len(kept), account(order, reasons), unit="clips", named="clips")
