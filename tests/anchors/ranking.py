"""The four figures that Microsoft Recommenders publishes, of lists of ten."""

import pandas as pd

from avrec_lib.evaluate import metrics
from avrec_lib.recommend import Recommender


def top_ten(model: Recommender, people: pd.Index, *, met_since_fit: pd.DataFrame | None = None) -> pd.DataFrame:
    """Recommend ten items to each, none from train and none of ``met_since_fit``, which the model has not learned."""
    if met_since_fit is None:
        return model.recommend(people, k=10)
    spare = int(met_since_fit.groupby("user_id").size().max())
    lists = model.recommend(people, k=10 + spare)
    pairs = ["user_id", "item_id"]
    met = pd.MultiIndex.from_frame(lists[pairs]).isin(pd.MultiIndex.from_frame(met_since_fit[pairs]))
    lists = lists[~met].copy()
    lists["rank"] = lists.groupby("user_id").cumcount() + 1
    return lists[lists["rank"] <= 10]


def figures(lists: pd.DataFrame, test: pd.DataFrame) -> pd.Series:
    """Return nDCG, precision, recall and MAP at 10, means over the people of ``test``; every row of it is relevant.

    MAP divides each person's sum by the number of all relevant items, also where that is more than ten.
    """
    judged = metrics.judge(lists, test[["user_id", "item_id"]], k=10)
    return pd.Series(
        {
            "ndcg": metrics.ndcg(judged).mean(),
            "precision": metrics.precision(judged).mean(),
            "recall": metrics.recall(judged).mean(),
            "map": metrics.average_precision(judged, over="relevant").mean(),
        }
    )
