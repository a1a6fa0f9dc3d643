"""Find media files that are damaged or not what they seem, say why, and set aside those that cannot be used."""

import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from avrec_lib.prepare.examination import LONGEST_SECONDS, examine, examine_clips
from avrec_lib.prepare.facts import Facts
from avrec_lib.prepare.report import Report, account

__all__ = ["ISSUES", "UNFIT", "Issue", "inspect_clips", "inspect_media", "quarantine"]

ISSUES: dict[str, str] = {
    "absent": "there is no such file",
    "empty": "the file has no bytes",
    "unreadable": "it cannot be opened as media",
    "too-long": "it lasts longer, or takes longer to decode, than a clip may",
    "truncated": "it ends before the length that its header states",
    "corrupt": "some of its data cannot be decoded",
    "no-picture": "it has no picture stream",
    "no-sound": "it has no sound stream",
    "blank": "its picture is one even colour throughout",
    "frozen": "its picture never changes",
    "silent": "its sound is silence throughout",
    "wrong-container": "its extension promises another format",
}
"""Every kind of issue, and what it means."""

UNFIT: frozenset[str] = frozenset({"absent", "empty", "unreadable", "too-long", "truncated", "corrupt"})
"""Issues that make a file unfit: what is read from it is not all that was uploaded. The others leave a usable modality.
"""

_SHORTAGE = 0.1  # seconds: damage after which less is missing at the end lies inside
_BLANK = 2.0  # levels of 255, standard deviation within a picture
_FROZEN = 4.0  # levels of 255, change of any part since the first picture: a codec alone makes some 2
_SILENT = 1e-3  # full scale at 1: -60 dB

_CONTAINERS = {
    "mov,mp4,m4a,3gp,3g2,mj2": {"mp4", "mov", "m4a", "m4v", "3gp", "3g2"},
    "matroska,webm": {"mkv", "webm", "mka"},
    "ogg": {"ogg", "oga", "ogv", "opus"},
    "wav": {"wav"},
    "w64": {"w64"},
    "flac": {"flac"},
    "mp3": {"mp3"},
    "aac": {"aac"},
    "aiff": {"aif", "aiff"},
    "avi": {"avi"},
    "mpegts": {"ts", "mts", "m2ts"},
    "mpeg": {"mpg", "mpeg", "vob"},
    "flv": {"flv"},
}
_SOUND_ONLY = {"m4a", "mka", "ogg", "oga", "opus", "wav", "w64", "flac", "mp3", "aac", "aif", "aiff"}


class Issue(NamedTuple):
    """One thing that is wrong with a file.

    Attributes
    ----------
    kind : str
        One of :data:`ISSUES`.
    reason : str
        What was found, with its measure.
    """

    kind: str
    reason: str


def inspect_media(path: str | Path) -> list[Issue]:
    """Decode a file and list what is wrong with it.

    Parameters
    ----------
    path : str or Path
        The file; its content may be anything.

    Returns
    -------
    list of Issue
        Empty if nothing is. A file whose name promises sound only (``.wav``, ``.mp3`` ...) lacks no picture.
    """
    return _judge(Path(path), examine(path).facts)


def inspect_clips(
    paths: Mapping[str, Path], *, n_jobs: int = 2, progress: bool = True, cache: Path | None = None
) -> pd.DataFrame:
    """List what is wrong with many files; decoded results are shared with the search for near-duplicates.

    Parameters
    ----------
    paths : mapping of str to Path
        The file of each clip.
    n_jobs, progress, cache
        As in :func:`avrec_lib.prepare.examination.examine_clips`.

    Returns
    -------
    DataFrame
        ``clip_id``, ``kind``, ``reason``, all text; one row an issue, in the order given.
    """
    examined = examine_clips(paths, n_jobs=n_jobs, progress=progress, cache=cache)
    rows = [(clip, *issue) for clip, one in examined.items() for issue in _judge(Path(paths[clip]), one.facts)]
    return pd.DataFrame(rows, columns=["clip_id", "kind", "reason"], dtype=object).astype("str")


def quarantine(
    clips: pd.DataFrame,
    paths: Mapping[str, Path],
    *,
    unfit: Collection[str] = UNFIT,
    n_jobs: int = 2,
    progress: bool = True,
    cache: Path | None = None,
) -> tuple[pd.DataFrame, Report]:
    """Set aside the clips whose files are unfit.

    Parameters
    ----------
    clips : DataFrame
        ``clip_id`` and any other columns.
    paths : mapping of str to Path
        The file of each of them.
    unfit : collection of str
        Issues for which a clip is set aside; those with other issues stay.
    n_jobs, progress, cache
        As in :func:`inspect_clips`.

    Returns
    -------
    clips : DataFrame
        A new table without the unfit; labels kept.
    report : Report
        Step ``"damage"``. A clip that was set aside is named once for each issue; `changed` names clips that stay
        with an issue that later steps must know, such as a missing sound. The reason is the kind of issue, so that
        ``counts()`` counts kinds; :func:`inspect_clips` has the details.

    Raises
    ------
    ValueError
        If a clip has no path, or a kind of issue is unknown.
    """
    if unknown := sorted(set(unfit) - set(ISSUES)):
        raise ValueError(f"no issue named {unknown[0]!r}; there are {', '.join(ISSUES)}")
    if lost := [clip for clip in clips["clip_id"] if clip not in paths]:
        raise ValueError(f"{len(lost)} clip(s) have no path, such as {lost[0]}")
    wanted = {clip: paths[clip] for clip in clips["clip_id"]}
    issues = inspect_clips(wanted, n_jobs=n_jobs, progress=progress, cache=cache)
    bad = issues.loc[issues["kind"].isin(list(unfit)), "clip_id"]
    gone = issues["clip_id"].isin(bad)
    kept = clips[~clips["clip_id"].isin(bad)].copy()
    removed, noted = issues[gone], issues[~gone]
    return kept, Report(
        "damage",
        len(clips),
        len(kept),
        account(removed["clip_id"], removed["kind"]),
        account(noted["clip_id"], noted["kind"] + ", kept"),
        unit="clips",
        named="issues",
    )


def _judge(path: Path, facts: Facts) -> list[Issue]:
    """Turn facts into issues: a file that cannot be opened has one, others have as many as there are."""
    if facts.size_bytes < 0:
        return [Issue("absent", facts.problem or ISSUES["absent"])]
    if facts.size_bytes == 0:
        return [Issue("empty", ISSUES["empty"])]
    if facts.problem:
        return [Issue("unreadable", facts.problem)]
    lasts = max(facts.picture_seconds, facts.sound_seconds, *_known(facts.picture_stated, facts.sound_stated))
    if lasts > LONGEST_SECONDS:
        return [Issue("too-long", f"lasts {lasts:.0f} s or more, and a clip at most {LONGEST_SECONDS:.0f} s")]
    if facts.costly:
        return [Issue("too-long", facts.picture_problem or facts.sound_problem)]
    named = path.suffix.lower().removeprefix(".")
    issues = _broken_streams(facts)
    if not facts.picture_streams and named not in _SOUND_ONLY:
        issues.append(Issue("no-picture", ISSUES["no-picture"]))
    if not facts.sound_streams:
        issues.append(Issue("no-sound", ISSUES["no-sound"]))
    if facts.picture_seconds > 0:
        if facts.contrast < _BLANK:
            issues.append(Issue("blank", f"no picture has a contrast above {facts.contrast:.1f} of 255 levels"))
        elif facts.change < _FROZEN:  # never true of a single picture, whose change is nan
            issues.append(
                Issue("frozen", f"no part of the picture changes by more than {facts.change:.2f} of 255 levels")
            )
    if facts.sound_seconds > 0 and facts.peak < _SILENT:
        issues.append(Issue("silent", f"its loudest sample is {facts.peak:.1g}, where full scale is 1"))
    holds = _CONTAINERS.get(facts.container)
    if holds is not None and named not in holds:
        issues.append(Issue("wrong-container", f"is named .{named} and holds {facts.container.split(',')[0]}"))
    return issues


def _known(*seconds: float) -> list[float]:
    return [one for one in seconds if not math.isnan(one)]


def _broken_streams(facts: Facts) -> list[Issue]:
    """Tell a file that was cut from one with damage inside; each kind once, with the first reason."""
    found: dict[str, str] = {}
    streams = (
        ("picture", facts.picture_problem, facts.picture_stated, facts.picture_seconds),
        ("sound", facts.sound_problem, facts.sound_stated, facts.sound_seconds),
    )
    for name, problem, stated, seconds in streams:
        if problem:
            kind = "truncated" if stated - seconds > _SHORTAGE else "corrupt"
            found.setdefault(kind, f"{name} {problem}")
    # The last packet of a file that was cut is damaged too.
    kind = "truncated" if "truncated" in found else "corrupt"
    return [Issue(kind, found[kind])] if found else []
