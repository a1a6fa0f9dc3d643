"""Hold several recommenders against the same people, the same items and the same lengths of list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from sklearn.base import clone
from tqdm import tqdm

from avrec_lib.content.features import FeatureTable, Ids
from avrec_lib.evaluate.answers import refuse_answers, refuse_seen, relevant_pairs
from avrec_lib.evaluate.lists import full_lists, sampled_lists
from avrec_lib.evaluate.metrics import judge
from avrec_lib.evaluate.named import ACCURACY, METRICS, Answer, Metric, Question
from avrec_lib.evaluate.uncertainty import bootstrap_table
from avrec_lib.prepare.holdouts import Parts
from avrec_lib.prepare.splits import Split, refuse_later
from avrec_lib.recommend.base import ItemFeatures, Recommender
from avrec_lib.recommend.histories import sorted_ids
from avrec_lib.tables import require_columns

__all__ = ["Measured", "evaluate", "measure"]


@dataclass(frozen=True)
class Measured:
    """What a contest gave, person by person.

    Attributes
    ----------
    by_person : DataFrame (n, n_recommenders * n_metrics)
        One row a person of the question (index ``user_id``), columns ``(recommender, metric)``. Where a person got no
        list, what counts right items is 0, and what describes a list is NaN.
    overall : Series
        The metrics that describe all lists together, indexed by ``(recommender, metric)``.
    unanswered : Series (n_recommenders,)
        How many people got no list.
    lists : Mapping of str to DataFrame
        What each recommender said.
    question : Question
        What all were asked.
    """

    by_person: pd.DataFrame
    overall: pd.Series
    unanswered: pd.Series
    lists: Mapping[str, pd.DataFrame]
    question: Question

    def table(self, *, seed: int = 0, level: float = 0.95, n_resamples: int = 2000) -> pd.DataFrame:
        """Summarise: the mean over people of each metric, with a bootstrap interval.

        Parameters
        ----------
        seed, level, n_resamples
            As for :func:`~avrec_lib.evaluate.uncertainty.bootstrap_table`.

        Returns
        -------
        DataFrame
            Indexed by ``(recommender, metric)``: ``value``, ``low``, ``high``, ``people`` (over how many the mean is
            taken) and ``unanswered`` (how many of the people asked for got no list). A metric of all lists together
            describes these lists, and has no interval.
        """
        rows = pd.DataFrame()
        if len(self.by_person.columns):
            rows = bootstrap_table(self.by_person, seed=seed, level=level, n_resamples=n_resamples)
            rows = rows.rename(columns={"units": "people"})
        answered = len(self.by_person) - self.unanswered
        whole = pd.DataFrame({"value": self.overall, "low": np.nan, "high": np.nan})
        whole["people"] = answered.reindex(whole.index.get_level_values(0)).to_numpy()
        table = pd.concat([part for part in (rows, whole) if len(part)])
        table = table.loc[self.unanswered.index.tolist()]
        table["unanswered"] = self.unanswered.reindex(table.index.get_level_values(0)).to_numpy()
        return table


def measure(
    recommenders: Mapping[str, Recommender],
    split: Split | Parts | tuple[pd.DataFrame, pd.DataFrame],
    metrics: Sequence[str] | Mapping[str, Metric] = ACCURACY,
    k: int = 10,
    *,
    part: Literal["validation", "test"] = "test",
    items: ItemFeatures | Mapping[str, ItemFeatures] | None = None,
    features: FeatureTable | None = None,
    candidates: Ids | None = None,
    history: pd.DataFrame | None = None,
    relevant_from: float = 0.5,
    in_time: bool | None = None,
    negatives: int | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Measured:
    """Ask all recommenders for the lists of the same people, and take every metric of each list.

    What a recommender cannot do counts against it: an item that it cannot score is not recommended, and a person whom
    it cannot serve gets an empty list and stays in every mean of what is right.

    Parameters
    ----------
    recommenders : Mapping of str to Recommender
        By name. One that is not fitted is copied and fitted on what is known before the part; one that is fitted is
        taken as it is, if it has seen none of the answers.
    split : Split, Parts, or pair of DataFrame
        The ``interactions`` schema, cut (:mod:`avrec_lib.prepare`), or what is known and what came next. For
        ``part="test"``, train and validation are known; for ``part="validation"``, train alone. The test part is for
        the end: what was chosen on it is no longer tested by it.
    metrics : sequence of str, or Mapping of str to Metric
        Names in :data:`METRICS`, or functions of your own by name.
    k : int
        Length of list.
    part : {"validation", "test"}
        Which part is held back.
    items : FeatureTable, sequence of FeatureTable, or Mapping of str to these, optional
        What is given to ``fit`` as ``items=``: to all, or by the recommender's name; those not named get none.
    features : FeatureTable, optional
        By which diversity tells items apart.
    candidates : sequence, optional
        The items on offer; default every item that one of the recommenders knows, of which each lists what it can
        score.
    history : DataFrame, optional
        Interactions of people who are not in what is known, shown to the recommenders but not fitted: see
        :func:`~avrec_lib.prepare.holdouts.first_rows`. Leave those rows out of the split. A person's rows are not
        later than what the person is asked for.
    relevant_from : float
        The least value that counts as liked.
    in_time : bool, optional
        Whether all that is known must be earlier than all that is asked for; default true, but for Parts, which claim
        nothing of the kind.
    negatives : int, optional
        If given, relevant items are ranked among so many drawn items only
        (:func:`~avrec_lib.evaluate.lists.sampled_lists`).
    seed : int
        Seed of these draws.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Measured
        Values of each person, and the lists.

    Raises
    ------
    LeakError
        If what should be cut in time is not, a fitted recommender has seen an answer or was fitted on something as
        late as the answers, or a history gives an answer away (:mod:`~avrec_lib.evaluate.answers`).
    ValueError
        If a metric or a name in ``items`` is not known, nothing is asked for, it should be cut in time and has none, or
        nobody liked anything new.
    """
    wanted = _named(metrics)
    if not recommenders:
        raise ValueError("there is no recommender to measure")
    known, asked = _sides(split, part)
    if asked.empty:
        raise ValueError(f"the part {part} is empty: nobody is asked for anything")
    timed = not isinstance(split, Parts) if in_time is None else in_time
    begins = None
    if timed:
        for table, name in ((known, "what is known"), (asked, f"the part {part}")):
            require_columns(table, ["time"], name)
        begins = asked["time"].min()
        refuse_later(known, begins, what="what is known")
    if history is not None:
        refuse_answers(history, asked, in_time=timed)
    shown = known if history is None else pd.concat([known, history], ignore_index=True)
    relevant = relevant_pairs(shown, asked, relevant_from=relevant_from, candidates=candidates, in_time=False)
    people = pd.Index(relevant["user_id"].unique()).sort_values()
    lists: dict[str, pd.DataFrame] = {}
    tables = _tables(recommenders, items)
    catalogue = _catalogue(recommenders, known, tables) if candidates is None else pd.Index(candidates)
    bar = tqdm(recommenders.items(), desc="recommenders", disable=not progress)
    for name, recommender in bar:
        bar.set_postfix_str(name)
        model: Recommender = recommender
        if hasattr(recommender, "histories_"):
            refuse_seen(recommender, relevant, before=begins, name=name)
        else:
            model = clone(recommender).fit(known, items=tables[name])
        # A copy that was fitted here knows these histories; to hand them over again costs time.
        past = None if model is not recommender and history is None else shown
        if negatives is None:
            lists[name] = full_lists(model, people, k=k, candidates=candidates, history=past)
        else:
            lists[name] = sampled_lists(
                model, people, relevant, shown, k=k, negatives=negatives, seed=seed, candidates=catalogue, history=past
            )
    return _collect(Question(people, relevant, shown, catalogue, k, features), lists, wanted)


def evaluate(
    recommenders: Mapping[str, Recommender],
    split: Split | Parts | tuple[pd.DataFrame, pd.DataFrame],
    metrics: Sequence[str] | Mapping[str, Metric] = ACCURACY,
    k: int = 10,
    *,
    seed: int = 0,
    level: float = 0.95,
    **options: Any,
) -> pd.DataFrame:
    """Measure recommenders and summarise, with intervals.

    Parameters
    ----------
    recommenders, split, metrics, k
        As for :func:`measure`, which also keeps the values of each person and the lists.
    seed : int
        Seed of the bootstrap and of drawn negatives.
    level : float
        How often an interval holds the truth, in (0, 1).
    **options
        The other arguments of :func:`measure`.

    Returns
    -------
    DataFrame
        As :meth:`Measured.table`.

    Raises
    ------
    LeakError, ValueError
        As :func:`measure`.
    """
    return measure(recommenders, split, metrics, k, seed=seed, **options).table(seed=seed, level=level)


def _sides(
    split: Split | Parts | tuple[pd.DataFrame, pd.DataFrame], part: Literal["validation", "test"]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what is known and what is asked for."""
    if part not in ("validation", "test") or (part == "validation" and isinstance(split, tuple)):
        raise ValueError(f"part is 'test', or 'validation' of a split that has one, not {part!r}")
    if isinstance(split, tuple):
        known, asked = split
        return known, asked
    return (split.before_test, split.test) if part == "test" else (split.train, split.validation)


def _tables(
    recommenders: Mapping[str, Recommender], items: ItemFeatures | Mapping[str, ItemFeatures] | None
) -> dict[str, ItemFeatures | None]:
    """Return what each recommender is told of the items."""
    if not isinstance(items, Mapping):
        return dict.fromkeys(recommenders, items)
    unknown = [name for name in items if name not in recommenders]
    if unknown:
        raise ValueError(f"items= names {unknown}, but the recommenders are {', '.join(recommenders)}")
    return {name: items.get(name) for name in recommenders}


def _catalogue(
    recommenders: Mapping[str, Recommender], known: pd.DataFrame, tables: Mapping[str, ItemFeatures | None]
) -> pd.Index:
    """Return every item that one of them knows, before any is fitted, so that all are asked one question."""
    ids: list[Ids] = []
    for name, recommender in recommenders.items():
        told = tables[name]
        if hasattr(recommender, "item_ids_"):
            ids.append(recommender.item_ids_)
            continue
        ids.append(known["item_id"].unique())
        ids += [table.ids for table in ((told,) if isinstance(told, FeatureTable) else told or ())]
    return sorted_ids(np.concatenate([np.asarray(one, dtype=object) for one in ids]))


def _named(wanted: Sequence[str] | Mapping[str, Metric]) -> dict[str, Metric]:
    if isinstance(wanted, Mapping):
        return dict(wanted)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in names if name not in METRICS]
    if unknown or not names:
        raise ValueError(f"there are no metrics called {unknown}; there are {', '.join(METRICS)}")
    return {name: METRICS[name] for name in names}


def _collect(question: Question, lists: Mapping[str, pd.DataFrame], wanted: Mapping[str, Metric]) -> Measured:
    """Take every metric of every recommender's lists."""
    by_person: dict[tuple[str, str], pd.Series] = {}
    whole: dict[tuple[str, str], float] = {}
    unanswered = {}
    for name, table in lists.items():
        answer = Answer(question, table, judge(table, question.relevant, k=question.k))
        unanswered[name] = int((answer.judged.n_shown == 0).sum())
        for metric, take in wanted.items():
            value, column = take(answer), (name, f"{metric}@{question.k}")
            if isinstance(value, pd.Series):
                by_person[column] = value.reindex(question.people).astype(np.float64)
            else:
                whole[column] = float(value)
    return Measured(
        pd.DataFrame(by_person, index=question.people.rename("user_id"), columns=_columns(by_person)),
        pd.Series(whole, index=_columns(whole), dtype=np.float64),
        pd.Series(unanswered, name="unanswered"),
        dict(lists),
        question,
    )


def _columns(named: Mapping[tuple[str, str], object]) -> pd.MultiIndex:
    return pd.MultiIndex.from_tuples(list(named), names=["recommender", "metric"])
