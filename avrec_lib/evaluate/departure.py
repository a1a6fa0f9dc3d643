"""How far the order in which a metric puts recommenders departs from the order of what they are truly worth.

Only a simulated platform knows the truth, so only there can a metric itself be put to the test.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from avrec_lib.evaluate.uncertainty import resampled_means
from avrec_lib.world.oracle import Objective, Oracle
from avrec_lib.world.response import SLATE

__all__ = ["agreement_with_truth", "kendall_tau", "true_value"]


def true_value(
    lists: Mapping[str, pd.DataFrame],
    people: pd.Index,
    oracle: Oracle,
    day: float,
    *,
    objective: Objective = "clicks",
) -> pd.DataFrame:
    """Ask the truth what each person's list would bring.

    Parameters
    ----------
    lists : Mapping of str to DataFrame
        Lists of each recommender; as many places are read as a slate has.
    people : Index (n,)
        Everybody asked for. A person without a list gets nothing from it: 0.
    oracle : Oracle
        The truth.
    day : float
        Days since the log began at which the lists are shown.
    objective : {"clicks", "watch_seconds"}
        In what to count.

    Returns
    -------
    DataFrame (n, n_recommenders)
        Expected clicks or seconds of one slate.
    """
    names = pd.Index(people, name="user_id")
    return pd.DataFrame(
        {
            name: oracle.value(table[table["rank"] <= SLATE], day)[objective].reindex(names, fill_value=0.0)
            if len(table)
            else pd.Series(0.0, index=names)
            for name, table in lists.items()
        }
    )


def kendall_tau(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    r"""Return how alike two orders are, of the last axis, ties allowed (tau-b).

    .. math:: \tau_b = \frac{\sum_{i<j} s_{ij} t_{ij}}{\sqrt{\sum_{i<j} s_{ij}^2 \, \sum_{i<j} t_{ij}^2}}, \qquad
              s_{ij} = \operatorname{sign}(a_i - a_j), \; t_{ij} = \operatorname{sign}(b_i - b_j)

    Parameters
    ----------
    first, second : ndarray (..., m)
        Values to be ordered, m at least 2.

    Returns
    -------
    ndarray (...)
        1 where all pairs stand the same way, -1 where none does; NaN where one of the two has only ties.

    Notes
    -----
    Kendall, "The treatment of ties in ranking problems" (1945).
    """
    i, j = np.triu_indices(first.shape[-1], 1)
    s, t = np.sign(first[..., i] - first[..., j]), np.sign(second[..., i] - second[..., j])
    size = np.sqrt((s * s).sum(axis=-1) * (t * t).sum(axis=-1))
    return np.divide((s * t).sum(axis=-1), size, out=np.full(size.shape, np.nan), where=size > 0.0)


def agreement_with_truth(
    by_person: pd.DataFrame, truth: pd.DataFrame, *, seed: int, level: float = 0.95, n_resamples: int = 2000
) -> pd.DataFrame:
    r"""Hold the order of recommenders by each metric against the order by their true value.

    Parameters
    ----------
    by_person : DataFrame (n, ...)
        As in :class:`~avrec_lib.evaluate.contest.Measured`: columns ``(recommender, metric)``, every recommender with
        the same metrics.
    truth : DataFrame (n, m)
        From :func:`true_value`: the same people and recommenders, m at least 2.
    seed, level, n_resamples
        Of the bootstrap over people, as for :func:`~avrec_lib.evaluate.uncertainty.bootstrap_table`.

    Returns
    -------
    DataFrame
        One row a metric: Kendall's ``tau``; ``low`` and ``high``, its interval, had other people been asked;
        ``chosen``, the recommender that the metric likes best; and ``lost``, the share of the best one's true value
        that choosing it gives away.

    Raises
    ------
    ValueError
        If people or recommenders of the two do not agree, or there are fewer than two recommenders.
    """
    names = by_person.columns.get_level_values(0).unique()
    if set(names) != set(truth.columns) or len(names) < 2 or not by_person.index.equals(truth.index):
        raise ValueError(
            "by_person and truth must hold the same people in the same order, and the same recommenders, two or more"
        )
    labels = by_person[names[0]].columns
    columns = [(name, label) for label in labels for name in names]
    data = np.hstack([by_person[columns].to_numpy(dtype=np.float64), truth[names].to_numpy(dtype=np.float64)])

    def tau(means: np.ndarray) -> np.ndarray:
        split = means.reshape(len(means), len(labels) + 1, len(names))
        return kendall_tau(split[:, :-1], split[:, -1:])

    means = np.nanmean(data, axis=0)[None]
    drawn = tau(resampled_means(data, seed=seed, n_resamples=n_resamples))
    low, high = np.nanquantile(drawn, [(1.0 - level) / 2.0, (1.0 + level) / 2.0], axis=0)
    worth = means[0, -len(names) :]
    judged = means[0, : -len(names)].reshape(len(labels), len(names))
    chosen = np.argmax(np.where(np.isnan(judged), -np.inf, judged), axis=1)
    return pd.DataFrame(
        {
            "tau": tau(means)[0],
            "low": low,
            "high": high,
            "chosen": names[chosen],
            "lost": 1.0 - worth[chosen] / worth.max(),
        },
        index=labels.rename("metric"),
    )
