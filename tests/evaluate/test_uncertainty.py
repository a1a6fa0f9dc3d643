import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from avrec_lib.evaluate.uncertainty import Interval, bootstrap_mean, bootstrap_table, paired_bootstrap


def test_agrees_with_scipys_percentile_bootstrap():
    values = np.random.default_rng(0).exponential(size=200)
    ours = bootstrap_mean(values, seed=0, n_resamples=20_000)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", random_state=np.random.default_rng(1)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.value == pytest.approx(values.mean())
    assert abs(ours.low - theirs.low) < 0.03 * width and abs(ours.high - theirs.high) < 0.03 * width


def test_a_95_percent_interval_holds_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(3)
    held = [0.3 in bootstrap_mean(rng.binomial(1, 0.3, 120).astype(float), seed=i, n_resamples=500) for i in range(600)]
    assert 0.92 < np.mean(held) < 0.975  # the standard error of the share is 0.009


def test_level_widens_the_interval():
    values = np.random.default_rng(0).normal(size=50)
    narrow, wide = (bootstrap_mean(values, seed=0, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    assert wide.level == 0.99


def test_the_seed_fixes_the_interval_and_another_one_moves_it():
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)


def test_memory_does_not_grow_with_the_number_of_resamples():
    values = np.random.default_rng(0).normal(size=20_000)
    tracemalloc.start()
    bootstrap_mean(values, seed=0, n_resamples=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80e6  # all resamples at once: 240 MB


def test_pairing_finds_a_small_gain_that_two_separate_intervals_cannot():
    rng = np.random.default_rng(0)
    people = pd.Index([f"u{i}" for i in range(300)])
    ease = pd.Series(rng.normal(size=300), people)
    a, b = ease + 0.05 + rng.normal(0, 0.1, 300), ease
    apart = [bootstrap_mean(series, seed=0) for series in (a, b)]
    assert apart[0].low < apart[1].high
    assert paired_bootstrap(a, b, seed=0).low > 0.0


def test_pairs_are_matched_by_name_and_not_by_place():
    rng = np.random.default_rng(0)
    a = pd.Series(rng.normal(size=50), [f"u{i}" for i in range(50)])
    b = a - 1.0
    shuffled = b.sample(frac=1.0, random_state=0)
    difference = paired_bootstrap(a, shuffled, seed=0)
    assert difference.low == pytest.approx(1.0) and difference.high == pytest.approx(1.0)
    assert paired_bootstrap(a, b, seed=0) == difference


def test_units_that_do_not_pair_are_named():
    a = pd.Series([1.0, 2.0, 3.0], ["x", "y", "z"])
    with pytest.raises(ValueError, match=r"'z'.*'w'"):
        paired_bootstrap(a, a.rename({"z": "w"}), seed=0)
    with pytest.raises(ValueError, match=r"more than once.*'x'"):
        paired_bootstrap(a.rename({"z": "x"}), a, seed=0)


def test_values_that_are_not_numbers_are_named():
    with pytest.raises(ValueError, match=r"'y'"):
        bootstrap_mean(pd.Series([1.0, np.nan, 3.0], ["x", "y", "z"]), seed=0)
    with pytest.raises(ValueError, match="at least 2"):
        bootstrap_mean(np.array([1.0]), seed=0)
    with pytest.raises(ValueError, match="level"):
        bootstrap_mean(np.arange(3.0), seed=0, level=95)


def test_a_table_gives_each_column_the_interval_that_it_has_alone():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=80), "b": rng.exponential(size=80)})
    found = bootstrap_table(table, seed=3)
    for name in table:
        alone = bootstrap_mean(table[name], seed=3)
        assert found.loc[name, ["value", "low", "high"]].tolist() == pytest.approx([alone.value, alone.low, alone.high])


def test_units_without_a_value_are_left_out_of_their_column_alone_and_counted():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"all": rng.normal(size=90), "some": rng.normal(5.0, 1.0, size=90), "one": np.nan})
    table.loc[30:, "some"] = np.nan
    table.loc[0, "one"] = 1.0
    found = bootstrap_table(table, seed=0)
    alone = bootstrap_mean(table["some"].dropna(), seed=0)
    assert found["units"].tolist() == [90, 30, 1]
    assert found.loc["some", "value"] == pytest.approx(alone.value)
    width = alone.high - alone.low
    assert abs(found.loc["some", "low"] - alone.low) < 0.15 * width
    assert abs(found.loc["some", "high"] - alone.high) < 0.15 * width
    assert found.loc["one", "value"] == 1.0 and found.loc["one", ["low", "high"]].isna().all()


def test_a_verdict_is_given_only_where_the_interval_leaves_zero_out():
    verdicts = [Interval(0.1, low, high).verdict for low, high in [(0.05, 0.2), (0.0, 0.2), (-0.1, 0.2), (-0.2, -0.1)]]
    assert verdicts == ["better", "no difference shown", "no difference shown", "worse"]
    assert Interval(0.1, np.nan, np.nan).verdict == "no difference shown"
