"""Which recommender is better than a baseline, on the same people, and how sure that is."""

from collections.abc import Sequence
from typing import Literal

import pandas as pd

from avrec_lib.evaluate.contest import Measured
from avrec_lib.evaluate.significance import holm, paired_t_test, sign_flip_test
from avrec_lib.evaluate.uncertainty import Interval, bootstrap_table

__all__ = ["compare"]


def compare(
    measured: Measured,
    baseline: str,
    *,
    metrics: Sequence[str] | None = None,
    test: Literal["sign-flip", "t"] = "sign-flip",
    level: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Hold every recommender against one of them, person by person.

    A difference is called *better* or *worse* only if its own interval leaves zero out and its p, adjusted for all rows
    of the table (Holm), is small enough too. Everything else reads *no difference shown*: which is not *no difference*;
    :func:`~avrec_lib.evaluate.significance.detectable` tells what could have been shown.

    Parameters
    ----------
    measured : Measured
        What :func:`~avrec_lib.evaluate.contest.measure` gave.
    baseline : str
        Name of the recommender to compare with.
    metrics : sequence of str, optional
        Names with their k, such as ``"ndcg@10"``; default all that have one value a person. The more there are,
        the larger each adjusted p.
    test : {"sign-flip", "t"}
        Which test gives p.
    level : float
        Of the intervals; ``1 - level`` is the limit of the adjusted p.
    seed : int
        Seed of the bootstrap and of the test.

    Returns
    -------
    DataFrame
        Indexed by ``(recommender, metric)``: ``difference`` (recommender minus baseline, mean over people), ``low``,
        ``high``, ``p``, ``p_adjusted``, ``people`` (who have both values) and ``verdict``.

    Raises
    ------
    ValueError
        If the baseline or a metric was not measured, there is nothing to compare, or fewer than two people have both
        values.
    """
    values = measured.by_person
    names = values.columns.get_level_values("recommender").unique()
    if baseline not in names or len(names) < 2:
        raise ValueError(f"baseline {baseline!r} and at least one other must have been measured; there are {[*names]}")
    known = values[baseline].columns
    chosen = list(known) if metrics is None else list(metrics)
    unknown = [metric for metric in chosen if metric not in known]
    if unknown or not chosen:
        raise ValueError(f"there are no metrics {unknown} of each person; there are {[*known]}")
    if test not in ("sign-flip", "t"):
        raise ValueError(f"test is 'sign-flip' or 't', not {test!r}")
    differences = pd.concat(
        {name: values[name][chosen] - values[baseline][chosen] for name in names if name != baseline},
        axis=1,
        names=["recommender", "metric"],
    )
    table = bootstrap_table(differences, seed=seed, level=level).rename(
        columns={"value": "difference", "units": "people"}
    )
    p = sign_flip_test(differences, seed=seed) if test == "sign-flip" else paired_t_test(differences)
    table.insert(3, "p", p)
    table.insert(4, "p_adjusted", holm(p))
    ends = zip(table["difference"], table["low"], table["high"], strict=True)
    alone = pd.Series([Interval(*end, level).verdict for end in ends], index=table.index)
    sure = table["p_adjusted"] <= 1.0 - level
    return table.assign(verdict=alone.where(sure, "no difference shown"))
