import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import TargetEncoder as Reference

from avrec_lib.prepare.target_encoding import TargetEncoder


def sample(n=400, seed=0):
    rng = np.random.default_rng(seed)
    return pd.Series(rng.choice(list("abcdefg"), n)), rng.integers(0, 2, n).astype(float)


def test_encodings_of_new_rows_equal_those_of_scikit_learn():
    names, y = sample()
    theirs = Reference(smooth=10.0, target_type="continuous").fit(names.to_frame(), y)
    new = pd.Series(list("abgz"))
    assert TargetEncoder(10.0).fit(names, y).transform(new) == pytest.approx(theirs.transform(new.to_frame())[:, 0])


def test_no_training_row_sees_its_own_target():
    names, y = sample()
    encoded = TargetEncoder(5.0, seed=3).fit_transform(names, y)
    for row in (0, 17, 399):
        turned = y.copy()
        turned[row] = 1.0 - turned[row]
        assert TargetEncoder(5.0, seed=3).fit_transform(names, turned)[row] == encoded[row]


def test_ids_that_occur_once_tell_nothing_in_training_rows():
    # Each row its own category: encoded naively, this would be the target itself.
    names, y = pd.Series(np.arange(300)), sample(300)[1]
    naive = TargetEncoder(1.0).fit(names, y).transform(names)
    honest = TargetEncoder(1.0).fit_transform(names, y)
    assert np.corrcoef(naive, y)[0, 1] > 0.99
    assert abs(np.corrcoef(honest, y)[0, 1]) < 0.3


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.integers(0, 9)), min_size=1, max_size=30))
def test_earlier_rows_only_equals_the_slow_definition(rows):
    names, y, day = (list(column) for column in zip(*rows, strict=True))
    time = pd.Series(pd.Timestamp("2026-01-05", tz="UTC") + pd.to_timedelta(day, unit="D"))
    encoded = TargetEncoder(2.0).fit_transform(names, y, time=time)
    for row in range(len(rows)):
        before = [i for i in range(len(rows)) if day[i] < day[row]]
        mean = np.mean([y[i] for i in before]) if before else 0.5
        same = [y[i] for i in before if names[i] == names[row]]
        assert encoded[row] == pytest.approx((sum(same) + 2.0 * mean) / (len(same) + 2.0))


def test_an_absent_category_is_one_of_its_own_and_an_unknown_one_is_average():
    encoder = TargetEncoder(0.0).fit(pd.Series(["a", None, None, "a"]), [0.0, 1.0, 1.0, 0.0])
    assert encoder.transform(pd.Series(["a", None, "z"])).tolist() == [0.0, 1.0, 0.5]


def test_without_smoothing_a_category_of_one_part_falls_back_to_the_mean():
    encoded = TargetEncoder(0.0, folds=2).fit_transform(["only", "x", "x", "x"], [1.0, 0.0, 0.0, 0.0])
    assert np.isfinite(encoded).all()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="got 2 and 1"):
        TargetEncoder().fit(["a", "b"], [1.0])
    with pytest.raises(ValueError, match="row 1 has no finite target"):
        TargetEncoder().fit(["a", "b"], [1.0, np.nan])
    with pytest.raises(ValueError, match="folds 2 or more"):
        TargetEncoder(folds=1).fit(["a"], [1.0])
    with pytest.raises(RuntimeError, match="fit the encoder"):
        TargetEncoder().transform(["a"])
    with pytest.raises(ValueError, match="needs a time"):
        TargetEncoder().fit_transform(["a"], [1.0], time=pd.Series([pd.NaT]))
