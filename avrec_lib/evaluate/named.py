"""What recommenders are asked, what they say, and every metric of it by its name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from avrec_lib.content.features import FeatureTable
from avrec_lib.evaluate import beyond_accuracy, metrics
from avrec_lib.evaluate.lists import full_lists
from avrec_lib.evaluate.metrics import Judged
from avrec_lib.recommend.popularity import Popularity

__all__ = ["ACCURACY", "METRICS", "Answer", "Metric", "Question"]


@dataclass(frozen=True)
class Question:
    """What every recommender of a contest is asked.

    Attributes
    ----------
    people : Index (n,)
        Everybody who liked something new in the part held back, sorted.
    relevant : DataFrame
        ``user_id, item_id, value``: what they liked.
    known : DataFrame
        The ``interactions`` schema: what was known of everybody, histories of new people among it.
    catalogue : Index
        The items on offer.
    k : int
        Length of list.
    features : FeatureTable or None
        By which items are alike or not.
    """

    people: pd.Index
    relevant: pd.DataFrame
    known: pd.DataFrame
    catalogue: pd.Index
    k: int
    features: FeatureTable | None = None

    @cached_property
    def plain_lists(self) -> pd.DataFrame:
        """What popularity alone would recommend, the measure of the unexpected."""
        return full_lists(Popularity().fit(self.known), self.people, k=self.k, candidates=self.catalogue)


@dataclass(frozen=True)
class Answer:
    """What one recommender said.

    Attributes
    ----------
    question : Question
        What it was asked.
    lists : DataFrame
        ``user_id, item_id, score, rank``.
    judged : Judged
        The lists held against what was liked.
    """

    question: Question
    lists: pd.DataFrame
    judged: Judged


Metric = Callable[[Answer], "pd.Series | float"]
"""A metric: one number a person (a Series by user_id), or one for all lists together."""


def _diversity(answer: Answer) -> pd.Series:
    if answer.question.features is None:
        raise ValueError("intra_list_diversity needs features=, a FeatureTable by which items are alike or not")
    return beyond_accuracy.intra_list_diversity(answer.lists, answer.question.features, k=answer.question.k)


def _gini(answer: Answer) -> float:
    if answer.lists.empty:
        return float("nan")
    return beyond_accuracy.gini(answer.lists, answer.question.catalogue, k=answer.question.k)


METRICS: Mapping[str, Metric] = {
    "ndcg": lambda answer: metrics.ndcg(answer.judged),
    "ndcg_linear": lambda answer: metrics.ndcg(answer.judged, gain="linear"),
    "ndcg_exponential": lambda answer: metrics.ndcg(answer.judged, gain="exponential"),
    "precision": lambda answer: metrics.precision(answer.judged),
    "recall": lambda answer: metrics.recall(answer.judged),
    "f1": lambda answer: metrics.f1(answer.judged),
    "hit_rate": lambda answer: metrics.hit_rate(answer.judged),
    "reciprocal_rank": lambda answer: metrics.reciprocal_rank(answer.judged),
    "average_precision": lambda answer: metrics.average_precision(answer.judged),
    "average_precision_relevant": lambda answer: metrics.average_precision(answer.judged, over="relevant"),
    "accuracy": lambda answer: metrics.accuracy(answer.judged, len(answer.question.catalogue)),
    "fill_rate": lambda answer: beyond_accuracy.fill_rate(answer.lists, answer.question.people, k=answer.question.k),
    "novelty": lambda answer: beyond_accuracy.novelty(answer.lists, answer.question.known, k=answer.question.k),
    "intra_list_diversity": _diversity,
    "serendipity": lambda answer: beyond_accuracy.serendipity(
        answer.lists, answer.question.relevant, answer.question.plain_lists, k=answer.question.k
    ),
    "coverage": lambda answer: beyond_accuracy.coverage(answer.lists, answer.question.catalogue, k=answer.question.k),
    "gini": _gini,
    "personalisation": lambda answer: beyond_accuracy.personalisation(answer.lists, k=answer.question.k),
}
"""The metrics that have a name. ``average_precision`` is over what is attainable, ``..._relevant`` over all."""

ACCURACY = ("ndcg", "precision", "recall", "hit_rate", "reciprocal_rank", "average_precision")
"""The six that :func:`~avrec_lib.evaluate.contest.evaluate` takes when none are named."""
