from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from avrec_lib.evaluate.departure import agreement_with_truth, kendall_tau, true_value
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.oracle import Oracle
from avrec_lib.world.people import sample_people


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=8))
def test_kendalls_tau_equals_scipys_with_ties(pairs):
    first, second = np.array(pairs, dtype=float).T
    found = kendall_tau(first, second)
    assert float(found) == pytest.approx(stats.kendalltau(first, second).statistic, nan_ok=True)
    stacked = kendall_tau(np.stack([first, -first]), second)
    np.testing.assert_allclose(stacked, [found, -found])


def people_values(columns, n=400, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {key: mean + rng.normal(0, 0.1, n) for key, mean in columns.items()}, index=[f"u{i}" for i in range(n)]
    )


def test_a_metric_that_orders_like_the_truth_agrees_and_one_that_picks_another_costs_what_it_loses():
    truth = people_values({"a": 1.0, "b": 2.0, "c": 4.0})
    values = {("a", "good"): 0.1, ("b", "good"): 0.2, ("c", "good"): 0.3}
    values |= {("a", "bad"): 0.1, ("b", "bad"): 0.3, ("c", "bad"): 0.2, ("a", "none"): 0.2, ("b", "none"): 0.2}
    by_person = people_values(values | {("c", "none"): 0.2}, seed=1)
    found = agreement_with_truth(by_person, truth, seed=0)
    assert found.loc["good", ["tau", "low", "high"]].tolist() == [1.0, 1.0, 1.0]
    assert found.loc["good", "chosen"] == "c" and found.loc["good", "lost"] == 0.0
    assert found.loc["bad", "tau"] == pytest.approx(1 / 3) and found.loc["bad", "chosen"] == "b"
    assert found.loc["bad", "lost"] == pytest.approx(0.5, abs=0.02)
    assert found.loc["none", "low"] < 0.0 < found.loc["none", "high"]


def test_people_who_do_not_fit_are_refused():
    truth = people_values({"a": 1.0, "b": 2.0})
    by_person = people_values({("a", "m"): 1.0, ("b", "m"): 2.0})
    for other in (truth.iloc[::-1], truth[["a"]], truth.rename(columns={"a": "c"})):
        with pytest.raises(ValueError, match="same people"):
            agreement_with_truth(by_person, other, seed=0)


PEOPLE = sample_people(30, seed=11)


@pytest.fixture(scope="module")
def oracle() -> Oracle:
    clips = sample_catalogue(60, seed=11).set_index("clip_id")
    return Oracle(SimpleNamespace(truth=SimpleNamespace(clips=clips, tastes=PEOPLE.tastes)))


def test_the_oracle_puts_its_own_slates_first_and_gives_nothing_for_no_list(oracle):
    people, day = pd.Index(PEOPLE.users["user_id"][:12]), 45
    ranked = oracle.best_slate(people, day, k=len(oracle.released(day)))
    best = ranked[ranked["rank"] <= 10]
    worst = ranked.groupby("user_id", sort=False).tail(10).assign(rank=np.tile(np.arange(1, 11), 12))
    lists = {"best": best, "worst": worst, "some": best[best["user_id"] != people[0]], "none": best.iloc[:0]}
    found = true_value(lists, people, oracle, day)
    assert found.index.equals(people) and (found["best"] > found["worst"]).all()
    assert found.loc[people[0], "some"] == 0.0 and (found["none"] == 0.0).all()
    np.testing.assert_allclose(found["best"], oracle.value(best, day)["clicks"].reindex(people))
    seconds = true_value({"long": ranked}, people, oracle, day, objective="watch_seconds")
    np.testing.assert_allclose(seconds["long"], oracle.value(best, day)["watch_seconds"].reindex(people))
