"""What no log can say: what people would have liked, and what a slate or a policy is worth.

Only chapters, evaluation and tests may ask: a recommender that could see the
truth would be worthless.
"""

from typing import Literal, Protocol

import numpy as np
import pandas as pd

from avrec_lib.world.response import EXAMINATION, SESSION_MOOD, SLATE, click_chance, expected_watch
from avrec_lib.world.tastes import Tastes
from avrec_lib.world.utility import MOOD_WEIGHT, EncodedClips, encode_clips, utility

__all__ = ["Objective", "Oracle"]

Objective = Literal["clicks", "watch_seconds"]
"""What a slate is to bring."""

_NODES = 15


class _Truth(Protocol):
    @property
    def clips(self) -> pd.DataFrame: ...

    @property
    def tastes(self) -> Tastes: ...


class _World(Protocol):
    @property
    def truth(self) -> _Truth: ...


class Oracle:
    """The truth about a world, ready to be asked.

    The value of a slate is exact: looks depend on position alone, so it is a sum
    over positions, and a session's mood, which shifts utility by a normal amount,
    is integrated by Gauss-Hermite quadrature. Values are those of a session's
    first slate; what later slates bring depends on who stays
    (:func:`avrec_lib.world.behaviour.simulate_sessions`).

    Parameters
    ----------
    world : World
        Anything with ``truth.clips`` (the catalogue's columns, indexed by clip_id) and ``truth.tastes``.
    """

    def __init__(self, world: _World) -> None:
        clips = world.truth.clips
        self._tastes = world.truth.tastes
        self._clip_ids = pd.Index(clips.index, dtype=str)
        self._clips = encode_clips(clips)
        self._durations = clips["duration_seconds"].to_numpy(dtype=np.float64)
        mood = clips[["valence", "arousal"]].to_numpy(dtype=np.float64)
        # Utility holds 2 w m.s for a session's mood s: normal, with this standard deviation.
        self._mood_effect = 2.0 * MOOD_WEIGHT * SESSION_MOOD * np.sqrt((mood**2).sum(axis=1))

    def _columns(self, clip_ids: pd.Index | pd.Series | np.ndarray | list[str]) -> np.ndarray:
        wanted = pd.Index(clip_ids)
        columns = self._clip_ids.get_indexer(wanted)
        if (columns < 0).any():
            raise KeyError(f"no such clips: {', '.join(map(str, wanted[columns < 0].unique()[:5]))}")
        return columns

    def _pick(self, columns: np.ndarray) -> EncodedClips:
        blocks = {name: block[columns] for name, block in self._clips.columns.items()}
        return EncodedClips(blocks, self._clips.release_day[columns])

    def utility(
        self,
        user_ids: pd.Index | pd.Series | np.ndarray | list[str],
        clip_ids: pd.Index | pd.Series | np.ndarray | list[str],
        day: float,
    ) -> np.ndarray:
        """Return the true utility, in a session of average mood.

        Parameters
        ----------
        user_ids : sequence of str (n_users,)
            People; bots have no tastes.
        clip_ids : sequence of str (n_clips,)
            Clips; one that is not released yet is judged as if it were new.
        day : float
            Days since the log began. Behaviour uses the whole day's number.

        Returns
        -------
        ndarray float32 (n_users, n_clips)
            Log-odds of a click, given a look.

        Raises
        ------
        KeyError
            If a person or a clip does not exist.
        """
        return utility(self._tastes.take(self._tastes.rows(user_ids)), self._pick(self._columns(clip_ids)), day)

    def expected(
        self,
        user_ids: pd.Index | pd.Series | np.ndarray | list[str],
        clip_ids: pd.Index | pd.Series | np.ndarray | list[str],
        day: float,
        *,
        objective: Objective = "clicks",
    ) -> np.ndarray:
        """Return what each clip would bring if the person looked at it, over all moods of a session.

        Parameters
        ----------
        user_ids, clip_ids, day
            As for :meth:`utility`.
        objective : {"clicks", "watch_seconds"}
            What to expect.

        Returns
        -------
        ndarray float64 (n_users, n_clips)
            Chance of a click, or seconds watched.

        Raises
        ------
        KeyError
            If a person or a clip does not exist.
        ValueError
            If the objective is not known.
        """
        if objective not in ("clicks", "watch_seconds"):
            raise ValueError(f"objective is 'clicks' or 'watch_seconds', got {objective!r}")
        columns = self._columns(clip_ids)
        centre = self.utility(user_ids, clip_ids, day).astype(np.float64)
        nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES)
        total = np.zeros(centre.shape)
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            shifted = centre + node * self._mood_effect[columns]
            chance = (
                click_chance(shifted) if objective == "clicks" else expected_watch(shifted, self._durations[columns])
            )
            total += weight * chance
        return total

    def released(self, day: float) -> pd.Index:
        """Return the clips that are released by a moment.

        Parameters
        ----------
        day : float
            Days since the log began.

        Returns
        -------
        Index of str
            Clip ids in the catalogue's order.
        """
        return self._clip_ids[self._clips.release_day <= day]

    def best_slate(
        self,
        user_ids: pd.Index | pd.Series | np.ndarray | list[str],
        day: float,
        k: int = SLATE,
        candidates: pd.Index | pd.Series | np.ndarray | list[str] | None = None,
        *,
        objective: Objective = "clicks",
    ) -> pd.DataFrame:
        """Return the slate that no other slate beats.

        Looks grow rarer down the slate, so the best order is by falling expectation.

        Parameters
        ----------
        user_ids : sequence of str (n_users,)
            People.
        day : float
            Days since the log began.
        k : int
            Length of the slate, 1 to 10 to be looked at; longer lists may be asked for.
        candidates : sequence of str, optional
            Clips to choose from; those released by `day` by default.
        objective : {"clicks", "watch_seconds"}
            What the slate is to bring.

        Returns
        -------
        DataFrame
            ``user_id``, ``item_id``, ``score`` (see :meth:`expected`), ``rank`` (1 is the top).

        Raises
        ------
        KeyError
            If a person or a clip does not exist.
        ValueError
            If there are fewer than `k` candidates.
        """
        choice = self.released(day) if candidates is None else pd.Index(candidates)
        if not 1 <= k <= len(choice):
            raise ValueError(f"a slate of k={k} needs 1 <= k <= {len(choice)}, the number of candidates on day {day}")
        people = pd.Index(user_ids)
        worth = self.expected(people, choice, day, objective=objective)
        order = np.argsort(-worth, axis=1, kind="stable")[:, :k]
        return pd.DataFrame(
            {
                "user_id": people.repeat(k),
                "item_id": choice.take(order.ravel()),
                "score": np.take_along_axis(worth, order, axis=1).ravel(),
                "rank": np.tile(np.arange(1, k + 1), len(people)),
            }
        )

    def value(
        self,
        policy: pd.DataFrame | np.ndarray,
        day: float,
        *,
        user_ids: pd.Index | pd.Series | np.ndarray | list[str] | None = None,
        clip_ids: pd.Index | pd.Series | np.ndarray | list[str] | None = None,
    ) -> pd.DataFrame:
        """Return what a policy's slates bring, exactly and also where no log has been.

        Parameters
        ----------
        policy : DataFrame or ndarray (n_users, k, n_clips)
            Slates with ``user_id``, ``item_id`` and ``rank`` from 1 to 10; or, for a policy that rolls
            dice, the chance of each clip at each of k <= 10 positions, rows summing to at most 1.
        day : float
            Days since the log began.
        user_ids, clip_ids : sequence of str
            What the axes of an array mean; not used with slates.

        Returns
        -------
        DataFrame
            Indexed by ``user_id``: expected ``clicks`` and ``watch_seconds`` of one slate. The value of the
            policy is the mean.

        Raises
        ------
        KeyError
            If a person or a clip does not exist.
        ValueError
            If ranks are out of range or taken twice, a clip is shown twice, or an array's shape or sums do not fit.
        """
        if isinstance(policy, pd.DataFrame):
            return self._value_of_slates(policy, day)
        if user_ids is None or clip_ids is None:
            raise ValueError("an array of probabilities needs user_ids and clip_ids, which say what its axes mean")
        people, clips = pd.Index(user_ids, name="user_id"), pd.Index(clip_ids)
        if policy.ndim != 3 or policy.shape[::2] != (len(people), len(clips)) or not 1 <= policy.shape[1] <= SLATE:
            raise ValueError(f"probabilities must be ({len(people)}, 1 to {SLATE}, {len(clips)}), got {policy.shape}")
        if (policy < 0.0).any() or (policy.sum(axis=2) > 1.0 + 1e-6).any():
            raise ValueError("the chances of the clips at one position must not be negative nor sum to more than 1")
        # Chance that each clip is shown and looked at.
        looks = np.einsum("ukc,k->uc", policy, EXAMINATION[: policy.shape[1]])
        objectives: tuple[Objective, ...] = ("clicks", "watch_seconds")
        worth = {name: (looks * self.expected(people, clips, day, objective=name)).sum(axis=1) for name in objectives}
        return pd.DataFrame(worth, index=people)

    def _value_of_slates(self, slates: pd.DataFrame, day: float) -> pd.DataFrame:
        missing = {"user_id", "item_id", "rank"} - set(slates.columns)
        if missing:
            raise ValueError(f"slates need the columns user_id, item_id and rank; missing {sorted(missing)}")
        rank = slates["rank"].to_numpy(dtype=np.int64)
        if ((rank < 1) | (rank > SLATE)).any():
            raise ValueError(f"ranks must be 1 to {SLATE}, got {rank.min()} to {rank.max()}")
        for column in ("rank", "item_id"):
            twice = slates.duplicated(["user_id", column])
            if twice.any():
                row = slates[twice].iloc[0]
                raise ValueError(f"the slate of {row['user_id']} holds {column} {row[column]} twice")
        people, person = np.unique(slates["user_id"].to_numpy(dtype=object), return_inverse=True)
        clips, clip = np.unique(slates["item_id"].to_numpy(dtype=object), return_inverse=True)
        value = {}
        objectives: tuple[Objective, ...] = ("clicks", "watch_seconds")
        for name in objectives:
            worth = self.expected(pd.Index(people), pd.Index(clips), day, objective=name)[person, clip]
            value[name] = np.bincount(person, EXAMINATION[rank - 1] * worth, minlength=len(people))
        return pd.DataFrame(value, index=pd.Index(people, name="user_id", dtype=str))

    def regret(
        self,
        slates: pd.DataFrame,
        day: float,
        *,
        candidates: pd.Index | pd.Series | np.ndarray | list[str] | None = None,
        objective: Objective = "clicks",
    ) -> pd.Series:
        """Return what each person loses by a slate, against the best one of ten.

        Parameters
        ----------
        slates : DataFrame
            ``user_id``, ``item_id``, ``rank``.
        day : float
            Days since the log began.
        candidates : sequence of str, optional
            Clips that could have been shown; those released by `day` by default.
        objective : {"clicks", "watch_seconds"}
            In what to count.

        Returns
        -------
        Series
            By ``user_id``: expected clicks or seconds lost; negative only if the slate
            holds clips outside `candidates`.

        Raises
        ------
        KeyError, ValueError
            As for :meth:`value` and :meth:`best_slate`.
        """
        mine = self.value(slates, day)[objective]
        n_candidates = len(self.released(day)) if candidates is None else len(candidates)
        best = self.best_slate(mine.index, day, min(SLATE, n_candidates), candidates, objective=objective)
        return (self.value(best, day)[objective] - mine).rename("regret")
