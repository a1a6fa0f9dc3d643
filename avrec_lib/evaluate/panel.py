"""What a description of clips knows of what people want, with the people's tastes taken as known."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable
from avrec_lib.match.top_k import top_k
from avrec_lib.world.oracle import Oracle
from avrec_lib.world.tastes import Tastes
from avrec_lib.world.utility import encode_clips

__all__ = ["KNOWABLE", "Panel", "true_attributes"]

KNOWABLE: Mapping[str, tuple[str, ...]] = {
    "text": ("topic", "mood", "series"),
    "sound": ("topic", "mood", "instrument", "creator", "quality"),
    "picture": ("topic", "mood", "pace", "setting", "creator", "quality"),
}
"""Parts of utility by the modality that can know them, as :mod:`avrec_lib.world.utility` plants them."""

_PENALTIES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)


class _Truth(Protocol):
    @property
    def clips(self) -> pd.DataFrame: ...

    @property
    def users(self) -> pd.DataFrame: ...

    @property
    def tastes(self) -> Tastes: ...


class _World(Protocol):
    @property
    def truth(self) -> _Truth: ...


class Panel:
    r"""Ask people what each clip of the past is worth to them, and foretell what clips of the future will be.

    Two things stand between a description of clips and a good list: what the description knows, and how well a
    person's taste is known from a few likes. A panel takes the second away. The oracle tells what everybody thinks of
    every clip of the past; each person's utility is regressed on the description, with one penalty for all,

    .. math:: w_u = \arg\min_w \sum_{i \text{ past}} (y_{ui} - \bar y_u - w^\top z_i)^2 + \lambda \lVert w \rVert^2

    with :math:`z_i` the description less its mean over the past, and the future is ranked by :math:`w_u^\top z_i`. The
    penalty is chosen on other people and on the last week of the past. Source: Hoerl and Kennard, "Ridge regression"
    (1970), equation 2.3.

    Parameters
    ----------
    world : World
        With its truth.
    week, future : float
        Days since the log began: from `week` on, released clips choose the penalty; from `future` on, they are asked.
        Where fewer than two clips came in between, the two latest before `future` choose it.
    day : float
        When they are judged.
    share : float
        Of the people whose lists are judged, and who choose nothing.
    seed : int
        Who these are.

    Attributes
    ----------
    people : Index (n_people,)
        Whose lists are judged.
    clips : Index (n_clips,)
        The clips of the future.

    Raises
    ------
    ValueError
        If there are fewer than two people or clips of a kind.
    """

    def __init__(
        self,
        world: _World,
        *,
        week: float = 21.0,
        future: float = 28.0,
        day: float = 35.0,
        share: float = 1 / 3,
        seed: int = 0,
    ) -> None:
        released = world.truth.clips["release_day"].to_numpy()
        everybody = pd.Index(world.truth.users.index)
        order = np.random.default_rng(seed).permutation(len(everybody))
        n_judged = round(share * len(everybody))
        self._clips = pd.Index(world.truth.clips.index)
        self._past, self._new = np.flatnonzero(released < future), np.flatnonzero(released >= future)
        latest = np.sort(released[self._past])[-2:]
        self._before = np.flatnonzero(released < min([week, *latest]))
        self._last = np.setdiff1d(self._past, self._before)
        self.clips = self._clips[self._new]
        self.people = everybody[np.sort(order[:n_judged])]
        self.others = everybody[np.sort(order[n_judged:])]
        sizes = [len(one) for one in (self._before, self._last, self._new, self.people, self.others)]
        if min(sizes) < 2:
            raise ValueError(
                f"the panel needs two clips at least before the last week, in it and after, and two people on either "
                f"side: it has {sizes}"
            )
        oracle = Oracle(world)
        self._utility = oracle.utility(self.people, self._clips, day).astype(np.float64)
        self._others_utility = oracle.utility(self.others, self._clips, day).astype(np.float64)
        self._worth = oracle.expected(self.people, self.clips, day)
        self._others_worth = oracle.expected(self.others, self._clips[self._last], day)

    @property
    def past(self) -> pd.Index:
        """Clips of the past, whose utility is known."""
        return self._clips[self._past]

    def favourites(self, share: float = 0.1) -> pd.DataFrame:
        """Return what the others like best among clips of the past, for what learns from likes.

        Parameters
        ----------
        share : float
            Of the clips of the past, for each person.

        Returns
        -------
        DataFrame
            ``user_id``, ``item_id``.

        Raises
        ------
        ValueError
            If the share is not above 0 and at most 1.
        """
        if not 0.0 < share <= 1.0:
            raise ValueError(f"share must be above 0 and at most 1, not {share}")
        k = max(2, round(share * len(self._past)))
        best, _ = top_k(self._others_utility[:, self._past], k)
        return pd.DataFrame({"user_id": self.others.repeat(k), "item_id": self.past[best.ravel()]})

    def scores(self, description: FeatureTable) -> np.ndarray:
        """Foretell what the clips of the future are worth to the people.

        Parameters
        ----------
        description : FeatureTable
            Of all clips of the world; one that is absent or left out is taken for average.

        Returns
        -------
        ndarray (n_people, n_clips)
            Expected utility.
        """
        table = description.aligned(self._clips)
        rows = np.where(table.present[:, None], table.matrix, 0.0).astype(np.float64)
        described = self._past[table.present[self._past]]
        if len(described):  # of a past that nothing is said of nothing is learned: all are average
            rows[table.present] -= rows[described].mean(axis=0)
        known = self._others_utility[:, self._before]
        on_last = [
            _ndcg(_regressed(rows, self._before, known, penalty)[:, self._last], self._others_worth).mean()
            for penalty in _PENALTIES
        ]
        penalty = _PENALTIES[int(np.argmax(on_last))]
        return _regressed(rows, self._past, self._utility[:, self._past], penalty)[:, self._new]

    def quality(self, scores: np.ndarray, k: int = 10) -> pd.Series:
        """Judge the first clips of each person's list by what they are truly worth.

        Parameters
        ----------
        scores : ndarray (n_people, n_clips)
            As :meth:`scores` gives them. What is NaN or minus infinity is in no list.
        k : int
            Length of the lists.

        Returns
        -------
        Series (n_people,)
            nDCG, its gain the chance of a click.

        Raises
        ------
        ValueError
            If the scores are of other people or clips.
        """
        if np.shape(scores) != self._worth.shape:
            raise ValueError(f"scores must be of shape {self._worth.shape}, people and clips, not {np.shape(scores)}")
        return pd.Series(_ndcg(scores, self._worth, k), self.people)


def true_attributes(world: _World, modalities: Sequence[str]) -> FeatureTable:
    """Return the truth that some modalities can know at best: the ceiling of what is read off them.

    Parameters
    ----------
    world : World
        With its truth.
    modalities : sequence of str
        Of ``KNOWABLE``.

    Returns
    -------
    FeatureTable
        All clips, with the columns by which :func:`avrec_lib.world.utility.utility` describes them.

    Raises
    ------
    KeyError
        If there is no such modality.
    """
    parts = dict.fromkeys(part for one in modalities for part in KNOWABLE[one])
    columns = encode_clips(world.truth.clips).columns
    matrix = np.concatenate([columns[part] for part in parts], axis=1)
    ids = world.truth.clips.index.to_numpy(dtype=object)
    return FeatureTable(ids, matrix, np.ones(len(ids), dtype=bool), "truth")


def _regressed(rows: np.ndarray, known: np.ndarray, utility: np.ndarray, penalty: float) -> np.ndarray:
    """Regress utility (n_people, n_known) on the rows of known clips, and return it for all clips."""
    learn = rows[known]
    gram = learn.T @ learn
    gram.flat[:: len(gram) + 1] += penalty
    centred = utility - utility.mean(axis=1, keepdims=True)
    return np.asarray((rows @ np.linalg.solve(gram, learn.T @ centred.T)).T)


def _ndcg(scores: np.ndarray, worth: np.ndarray, k: int = 10) -> np.ndarray:
    k = min(k, worth.shape[1])
    discount = 1.0 / np.log2(np.arange(2, k + 2))
    first, _ = top_k(scores, k)
    best = -np.sort(-worth, axis=1)[:, :k]
    gains = np.where(first >= 0, np.take_along_axis(worth, first, axis=1), 0.0)
    return (gains @ discount) / (best @ discount)
