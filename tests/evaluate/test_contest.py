from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from avrec_lib.content.features import FeatureTable
from avrec_lib.evaluate import beyond_accuracy, metrics
from avrec_lib.evaluate.chart import interval_chart
from avrec_lib.evaluate.comparison import compare
from avrec_lib.evaluate.contest import evaluate, measure
from avrec_lib.evaluate.named import METRICS
from avrec_lib.evaluate.uncertainty import bootstrap_mean, paired_bootstrap
from avrec_lib.prepare.holdouts import Parts, first_rows, leave_last_out, random_split, user_split
from avrec_lib.prepare.splits import LeakError, Split, temporal_split
from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.content import ContentBased
from avrec_lib.recommend.neighbours import ItemNeighbours
from avrec_lib.recommend.popularity import Popularity
from avrec_lib.recommend.random import Random

START = pd.Timestamp("2026-01-05", tz="UTC")


def day(number):
    return START + pd.Timedelta(days=number)


def log(seed=0, n=2500, n_people=90, n_items=60):
    """People of three kinds, each fond of a third of the items, and some items fonder than others."""
    rng = np.random.default_rng(seed)
    user = rng.integers(0, n_people, n)
    item = (rng.random(n) ** 1.6 * n_items / 3).astype(int) * 3 + np.where(
        rng.random(n) < 0.75, user % 3, rng.integers(0, 3, n)
    )
    table = pd.DataFrame(
        {
            "user_id": [f"u{u:02d}" for u in user],
            "item_id": [f"i{i:02d}" for i in item],
            "value": rng.choice([0.2, 0.8, 1.0], n),
            "time": (START + pd.to_timedelta(np.sort(rng.uniform(0, 40, n)), unit="D")).as_unit("us"),
        }
    )
    return table.drop_duplicates(["user_id", "item_id"], ignore_index=True)


def cut(table):
    return temporal_split(table, validation_from=day(20), test_from=day(27))


FEATURES = FeatureTable(
    np.array([f"i{i:02d}" for i in range(60)]),
    np.random.default_rng(0).normal(size=(60, 5)),
    np.ones(60, bool),
    "sound",
)


class Nobody(Recommender):
    """Serves nobody."""

    def _score(self, histories):
        return np.zeros((len(histories.user_ids), len(self.item_ids_)), np.float32)

    def _servable(self, histories):
        return np.zeros(len(histories.user_ids), bool)


def test_the_table_holds_the_means_and_intervals_of_the_metrics_of_each_list():
    split = cut(log())
    measured = measure(
        {"pop": Popularity(), "knn": ItemNeighbours()}, split, list(METRICS), k=5, features=FEATURES, progress=False
    )
    table = measured.table(seed=4)
    assert table.index.names == ["recommender", "metric"]
    assert list(table.columns) == ["value", "low", "high", "people", "unanswered"]
    assert set(table.index.get_level_values("metric")) == {f"{name}@5" for name in METRICS}
    known, relevant = split.before_test, measured.question.relevant
    for name, model in (("pop", Popularity()), ("knn", ItemNeighbours())):
        lists = model.fit(known).recommend(measured.question.people, 5)
        pd.testing.assert_frame_equal(measured.lists[name], lists)
        ndcg = metrics.ndcg(metrics.judge(lists, relevant, k=5))
        interval = bootstrap_mean(ndcg, seed=4)
        row = table.loc[(name, "ndcg@5")]
        assert row[["value", "low", "high"]].tolist() == pytest.approx([interval.value, interval.low, interval.high])
        assert row["people"] == len(ndcg)
        catalogue = measured.question.catalogue
        assert table.loc[(name, "gini@5"), "value"] == beyond_accuracy.gini(lists, catalogue, k=5)
        assert np.isnan(table.loc[(name, "gini@5"), "low"])
        diverse = beyond_accuracy.intra_list_diversity(lists, FEATURES, k=5)
        assert table.loc[(name, "intra_list_diversity@5"), "value"] == pytest.approx(diverse.mean())
    assert (table.loc[("pop", "serendipity@5"), ["value", "low", "high"]] == 0.0).all()


def test_evaluate_is_the_table_and_agrees_with_one_recommender_alone():
    split = cut(log())
    table = evaluate({"knn": ItemNeighbours()}, split, progress=False)
    fitted = {"knn": ItemNeighbours().fit(split.before_test)}
    alone = measure(fitted, (split.before_test, split.test), progress=False).by_person["knn"]
    for name in ("ndcg", "precision", "recall", "hit_rate", "reciprocal_rank", "average_precision"):
        assert table.loc[("knn", f"{name}@10"), "value"] == pytest.approx(alone[f"{name}@10"].mean())
    one = measure({"knn": ItemNeighbours()}, split, "gini", progress=False).table()
    assert one.index.tolist() == [("knn", "gini@10")]


def test_people_without_an_answer_stay_in_the_mean_and_are_counted():
    split = cut(log())
    late = split.test.iloc[[-1]].assign(user_id="stranger")
    split = Split(split.train, split.validation, pd.concat([split.test, late]), split.validation_from, split.test_from)
    every = {"pop": Popularity(), "knn": ItemNeighbours(), "nobody": Nobody()}
    named = [name for name in METRICS if name != "intra_list_diversity"]
    table = measure(every, split, named, relevant_from=0.1, progress=False).table()
    people = table.loc[("pop", "ndcg@10"), "people"]
    assert (table.xs("ndcg@10", level="metric")["people"] == people).all()
    assert table["unanswered"].groupby("recommender").first().to_dict() == {"pop": 0, "knn": 1, "nobody": people}
    assert table.loc[("knn", "novelty@10"), "people"] == people - 1
    assert table.loc[("knn", "coverage@10"), "people"] == people - 1
    assert table.loc[("nobody", "recall@10"), ["value", "low", "high"]].tolist() == [0.0, 0.0, 0.0]
    assert table.loc[("nobody", "fill_rate@10"), "value"] == 0.0
    assert np.isnan(table.loc[("nobody", "gini@10"), "value"])


def test_the_test_part_knows_train_and_validation_and_the_validation_part_knows_train_alone():
    split = cut(log())
    for part, known, asked in (("validation", split.train, split.validation), ("test", split.before_test, split.test)):
        measured = measure({"pop": Popularity()}, split, part=part, progress=False)
        assert measured.question.known.equals(known)
        assert set(measured.question.people) <= set(asked["user_id"])
        lists = Popularity().fit(known).recommend(measured.question.people, 10)
        pd.testing.assert_frame_equal(measured.lists["pop"], lists)


def test_a_recommender_that_comes_fitted_is_taken_as_it_is_unless_it_has_seen_an_answer():
    split = cut(log())
    early = Popularity().fit(split.train)
    scores = early.popularity_.copy()
    measured = measure({"early": early, "late": Popularity()}, split, progress=False)
    assert not measured.lists["early"].equals(measured.lists["late"])
    np.testing.assert_array_equal(early.popularity_, scores)
    cheat = Popularity().fit(pd.concat([split.before_test, split.test]).drop_duplicates(["user_id", "item_id"]))
    with pytest.raises(LeakError, match="cheat was fitted on"):
        measure({"cheat": cheat}, split, progress=False)


def test_a_recommender_that_was_fitted_on_the_weeks_of_the_test_is_refused_though_it_saw_no_answer():
    split = cut(log())
    late = split.test.assign(user_id="z" + split.test["user_id"])
    model = Popularity().fit(pd.concat([split.before_test, late]))
    with pytest.raises(LeakError, match="later was fitted on"):
        measure({"later": model}, split, progress=False)
    measure({"later": model}, split, in_time=False, progress=False)


def test_a_history_that_gives_an_answer_away_is_refused():
    split = cut(log())
    answer = split.test[split.test["value"] >= 0.5].iloc[[0]]
    for held in (split, Parts(split.train, split.validation, split.test, "by hand")):
        with pytest.raises(LeakError, match="of history is one that the person is asked for"):
            measure({"pop": Popularity()}, held, history=answer, progress=False)
    late = answer.assign(item_id="i_other", time=answer["time"] + pd.Timedelta(days=9))
    with pytest.raises(LeakError, match="of history is later"):
        measure({"pop": Popularity()}, split, history=late, progress=False)


def test_new_people_of_a_cut_in_time_show_first_rows_that_lie_in_the_weeks_of_the_test():
    table = log()
    split = cut(table.assign(user_id=np.where(table["time"] < day(27), "old", "new") + table["user_id"]))
    given, asked = first_rows(split.test, share=0.5)
    assert given["time"].max() > asked["time"].min()
    held = Split(split.train, split.validation, asked, split.validation_from, split.test_from)
    assert (measure({"knn": ItemNeighbours()}, held, history=given, progress=False).unanswered == 0).all()


def test_recommenders_and_tables_are_left_as_they_were():
    table = log()
    split = cut(table)
    before, model = split.test.copy(), ItemNeighbours()
    measure({"knn": model}, split, progress=False)
    pd.testing.assert_frame_equal(split.test, before)
    assert not hasattr(model, "histories_") and clone(model).get_params() == model.get_params()


def test_a_split_in_time_that_is_none_is_a_leak_and_one_that_claims_nothing_is_served():
    table = log()
    split = cut(table)
    false = Split(split.test, split.validation, split.train, split.validation_from, split.test_from)
    with pytest.raises(LeakError, match="what is known"):
        measure({"pop": Popularity()}, false, progress=False)
    known, asked = split.before_test, split.test
    pair = evaluate({"pop": Popularity()}, (known, asked), progress=False)
    pd.testing.assert_frame_equal(pair, evaluate({"pop": Popularity()}, split, progress=False))
    with pytest.raises(LeakError, match="what is known"):
        measure({"pop": Popularity()}, (asked, known), progress=False)
    assert measure({"pop": Popularity()}, (asked, known), in_time=False, progress=False).unanswered["pop"] == 0
    with pytest.raises(ValueError, match="part is"):
        measure({"pop": Popularity()}, (known, asked), part="validation", progress=False)
    for parts in (random_split(table, seed=1), leave_last_out(table)):
        assert isinstance(parts, Parts)
        assert evaluate({"pop": Popularity()}, parts, progress=False).loc[("pop", "recall@10"), "value"] > 0.0


def test_people_held_out_are_served_by_what_they_show_of_themselves():
    parts = user_split(log(), test=0.3)
    given, asked = first_rows(parts.test, share=0.5)
    held = Parts(parts.train, parts.validation, asked, parts.rule)
    table = evaluate({"knn": ItemNeighbours(), "pop": Popularity()}, held, history=given, progress=False)
    assert (table["unanswered"] == 0).all()
    fitted = {"pop": Popularity().fit(pd.concat([parts.train, parts.validation], ignore_index=True))}
    ready = evaluate(fitted, held, history=given, progress=False)
    pd.testing.assert_frame_equal(ready, table.loc[["pop"]], check_names=False)
    blind = evaluate({"knn": ItemNeighbours()}, held, progress=False)
    assert (blind["unanswered"] == blind["people"]).all() and (blind["value"] == 0.0).all()


def test_items_held_out_are_found_by_content_alone():
    parts = user_split(log(), test=0.3, column="item_id")
    cold = parts.test["item_id"].unique()
    table = evaluate(
        {"content": ContentBased(), "knn": ItemNeighbours()},
        parts,
        items={"content": FEATURES},
        candidates=cold,
        progress=False,
    )
    assert table.loc[("content", "recall@10"), "value"] > 0.0
    assert table.loc[("knn", "recall@10"), "value"] == 0.0
    assert table.loc[("knn", "recall@10"), "unanswered"] == table.loc[("knn", "recall@10"), "people"]


def test_sampled_negatives_flatter_and_the_option_is_what_makes_them():
    split = cut(log())
    models = {"pop": Popularity(), "random": Random()}
    full = evaluate(models, split, ["recall"], progress=False)["value"]
    drawn = evaluate(models, split, ["recall"], negatives=10, progress=False)["value"]
    assert (drawn > full + 0.2).all()


def test_recommenders_of_different_catalogues_rank_the_same_drawn_items():
    split = cut(log())
    more = FeatureTable(np.array([f"new{i:03d}" for i in range(300)]), np.ones((300, 2)), np.ones(300, bool), "more")
    models = {"narrow": Random(), "wide": Random(), "fitted": Random().fit(split.train.iloc[:200])}
    options = {"items": {"wide": more}, "negatives": 5, "k": 200, "progress": False}
    measured = measure(models, split, **options)
    drawn = {name: set(zip(one["user_id"], one["item_id"], strict=True)) for name, one in measured.lists.items()}
    assert any(item.startswith("new") for _, item in drawn["wide"])
    for name in ("narrow", "fitted"):  # what one cannot score is missing, and nothing stands in its place
        assert drawn[name] < drawn["wide"]
    assert set(measured.question.catalogue) == set(split.before_test["item_id"]) | set(more.ids)


def test_a_metric_of_your_own_is_taken_like_any_other():
    split = cut(log())
    own = {"first": lambda answer: metrics.precision(metrics.judge(answer.lists, answer.question.relevant, k=1)),
           "rows": lambda answer: len(answer.lists)}  # fmt: skip
    table = evaluate({"pop": Popularity()}, split, own, progress=False)
    assert table.loc[("pop", "rows@10"), "value"] == 10 * table.loc[("pop", "first@10"), "people"]


def test_what_was_not_measured_cannot_be_asked_for():
    split = cut(log())
    with pytest.raises(ValueError, match="no metrics called"):
        measure({"pop": Popularity()}, split, ["nDCG"], progress=False)
    with pytest.raises(ValueError, match="no recommender"):
        measure({}, split, progress=False)
    with pytest.raises(ValueError, match=r"items= names \['kmn'\], but the recommenders are pop, knn"):
        measure({"pop": Popularity(), "knn": ItemNeighbours()}, split, items={"kmn": FEATURES}, progress=False)
    with pytest.raises(ValueError, match="features="):
        measure({"pop": Popularity()}, split, ["intra_list_diversity"], progress=False)
    measured = measure({"pop": Popularity(), "knn": ItemNeighbours()}, split, ["ndcg", "gini"], progress=False)
    with pytest.raises(ValueError, match="baseline"):
        compare(measured, "ease")
    with pytest.raises(ValueError, match="no metrics"):
        compare(measured, "pop", metrics=["gini@10"])
    with pytest.raises(ValueError, match="'sign-flip' or 't'"):
        compare(measured, "pop", test="sign_flip")
    with pytest.raises(ValueError, match="no metric"):
        interval_chart(measured.table(), "recall@10")


def test_a_part_that_is_empty_or_has_no_times_is_no_leak_and_is_named():
    known, asked = log()[:1000], log()[1000:]
    with pytest.raises(ValueError, match="part test is empty"):
        measure({"popular": Popularity()}, (known, asked[:0]), progress=False)
    with pytest.raises(ValueError, match=r"what is known lacks .*time"):
        measure({"popular": Popularity()}, (known.drop(columns="time"), asked), progress=False)
    with pytest.raises(ValueError, match=r"part test lacks .*time"):
        measure({"popular": Popularity()}, (known, asked.drop(columns="time")), progress=False)


def test_a_comparison_is_paired_and_says_when_nothing_is_shown():
    split = cut(log())
    models = {"pop": Popularity(), "knn": ItemNeighbours(), "again": Popularity(), "random": Random()}
    measured = measure(models, split, ["ndcg", "recall"], progress=False)
    table = compare(measured, "pop", seed=3)
    assert "pop" not in table.index.get_level_values("recommender")
    values = measured.by_person
    for name in ("knn", "random", "again"):
        alone = paired_bootstrap(values[name, "ndcg@10"], values["pop", "ndcg@10"], seed=3)
        row = table.loc[(name, "ndcg@10")]
        assert row[["difference", "low", "high"]].tolist() == pytest.approx([alone.value, alone.low, alone.high])
    verdict = table["verdict"].xs("ndcg@10", level="metric")
    assert verdict["again"] == "no difference shown" and verdict["knn"] == "better"
    assert compare(measured, "knn").loc[("pop", "ndcg@10"), "verdict"] == "worse"
    assert (table["p_adjusted"] >= table["p"]).all()
    t = compare(measured, "pop", seed=3, test="t")
    assert (t["p"] - table["p"]).abs().max() < 0.05


def test_of_many_looks_at_nothing_some_are_fooled_alone_and_none_together():
    measured = measure({"pop": Popularity()}, cut(log()), ["ndcg"], progress=False)
    noise = np.random.default_rng(0).normal(size=(200, 61))
    columns = pd.MultiIndex.from_product([[f"m{i}" for i in range(61)], ["x@1"]], names=["recommender", "metric"])
    table = compare(replace(measured, by_person=pd.DataFrame(noise, columns=columns)), "m0")
    alone = (table["low"] > 0.0) | (table["high"] < 0.0)
    assert alone.any() and (table["verdict"] == "no difference shown").all()


def test_the_picture_has_a_dot_and_a_line_for_each_recommender_the_best_on_top():
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    split = cut(log())
    measured = measure(
        {"random": Random(), "pop": Popularity(), "knn": ItemNeighbours()}, split, ["ndcg"], progress=False
    )
    table = measured.table()
    axes = interval_chart(table, "ndcg@10")
    best_last = table["value"].sort_values().index.get_level_values("recommender").tolist()
    assert [label.get_text() for label in axes.get_yticklabels()] == best_last
    dots = next(c for c in axes.collections if len(c.get_offsets()) == 3 and c.get_facecolor().size)
    np.testing.assert_allclose(np.sort(dots.get_offsets()[:, 0]), np.sort(table["value"]))
    versus = interval_chart(compare(measured, "pop"), "ndcg@10", label="gain")
    assert versus.get_xlabel() == "gain" and len(versus.get_yticklabels()) == 2
    assert any(np.allclose(line.get_xdata(), 0.0) for line in versus.lines if len(line.get_xdata()))
    plt.close(axes.figure)
    plt.close(versus.figure)
