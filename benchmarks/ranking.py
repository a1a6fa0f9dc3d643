"""Offline evaluation: a full ranking for everybody with six metrics, and the metrics alone against ranx.

The recommender is a product of random factors, so that nearly all of the work is that of ranking and judging: its
scores of all items, what people have met left out, the best ten, six metrics, and their bootstrap intervals. The
comparison with ranx begins with lists and liked pairs as tables. Its functions are compiled before the clock starts;
"from tables" holds the making of its Qrels and Run too, as ours holds ``judge``. Times are processor seconds, the
least of several runs: what else the machine does can only add to them.
"""

import platform
import time
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable
from avrec_lib.evaluate import metrics
from avrec_lib.evaluate.contest import Measured, measure
from avrec_lib.evaluate.named import ACCURACY
from avrec_lib.prepare.splits import Split, temporal_split
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories
from benchmarks.command_line import command_line
from benchmarks.memory import most_held

__all__ = ["main"]

K, FACTORS, MET, NEXT = 10, 32, 30, 10
RANX = {
    f"ndcg@{K}": lambda judged: metrics.ndcg(judged, gain="linear"),
    f"precision@{K}": metrics.precision,
    f"recall@{K}": metrics.recall,
    f"hit_rate@{K}": metrics.hit_rate,
    f"mrr@{K}": metrics.reciprocal_rank,
    f"map@{K}": lambda judged: metrics.average_precision(judged, over="relevant"),
}


class RandomFactors(Recommender):
    """Score by the product of random vectors.

    Parameters
    ----------
    seed : int
        Of the vectors.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def _fit(self, histories: Histories, items: tuple[FeatureTable, ...], users: pd.DataFrame | None) -> None:
        rng = np.random.default_rng(self.seed)
        self.people_ = rng.normal(size=(len(histories.user_ids), FACTORS)).astype(np.float32)
        self.items_ = rng.normal(size=(len(self.item_ids_), FACTORS)).astype(np.float32)

    def _score(self, histories: Histories) -> np.ndarray:
        rows = self.histories_.user_ids.get_indexer(histories.user_ids)
        return np.asarray(self.people_[rows] @ self.items_.T)


def make_log(people: int, items: int, seed: int = 0) -> Split:
    """Make up a log in which everybody meets some items, and then some others."""
    rng = np.random.default_rng(seed)
    each = MET + NEXT
    # One step through the items from a place of one's own: no pair comes twice.
    column = (
        rng.integers(0, items, people)[:, None] + np.arange(each) * rng.integers(1, items // each, people)[:, None]
    ) % items
    days = np.where(np.arange(each) < MET - 1, 0, np.where(np.arange(each) == MET - 1, 1, 2))
    start = pd.Timestamp("2026-01-05", tz="UTC").as_unit("us")
    table = pd.DataFrame(
        {
            "user_id": np.repeat(np.char.mod("u%06d", np.arange(people)), each),
            "item_id": np.char.mod("i%06d", column.ravel()),
            "value": rng.integers(1, 4, people * each).astype(np.float64),
            "time": start + pd.to_timedelta(np.tile(days, people), unit="D"),
        }
    )
    table["time"] = table["time"].dt.as_unit("us")
    return temporal_split(table, validation_from=start + pd.Timedelta(days=1), test_from=start + pd.Timedelta(days=2))


def clock(work: Callable[[], object], runs: int) -> tuple[float, float]:
    """Return the least processor seconds, and the least seconds on the wall, of some runs."""
    times = np.empty((runs, 2))
    for run in times:
        processor, wall = time.process_time(), time.perf_counter()
        work()
        run[:] = time.process_time() - processor, time.perf_counter() - wall
    least = times.min(axis=0)
    return float(least[0]), float(least[1])


def against_ranx(lists: pd.DataFrame, relevant: pd.DataFrame, runs: int) -> None:
    """Print times of the six metrics on the same lists, and their ratios."""
    import ranx

    names = {"user_id": object, "item_id": object}  # ranx takes no other kind of text
    liked, shown = relevant.astype(names | {"value": np.int64}), lists.astype(names)
    columns = {"q_id_col": "user_id", "doc_id_col": "item_id"}

    def ours(judged: metrics.Judged | None = None) -> dict[str, pd.Series]:
        known = metrics.judge(lists, relevant, k=K) if judged is None else judged
        return {name: metric(known) for name, metric in RANX.items()}

    def build() -> tuple[object, object]:
        qrels = ranx.Qrels.from_df(liked, score_col="value", **columns)
        return qrels, ranx.Run.from_df(shown, score_col="score", **columns)

    built, judged = build(), metrics.judge(lists, relevant, k=K)
    theirs = ranx.evaluate(*built, list(RANX))  # compiles
    apart = max(abs(series.mean() - theirs[name]) for name, series in ours().items())
    rows = {
        "metrics alone": (lambda: ours(judged), lambda: ranx.evaluate(*built, list(RANX))),
        "from tables": (ours, lambda: ranx.evaluate(*build(), list(RANX))),
    }
    print(f"\nsix metrics of {lists['user_id'].nunique()} lists of {K}; the two differ by {apart:.1e} at most")
    print(f"{'':16}{'seconds':>9}{'ranx':>9}{'ratio':>8}")
    for name, (mine, other) in rows.items():
        fast, slow = clock(mine, runs)[0], clock(other, runs)[0]
        print(f"{name:16}{fast:9.3f}{slow:9.3f}{slow / fast:7.1f}x")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line; without it the program's own.
    """
    parser = command_line("ranking", __doc__)
    parser.add_argument("--people", type=int, default=10_000, help="people (default: 10000)")
    parser.add_argument("--items", type=int, default=20_000, help="items (default: 20000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, of which the best counts (default: 3)")
    options = parser.parse_args(arguments)
    if options.runs < 1 or options.people < 1 or options.items < 2 * (MET + NEXT):
        parser.error(f"--runs and --people must be at least 1, and --items {2 * (MET + NEXT)}")
    split = make_log(options.people, options.items)
    model = RandomFactors().fit(split.before_test)
    before = most_held() / 1e9
    print(f"full ranking of {options.people} people x {options.items} items ({platform.machine()})\n")

    kept: list[Measured] = []

    def score() -> None:
        for rows in model._blocks(options.people):
            model._score(model.histories_.select(rows))

    processor, wall = clock(
        lambda: kept.append(measure({"factors": model}, split, ACCURACY, K, progress=False)), options.runs
    )
    measured = kept[0]
    scores, intervals = clock(score, options.runs)[0], clock(measured.table, options.runs)[0]
    print(f"{'seconds of processor, least':<34}{processor:8.2f}   ({wall:.2f} on the wall)")
    print(f"{'  of which the model scores':<34}{scores:8.2f}")
    print(f"{'intervals of the six, added':<34}{intervals:8.2f}")
    print(f"{'most memory held, GB':<34}{most_held() / 1e9:8.2f}   ({before:.2f} before)")
    against_ranx(measured.lists["factors"], measured.question.relevant, options.runs)


if __name__ == "__main__":
    main()
