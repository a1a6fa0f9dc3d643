"""From events to the matrices that models read: plays, confidence, tag preferences, ratings and their biases.

Rows are people and columns are clips; each result carries the ids of both, sorted, so that
no reader has to guess which row is whose.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse

from avrec_lib.collect.signals import watch_fraction
from avrec_lib.tables import require_columns

__all__ = [
    "Confidence",
    "Preferences",
    "RatingBiases",
    "Ratings",
    "confidence_matrices",
    "play_counts",
    "rating_biases",
    "rating_matrix",
    "tag_preferences",
]


class Confidence(NamedTuple):
    """What :func:`confidence_matrices` returns.

    Attributes
    ----------
    preference : csr_matrix
        P (n_people, n_clips), float32: 1 where something was watched.
    confidence : csr_matrix
        C (n_people, n_clips), float32, where something was watched. Every other confidence is 1, and is not
        stored: a matrix of ones would not be sparse.
    user_ids, clip_ids : ndarray of str
        Whose row and whose column.
    """

    preference: sparse.csr_matrix
    confidence: sparse.csr_matrix
    user_ids: np.ndarray
    clip_ids: np.ndarray


class Preferences(NamedTuple):
    """What :func:`tag_preferences` returns.

    Attributes
    ----------
    matrix : csr_matrix
        (n_people, n_tags), float32, rows of length 1 (or all zero).
    user_ids, tags : ndarray of str
        Whose row, and what each column stands for.
    """

    matrix: sparse.csr_matrix
    user_ids: np.ndarray
    tags: np.ndarray


class Ratings(NamedTuple):
    """What :func:`rating_matrix` returns.

    Attributes
    ----------
    matrix : csr_matrix
        (n_people, n_clips), float64, 1-5; what is not stored was not rated.
    user_ids, clip_ids : ndarray
        Whose row and whose column.
    """

    matrix: sparse.csr_matrix
    user_ids: np.ndarray
    clip_ids: np.ndarray


class RatingBiases(NamedTuple):
    """What :func:`rating_biases` returns.

    Attributes
    ----------
    mean : float
        Of all ratings.
    user, clip : ndarray
        How far each person rates, and each clip is rated, above the mean; (n_people,) and (n_clips,).
    """

    mean: float
    user: np.ndarray
    clip: np.ndarray


def _matrix(
    rows: pd.Series, columns: pd.Series, values: np.ndarray, dtype: type
) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray]:
    row, row_ids = pd.factorize(rows, sort=True)
    column, column_ids = pd.factorize(columns, sort=True)
    shape = (len(row_ids), len(column_ids))
    matrix = sparse.csr_matrix((np.asarray(values, dtype=dtype), (row, column)), shape=shape)
    return matrix, np.asarray(row_ids), np.asarray(column_ids)


def play_counts(events: pd.DataFrame) -> pd.DataFrame:
    """Count how often each person played each clip.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema, cleaned: a copied row would count as a replay.

    Returns
    -------
    DataFrame
        ``user_id, clip_id, plays`` (int64) and ``log_plays`` = ln(1 + plays): the tenth play says less than the second.
    """
    require_columns(events, ["user_id", "clip_id", "kind"], "events")
    plays = events[(events["kind"] == "watch") & events["clip_id"].notna()]
    table = plays.groupby(["user_id", "clip_id"]).size().rename("plays").astype("int64").reset_index()
    table["log_plays"] = np.log1p(table["plays"].astype("float64"))
    return table


def confidence_matrices(
    events: pd.DataFrame,
    clips: pd.DataFrame,
    *,
    alpha: float = 40.0,
    epsilon: float = 0.01,
    scale: str = "linear",
) -> Confidence:
    r"""Turn watching into preferences and how sure one may be of them.

    .. math:: p_{ui} = [r_{ui} > 0], \qquad c_{ui} = 1 + \alpha r_{ui}
              \quad\text{or}\quad c_{ui} = 1 + \alpha \ln(1 + r_{ui} / \varepsilon)

    with :math:`r_{ui}` the shares watched, summed over all plays: a clip watched twice to its end has 2.

    Parameters
    ----------
    events, clips : DataFrame
        The schemas of those names.
    alpha : float
        Weight of what was observed, above 0.
    epsilon : float
        Scale of the logarithm, above 0.
    scale : str
        ``"linear"`` or ``"log"``.

    Returns
    -------
    Confidence

    Raises
    ------
    ValueError
        If a number is not positive or `scale` is neither word.

    References
    ----------
    Y. Hu, Y. Koren and C. Volinsky (2008). Collaborative Filtering for Implicit Feedback Datasets. ICDM.
    """
    if not alpha > 0.0 or not epsilon > 0.0:
        raise ValueError(f"alpha and epsilon must be above 0, got {alpha} and {epsilon}")
    if scale not in ("linear", "log"):
        raise ValueError(f"scale is 'linear' or 'log', got {scale!r}")
    fraction = watch_fraction(events, clips)
    watched = fraction.notna()
    observed, user_ids, clip_ids = _matrix(
        events.loc[watched, "user_id"], events.loc[watched, "clip_id"], fraction[watched].to_numpy(), np.float64
    )
    observed.sum_duplicates()
    observed.eliminate_zeros()
    grown = observed.data if scale == "linear" else np.log1p(observed.data / epsilon)
    preference, confidence = observed.astype(np.float32), observed.astype(np.float32)
    preference.data = np.ones_like(preference.data)
    confidence.data = (1.0 + alpha * grown).astype(np.float32)
    return Confidence(preference, confidence, user_ids, clip_ids)


def tag_preferences(
    events: pd.DataFrame,
    clips: pd.DataFrame,
    *,
    moment: pd.Timestamp | None = None,
    half_life_days: float | None = None,
) -> Preferences:
    r"""Describe each person by the tags of what they watched.

    .. math:: v_{ut} = \ln\frac{n}{n_t} \sum_{i \ni t} w_{ui}\, r_{ui}, \qquad w_{ui} = 2^{-a_{ui} / h}

    where :math:`n_t` of :math:`n` clips carry the tag (one that every clip has tells nothing), :math:`r_{ui}` is the
    share watched, :math:`a_{ui}` its age and :math:`h` the half-life. Rows then get length 1.

    Parameters
    ----------
    events, clips : DataFrame
        The schemas of those names.
    moment : Timestamp, optional
        Only watches strictly before it count; by default all do.
    half_life_days : float, optional
        After how many days a watch counts half; by default it never fades. Ages run to `moment`, or the last event.

    Returns
    -------
    Preferences

    Raises
    ------
    ValueError
        If the half-life is not positive, or a table lacks a column.
    """
    require_columns(events, ["user_id", "clip_id", "kind", "time", "watch_seconds"], "events")
    require_columns(clips, ["clip_id", "tags", "duration_seconds"], "clips", unique="clip_id")
    if half_life_days is not None and not half_life_days > 0.0:
        raise ValueError(f"half_life_days must be above 0, got {half_life_days}")
    if moment is not None:
        events = events[events["time"] < moment]
    weight = watch_fraction(events, clips)
    if half_life_days is not None and len(events):
        until = moment if moment is not None else events["time"].max()
        age = (until - events["time"]).dt.total_seconds() / 86_400.0
        weight = weight * 0.5 ** (age / half_life_days)
    watched = weight.notna() & (weight > 0.0)
    tags = clips.set_index("clip_id")["tags"].dropna().str.lower().str.split("|").explode()
    carried = tags[tags != ""].rename("tag").reset_index().drop_duplicates()
    carriers = carried.groupby("tag")["clip_id"].size().astype("float64")
    rarity = pd.Series(np.log(clips["clip_id"].nunique() / carriers.to_numpy()), index=carriers.index)
    pairs = events.loc[watched, ["user_id", "clip_id"]].assign(weight=weight[watched]).merge(carried, on="clip_id")
    values = pairs["weight"].to_numpy() * pairs["tag"].map(rarity).to_numpy(dtype=np.float64)
    matrix, user_ids, names = _matrix(pairs["user_id"], pairs["tag"], values, np.float64)
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scaled = sparse.diags(1.0 / np.where(length > 0.0, length, 1.0)) @ matrix
    return Preferences(sparse.csr_matrix(scaled, dtype=np.float32), user_ids, names)


def rating_matrix(events: pd.DataFrame) -> Ratings:
    """Lay the stars that people gave into a matrix.

    Parameters
    ----------
    events : DataFrame
        The ``events`` schema. Where a person rated a clip twice, the later rating stands.

    Returns
    -------
    Ratings
    """
    require_columns(events, ["user_id", "clip_id", "kind", "time", "value"], "events")
    rated = events[(events["kind"] == "rating") & events["value"].notna() & events["clip_id"].notna()]
    last = rated.sort_values("time", kind="stable").drop_duplicates(["user_id", "clip_id"], keep="last")
    values = last["value"].to_numpy(dtype=np.float64)
    return Ratings(*_matrix(last["user_id"], last["clip_id"], values, np.float64))


def rating_biases(ratings: Ratings, *, user_weight: float = 15.0, clip_weight: float = 10.0) -> RatingBiases:
    r"""Estimate who rates high and what is rated high, each pulled towards zero where little is known.

    .. math:: b_i = \frac{\sum_u (r_{ui} - \mu)}{\lambda_i + n_i}, \qquad
              b_u = \frac{\sum_i (r_{ui} - \mu - b_i)}{\lambda_u + n_u}

    Parameters
    ----------
    ratings : Ratings
        As :func:`rating_matrix` returns them.
    user_weight, clip_weight : float
        How many ratings at the mean each person and clip is lent, 0 or above.

    Returns
    -------
    RatingBiases

    Raises
    ------
    ValueError
        If a weight is below zero or there is no rating.

    References
    ----------
    Y. Koren (2010). Factor in the Neighbors: Scalable and Accurate Collaborative Filtering. ACM TKDD 4(1), section 2.1.
    """
    if user_weight < 0.0 or clip_weight < 0.0:
        raise ValueError(f"weights must be 0 or above, got {user_weight} and {clip_weight}")
    matrix = ratings.matrix.tocoo()
    if matrix.nnz == 0:
        raise ValueError("there is no rating, so there is no mean and no bias")
    people, clips = matrix.shape
    mean = float(matrix.data.mean())
    residual = matrix.data - mean
    clip = np.bincount(matrix.col, weights=residual, minlength=clips) / (
        clip_weight + np.bincount(matrix.col, minlength=clips)
    )
    residual = residual - clip[matrix.col]
    user = np.bincount(matrix.row, weights=residual, minlength=people) / (
        user_weight + np.bincount(matrix.row, minlength=people)
    )
    return RatingBiases(mean, user, clip)
