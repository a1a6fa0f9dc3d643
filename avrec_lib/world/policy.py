"""Who decides what is shown: the platform's own policy, and any recommender in its place."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from avrec_lib.world.response import SLATE
from avrec_lib.world.tastes import person_ids

__all__ = ["Policy", "Request", "logging_policy", "plackett_luce", "ranked_policy", "score_policy"]


@dataclass(frozen=True)
class Request:
    """People who wait for a slate.

    Attributes
    ----------
    people : ndarray (m,)
        Row number of each person in the world.
    n_people : int
        Number of people in the world.
    day : int
        Day of the log.
    available : ndarray of bool (m, n_clips)
        Clips that may be shown: released, and not yet shown in this session. At least ten a row.
    popularity : ndarray (n_clips,)
        Clicks so far, older ones counting less.
    wanted : ndarray (m, n_clips)
        How many of the things that the person searched for in this session the
        clip's text names (0, 1 or 2): its topic and its series. The platform reads
        texts; it neither sees nor hears.
    """

    people: np.ndarray
    n_people: int
    day: int
    available: np.ndarray
    popularity: np.ndarray
    wanted: np.ndarray


Policy = Callable[[Request, np.random.Generator], tuple[np.ndarray, np.ndarray]]
"""From a request to slates: clip numbers (m, 10), the top first, and their propensities (m, 10)."""


def plackett_luce(weights: np.ndarray, rng: np.random.Generator, k: int = SLATE) -> tuple[np.ndarray, np.ndarray]:
    """Draw k items a row without replacement, each in proportion to its weight among those that are left.

    Sorting log-weights with Gumbel noise gives exactly this distribution (Kool,
    van Hoof and Welling, 2019, "Stochastic beams and where to find them").

    Parameters
    ----------
    weights : ndarray (m, n)
        Not negative; zero is never drawn. At least `k` positive ones a row.
    rng : Generator
        Source of chance.
    k : int
        Items to draw.

    Returns
    -------
    items : ndarray int64 (m, k)
        In the order in which they were drawn.
    propensity : ndarray float64 (m, k)
        Chance of each item at its place, given those drawn before it.

    Raises
    ------
    ValueError
        If a row has fewer than `k` positive weights.
    """
    positive = (weights > 0.0).sum(axis=1)
    if (positive < k).any():
        row = int(np.argmin(positive))
        raise ValueError(f"row {row} has {positive[row]} positive weights; {k} are needed to fill a slate")
    with np.errstate(divide="ignore"):
        noisy = np.log(weights) + rng.gumbel(size=weights.shape)
    best = np.argpartition(-noisy, k - 1, axis=1)[:, :k]
    order = np.argsort(-np.take_along_axis(noisy, best, axis=1), axis=1)
    items = np.take_along_axis(best, order, axis=1)
    drawn = np.take_along_axis(weights, items, axis=1)
    # What is left is added up, not subtracted from the whole: a slate that empties the row must end with chance 1.
    rest = weights.copy()
    np.put_along_axis(rest, items, 0.0, axis=1)
    left = rest.sum(axis=1, keepdims=True) + np.cumsum(drawn[:, ::-1], axis=1)[:, ::-1]
    return items, drawn / np.maximum(left, drawn)


def logging_policy(*, exploration: float = 0.8, sharpness: float = 1.0, answer: float = 25.0) -> Policy:
    """Return the policy that wrote the log: popularity plus exploration, turned to the search if there was one.

    Parameters
    ----------
    exploration : float
        Share of chance that is spread evenly over all clips that may be shown, in (0, 1].
    sharpness : float
        Power of popularity.
    answer : float
        What each match with the session's search adds to a clip's weight, which is otherwise multiplied by 1.

    Returns
    -------
    Policy
        Plackett-Luce, with exact propensities.

    Raises
    ------
    ValueError
        If `exploration` is not in (0, 1]: without any, propensities could be zero.
    """
    if not 0.0 < exploration <= 1.0:
        raise ValueError(f"exploration is a share in (0, 1], got {exploration}")

    def policy(request: Request, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        popular = request.available * (request.popularity + 1.0) ** sharpness
        popular /= popular.sum(axis=1, keepdims=True)
        even = request.available / request.available.sum(axis=1, keepdims=True)
        weights = (1.0 - exploration) * popular + exploration * even
        return plackett_luce(weights * (1.0 + answer * request.wanted), rng)

    return policy


def score_policy(scores: np.ndarray) -> Policy:
    """Return the policy that shows each person the available clips with the highest scores.

    Parameters
    ----------
    scores : ndarray (n_people, n_clips)
        One row a person of the world, or a single row (1, n_clips) for everybody.

    Returns
    -------
    Policy
        Deterministic: its propensities are 1.
    """

    def policy(request: Request, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        rows = scores[request.people if len(scores) > 1 else np.zeros_like(request.people)]
        open_scores = np.where(request.available, rows, -np.inf)
        best = np.argpartition(-open_scores, SLATE - 1, axis=1)[:, :SLATE]
        order = np.argsort(-np.take_along_axis(open_scores, best, axis=1), axis=1, kind="stable")
        clips = np.take_along_axis(best, order, axis=1)
        return clips, np.ones(clips.shape)

    return policy


def ranked_policy(recommend: Callable[[pd.Index, int], pd.DataFrame], clip_ids: pd.Index, *, depth: int = 80) -> Policy:
    """Return the policy that shows a recommender's lists, ten by ten.

    Parameters
    ----------
    recommend : callable
        ``recommend(user_ids, k)`` returns a DataFrame with ``user_id``, ``item_id``
        and ``rank`` (1 is the top), as every recommender of the library does.
    clip_ids : Index (n_clips,)
        Ids of the catalogue, in order.
    depth : int
        Length of the list that is asked for. Clips beyond it are shown, in the
        catalogue's order, only when the list has run out.

    Returns
    -------
    Policy
        Deterministic: its propensities are 1.
    """

    def policy(request: Request, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        people = np.unique(request.people)
        ids = person_ids(request.n_people, people)
        lists = recommend(ids, depth)
        row = ids.get_indexer(pd.Index(lists["user_id"]))
        clip = clip_ids.get_indexer(pd.Index(lists["item_id"]))
        if (row < 0).any() or (clip < 0).any():
            worst = lists[(row < 0) | (clip < 0)].iloc[0]
            raise ValueError(
                f"recommended {worst['item_id']!r} to {worst['user_id']!r}: no such clip, or not asked for"
            )
        scores = np.full((len(people), len(clip_ids)), -np.inf)
        scores[:] = -1e6 - np.arange(len(clip_ids))
        scores[row, clip] = -lists["rank"].to_numpy(dtype=np.float64)
        place = np.searchsorted(people, request.people)
        shown = replace(request, people=place, n_people=len(people))
        return score_policy(scores if len(people) > 1 else scores[:1])(shown, rng)

    return policy
