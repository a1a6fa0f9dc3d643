"""What a clip is and how it was received, as numbers, seen from one moment."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from avrec_lib.collect.signals import share_watched
from avrec_lib.prepare.user_features import known_before
from avrec_lib.tables import require_columns

__all__ = ["item_features"]

_DAY = 86_400.0
_READ = [
    "clip_id",
    "title",
    "description",
    "tags",
    "transcript",
    "creator_id",
    "release_time",
    "duration_seconds",
]


def item_features(
    clips: pd.DataFrame,
    moment: pd.Timestamp,
    *,
    events: pd.DataFrame | None = None,
    encoders: Mapping[str, Callable[[pd.Series], np.ndarray]] | None = None,
    smoothing: float = 10.0,
) -> pd.DataFrame:
    """Describe each clip that was out before a moment, by numbers only.

    Always: ``duration_seconds``, ``age_days``, ``title_words``, ``tags`` (their number), ``has_description``,
    ``has_transcript``, ``creator_clips`` (by the same creator, released earlier). With `events`: ``shown``,
    ``clicks``, ``people`` (who clicked), ``likes``, ``click_rate`` (clicks an impression, drawn towards the mean of all
    by `smoothing` impressions) and ``watch_fraction`` (NaN where nobody watched). With `encoders`: what they make of a
    column.

    Parameters
    ----------
    clips : DataFrame
        The ``clips`` schema; clips released at the moment or later are left out.
    moment : Timestamp
        The first instant that is not known.
    events : DataFrame, optional
        The ``events`` schema, cleaned; rows at the moment or later are ignored.
    encoders : mapping, optional
        By column of `clips`, a function from that column (n,) to numbers (n, d) or (n,), such as the ``transform`` of a
        vocabulary fitted on training clips. Its columns are named ``<column>_0``, ``<column>_1`` ...
    smoothing : float
        Impressions of average success that each clip is given on top, zero or more.

    Returns
    -------
    DataFrame of float32
        By ``clip_id``, in the order of `clips`.

    Raises
    ------
    ValueError
        If an encoder does not return one row of numbers a clip, `smoothing` is negative, a column is absent, or a clip
        is listed twice.
    """
    require_columns(clips, _READ, "clips", unique="clip_id")
    if events is not None:
        require_columns(events, ["user_id", "clip_id", "kind", "time", "watch_seconds"], "events")
    if smoothing < 0.0:
        raise ValueError(f"smoothing is a number of impressions, 0 or more, got {smoothing}")
    out = clips[(clips["release_time"] < moment).to_numpy()].reset_index(drop=True)
    title, tags = out["title"].fillna("").astype(str), out["tags"].fillna("").astype(str)
    earlier = out["release_time"].groupby(out["creator_id"]).rank(method="min") - 1.0
    table = pd.DataFrame(
        {
            "duration_seconds": out["duration_seconds"],
            "age_days": (moment - out["release_time"]).dt.total_seconds() / _DAY,
            "title_words": title.str.count(r"\w+"),
            "tags": np.where(tags == "", 0, tags.str.count(r"\|") + 1),
            "has_description": out["description"].notna(),
            "has_transcript": out["transcript"].notna(),
            "creator_clips": earlier,
        }
    )
    table.index = pd.Index(out["clip_id"], name="clip_id")
    if events is not None:
        table = table.join(_reception(known_before(events, moment), out, smoothing))
    for name, encode in (encoders or {}).items():
        matrix = np.asarray(encode(out[name]))
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
        if matrix.ndim != 2 or len(matrix) != len(out) or matrix.dtype.kind not in "buif":
            raise ValueError(
                f"the encoder of {name!r} must give numbers of shape ({len(out)}, d), "
                f"got {matrix.dtype} of shape {matrix.shape}"
            )
        labels = [f"{name}_{column}" for column in range(matrix.shape[1])]
        table = table.join(pd.DataFrame(matrix, index=table.index, columns=labels))
    return table.astype(np.float32)


def _reception(past: pd.DataFrame, clips: pd.DataFrame, smoothing: float) -> pd.DataFrame:
    """Count how each clip was received."""
    names = pd.Index(clips["clip_id"])
    kinds = pd.crosstab(past["clip_id"], past["kind"]).reindex(index=names, fill_value=0)
    kinds = kinds.reindex(columns=["impression", "click", "like"], fill_value=0)
    clicks, watches = past[past["kind"] == "click"], past[past["kind"] == "watch"]
    people = clicks.groupby("clip_id")["user_id"].nunique().reindex(names, fill_value=0)
    share = share_watched(watches, clips).clip(upper=1.0)
    shown, clicked = kinds["impression"], kinds["click"]
    mean = clicked.sum() / max(int(shown.sum()), 1)
    weight = (shown + smoothing).astype("float64")
    return pd.DataFrame(
        {
            "shown": shown,
            "clicks": clicked,
            "people": people,
            "likes": kinds["like"],
            "click_rate": ((clicked + smoothing * mean) / weight.where(weight > 0.0)).fillna(mean),
            "watch_fraction": share.groupby(watches["clip_id"]).mean().reindex(names),
        }
    ).rename_axis("clip_id")
