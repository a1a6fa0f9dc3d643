import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from avrec_lib.evaluate.significance import detectable, holm, paired_t_test, people_needed, power, sign_flip_test


def test_the_exact_sign_flip_test_equals_scipys_with_ties_and_absent_pairs():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"ties": rng.integers(-2, 4, 10) / 10, "real": rng.normal(0.4, 1, 10)})
    ours = sign_flip_test(table, seed=0)
    for name in table:
        theirs = stats.permutation_test(
            (table[name], np.zeros(10)),
            lambda a, b, axis: (a - b).mean(axis),
            permutation_type="samples",
            n_resamples=np.inf,
        )
        assert ours[name] == pytest.approx(theirs.pvalue)
    padded = pd.concat([table, pd.DataFrame({"ties": [np.nan] * 2, "real": [0.3, -0.1]})], ignore_index=True)
    assert sign_flip_test(padded, seed=0)["ties"] == pytest.approx(ours["ties"])


def test_the_drawn_sign_flip_test_agrees_with_students_t_for_many_people():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({f"c{i}": rng.normal(0.02 * i, 0.5, 400) for i in range(6)})
    drawn, student = sign_flip_test(table, seed=0), paired_t_test(table)
    assert (drawn - student).abs().max() < 0.02
    assert drawn.between(1e-4, 1.0).all()
    for name in table:
        assert student[name] == pytest.approx(stats.ttest_1samp(table[name], 0.0).pvalue)


def test_where_nothing_differs_one_test_in_twenty_is_fooled_and_no_more():
    rng = np.random.default_rng(2)
    nothing = pd.DataFrame(rng.exponential(size=(60, 1500)) * rng.choice([-1, 1], (60, 1500)))
    for p in (sign_flip_test(nothing, seed=0, n_flips=999), paired_t_test(nothing)):
        assert 0.035 < (p <= 0.05).mean() < 0.066  # the standard error of the share is 0.0056
    zero = pd.DataFrame({"same": np.zeros(30)})
    assert sign_flip_test(zero, seed=0)["same"] == 1.0 and paired_t_test(zero)["same"] == 1.0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(st.sampled_from([0.0, 0.01, 0.01, 0.2, 1.0]), st.floats(0, 1)), max_size=8))
def test_holm_equals_stepping_down_and_keeps_gaps(values):
    p = pd.Series([*values, np.nan])
    adjusted = holm(p)
    assert np.isnan(adjusted.iloc[-1])
    for level in (0.01, 0.05, 0.3):
        rejected, m = set(), len(values)
        for step, i in enumerate(sorted(range(m), key=lambda i: values[i])):
            if values[i] * (m - step) > level:
                break
            rejected.add(i)
        assert set(np.flatnonzero(adjusted <= level)) == rejected


def test_power_is_how_often_the_difference_is_shown():
    rng = np.random.default_rng(3)
    draws = rng.normal(0.1, 0.5, (150, 6000))
    shown = (paired_t_test(pd.DataFrame(draws)) < 0.05).mean()
    assert power(0.1, 0.5, 150) == pytest.approx(shown, abs=0.02)
    assert power(0.0, 0.5, 150) == pytest.approx(0.05)
    assert power(5.0, 0.5, 10_000) == 1.0


@pytest.mark.parametrize(("effect", "n"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_people_needed_for_cohens_effects_are_those_of_his_tables(effect, n):
    assert people_needed(effect, 1.0) == n
    assert detectable(1.0, n) <= effect < detectable(1.0, n - 1)
    assert power(detectable(2.0, n, wanted=0.9), 2.0, n) == pytest.approx(0.9)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(ValueError, match="at least 2 values"):
        sign_flip_test(pd.DataFrame({"a": [1.0, np.nan]}), seed=0)
    with pytest.raises(ValueError, match="n_flips"):
        sign_flip_test(pd.DataFrame({"a": [1.0, 2.0]}), seed=0, n_flips=10)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        holm(pd.Series([1.2]))
    with pytest.raises(ValueError, match="spread"):
        power(0.1, 0.0, 10)
    with pytest.raises(ValueError, match="wanted"):
        detectable(1.0, 10, wanted=0.01)
    with pytest.raises(ValueError, match="effect"):
        people_needed(0.0, 1.0)


def test_separate_pairs_that_guess_are_fooled_as_often_as_stated_and_pairs_of_a_group_together():
    people, groups, members = 80, 150, 12
    # Mostly ties at zero, as the nDCG of a guess.
    values = np.random.default_rng(0).choice([0.0, 0.0, 0.0, 0.3, 0.5, 1.0], size=(people, groups, members))

    def fooled(one, other):
        differences = pd.DataFrame((values[:, :, one] - values[:, :, other]).reshape(people, -1))
        return (sign_flip_test(differences, seed=1, n_flips=399) <= 0.05).to_numpy().reshape(groups, -1)

    separate = fooled(np.arange(0, members, 2), np.arange(1, members, 2))
    assert abs(separate.mean() - 0.05) < 4.0 * np.sqrt(0.05 * 0.95 / separate.size)
    shares = fooled(*np.triu_indices(members, 1)).mean(axis=1)
    assert abs(shares.mean() - 0.05) < 4.0 * shares.std() / np.sqrt(groups)
    assert shares.std() > 1.5 * np.sqrt(0.05 * 0.95 / 66)  # what 66 separate pairs would have
    assert shares.min() == 0.0 and shares.max() > 0.12
