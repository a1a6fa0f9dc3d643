"""Faults in files and texts, planned from the seed, so that what cleaning finds can be held against what was planted.

The plan is a table of rows ``kind, table, id, detail``; ``detail`` holds ``name=value``
pairs separated by ``"; "``.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avrec_lib.world.catalogue import DAYS
from avrec_lib.world.text import topic_tags
from avrec_lib.world.topics import TOPICS

__all__ = [
    "COPY_FORMS",
    "FILE_FAULTS",
    "TEXT_FAULTS",
    "MediaPlan",
    "copy_text",
    "plan_media",
    "read_detail",
    "soil_text",
]

COPY_FORMS: tuple[str, ...] = ("re-encoded", "cropped", "pitch-shifted", "faded")
"""How a near-duplicate differs from its original."""

FILE_FAULTS: tuple[str, ...] = ("truncated", "silent-sound", "missing-sound", "missing-picture", "wrong-extension")
"""Faults of a media file; a file has at most one, and none if it is a copy or has one."""

TEXT_FAULTS: tuple[str, ...] = ("missing-description", "wrong-tags", "html-title")
"""Faults of a clip's text."""

_STREAM = 8
_SHARE = 1 / 60  # of each fault; 8 in the full profile, 1 in the smoke profile
_COPY_SHARE = 1 / 48

_HTML = (
    "{title}<img src=x onerror=\"alert('tidepool')\">",
    "<b>{title}</b>",
    '<a href="javascript:alert(1)">{title}</a>',
    "{title}<br>NEW&nbsp;NEW&nbsp;NEW",
    "<script>document.title='owned'</script>{title}",
    '<span style="color:red">{title}</span>',
    "&lt;3 {title} &amp;amp; more",
)
_RETITLED = ("{title} (repost)", "{title} HD", "FULL: {title}", "{title} ...", "{title} [re-upload]", "» {title} «")


@dataclass(frozen=True)
class MediaPlan:
    """What is to be made: the catalogue with its copies, the files' names and the planted dirt.

    Attributes
    ----------
    catalogue : DataFrame
        The catalogue with the copies among it, shuffled and numbered anew: neither an
        identifier nor a row's place tells which are copies. Index 0..n-1.
    original : ndarray (n,)
        Row of the clip that this one is a copy of, or -1.
    paths : ndarray of str (n,)
        File names.
    dirt : DataFrame
        ``kind, table, id, detail``.
    """

    catalogue: pd.DataFrame
    original: np.ndarray
    paths: np.ndarray
    dirt: pd.DataFrame


def read_detail(detail: str) -> dict[str, str]:
    """Read the ``detail`` of a row of dirt.

    Parameters
    ----------
    detail : str
        For example ``"original=c0000012; form=cropped; keep=0.85"``.

    Returns
    -------
    dict of str to str
        Value by name.

    Examples
    --------
    >>> read_detail("original=c0000012; form=cropped; keep=0.85")["form"]
    'cropped'
    """
    return dict(pair.split("=", 1) for pair in detail.split("; ") if "=" in pair)


def _count(n_clips: int, share: float, least: int = 1) -> int:
    return max(least, round(share * n_clips))


def _copy_details(forms: np.ndarray, originals: pd.Series, rng: np.random.Generator) -> list[str]:
    """Draw how strongly each copy is changed."""
    n = forms.size
    amounts = {
        "re-encoded": [f"crf={crf}" for crf in rng.integers(34, 41, n)],
        "cropped": [f"keep={keep:.2f}" for keep in rng.uniform(0.78, 0.9, n)],
        "pitch-shifted": [f"semitones={step:+g}" for step in rng.choice([-2.0, -1.0, 1.0, 2.0], n)],
        "faded": [f"fade_seconds={fade:.2f}" for fade in rng.uniform(0.6, 1.2, n)],
    }
    return [
        f"original={original}; form={form}; {amounts[form][i]}"
        for i, (form, original) in enumerate(zip(forms, originals, strict=True))
    ]


def _with_copies(
    catalogue: pd.DataFrame, rows: np.ndarray, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Let somebody else upload some clips again, later; return the whole, shuffled, and where each row went."""
    n = len(catalogue)
    copies = catalogue.iloc[rows].reset_index(drop=True)
    creators = catalogue["creator_id"].unique()
    copies["creator_id"] = creators[rng.integers(len(creators), size=rows.size)]
    first = copies["release_day"].to_numpy()
    # A copy of a clip that came on the last day still comes later than it and before the end.
    copies["release_day"] = np.minimum(first + rng.uniform(0.5, 20.0, rows.size), (first + DAYS) / 2)
    order = rng.permutation(n + rows.size)
    whole = pd.concat([catalogue, copies], ignore_index=True).iloc[order].reset_index(drop=True)
    whole["clip_id"] = [f"c{i:07d}" for i in range(len(whole))]
    place = np.argsort(order)
    original = np.full(len(whole), -1)
    original[place[n:]] = place[rows]
    return whole, original, place


def plan_media(catalogue: pd.DataFrame, *, seed: int) -> MediaPlan:
    """Plan the copies and the faults of a catalogue's files and texts.

    Parameters
    ----------
    catalogue : DataFrame
        n clips, at least 12, as :func:`avrec_lib.world.catalogue.sample_catalogue` returns them.
    seed : int
        Seed of the world.

    Returns
    -------
    MediaPlan
        Every kind occurs; each in about one clip of sixty, copies in one of fifty and at least four.

    Raises
    ------
    ValueError
        If there are fewer than 12 clips.
    """
    n = len(catalogue)
    if n < 12:
        raise ValueError(f"{n} clips are too few to carry every kind of dirt; a world has at least 12")
    rng = np.random.default_rng([seed, _STREAM])
    n_copies, n_faults = _count(n, _COPY_SHARE, len(COPY_FORMS)), _count(n, _SHARE)
    drawn = rng.permutation(n)
    whole, original, place = _with_copies(catalogue, drawn[:n_copies], rng)
    ids = whole["clip_id"].to_numpy(dtype=object)
    copies, originals = place[n:], place[drawn[:n_copies]]
    forms = np.array(COPY_FORMS)[np.arange(n_copies) % len(COPY_FORMS)]
    rows = [
        ("near-duplicate", "clips", clip, detail)
        for clip, detail in zip(ids[copies], _copy_details(forms, ids[originals], rng), strict=True)
    ]
    paths = np.array([f"{clip}.mp4" for clip in ids], dtype=object)
    faulty = place[drawn[n_copies : n_copies + n_faults * len(FILE_FAULTS)]]
    for number, fault in enumerate(FILE_FAULTS):
        for turn, row in enumerate(faulty[number * n_faults : (number + 1) * n_faults]):
            detail = ""
            if fault == "truncated":
                detail = f"keep={rng.uniform(0.25, 0.7):.2f}"
            elif fault == "wrong-extension":
                named, holds = (".mp4", "mkv") if turn % 2 == 0 else (".webm", "mp4")
                paths[row] = f"{ids[row]}{named}"
                detail = f"named={named[1:]}; holds={holds}"
            rows.append((fault, "media", ids[row], detail))
    for fault in TEXT_FAULTS:
        for turn, row in enumerate(place[rng.choice(n, n_faults, replace=False)]):
            rows.append((fault, "clips", ids[row], _text_detail(fault, turn, whole.iloc[row], rng)))
    dirt = pd.DataFrame(rows, columns=["kind", "table", "id", "detail"]).astype(str)
    return MediaPlan(whole, original, paths, dirt)


def _text_detail(fault: str, turn: int, clip: pd.Series, rng: np.random.Generator) -> str:
    if fault == "wrong-tags":
        foreign = [topic.name for topic in TOPICS if topic.family != clip["family"]]
        return f"topic={clip['topic']}; tags_of={foreign[rng.integers(len(foreign))]}"
    if fault == "html-title":
        return f"form={turn % len(_HTML)}"
    return ""


def copy_text(text: pd.DataFrame, original: np.ndarray, *, seed: int) -> pd.DataFrame:
    """Give each copy the text of its original, with a title slightly altered.

    Parameters
    ----------
    text : DataFrame
        Text of the originals, indexed by their rows in the catalogue.
    original : ndarray (n,)
        As in :class:`MediaPlan`.
    seed : int
        Seed of the world.

    Returns
    -------
    DataFrame
        n rows, index 0..n-1.
    """
    rng = np.random.default_rng([seed, _STREAM, 1])
    rows = np.flatnonzero(original >= 0)
    copies = text.loc[original[rows]].set_axis(rows)
    patterns = np.array(_RETITLED, dtype=object)[rng.integers(len(_RETITLED), size=rows.size)]
    copies["title"] = [pattern.format(title=title) for pattern, title in zip(patterns, copies["title"], strict=True)]
    copies["tags"] = ["|".join([*tags.split("|")[:-1], "viral"]) for tags in copies["tags"]]
    return pd.concat([text, copies]).sort_index()


def soil_text(text: pd.DataFrame, clip_ids: pd.Series, dirt: pd.DataFrame) -> pd.DataFrame:
    """Plant the faults of the text that a plan names.

    Parameters
    ----------
    text : DataFrame
        Clean text, one row a clip.
    clip_ids : Series of str
        Identifiers of the rows.
    dirt : DataFrame
        As in :class:`MediaPlan`; kinds that are not faults of text are passed over.

    Returns
    -------
    DataFrame
        A new table with the faults.
    """
    soiled = text.copy()
    rows = pd.Series(text.index, index=clip_ids.to_numpy())
    for kind, clip, detail in dirt[["kind", "id", "detail"]].itertuples(index=False):
        if kind not in TEXT_FAULTS:
            continue
        row = rows[clip]
        if kind == "missing-description":
            soiled.loc[row, "description"] = None
        elif kind == "wrong-tags":
            soiled.loc[row, "tags"] = "|".join(topic_tags(read_detail(detail)["tags_of"])[:4])
        else:
            form = _HTML[int(read_detail(detail)["form"])]
            soiled.loc[row, "title"] = form.format(title=soiled.loc[row, "title"])
    return soiled
