import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import RobustScaler, StandardScaler

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import FeatureScaler, standardise

from .tables import table


def test_columns_have_mean_0_and_deviation_1_over_the_clips_learned_from_only():
    features = table("sound", absent=["c03"])
    on = features.ids[:20]
    scaled = standardise(features, on=on)
    known = scaled.select([i for i in on if i != "c03"]).matrix
    np.testing.assert_allclose(known.mean(axis=0), 0.0, atol=1e-5)
    np.testing.assert_allclose(known.std(axis=0), 1.0, atol=1e-4)
    assert not scaled.present[3]


@pytest.mark.parametrize("equal_columns", [True, False])
def test_clips_outside_the_training_catalogue_change_nothing_for_those_inside(equal_columns):
    features = table("sound")
    wild = features.matrix.copy()
    wild[20:] *= 100.0
    other = FeatureTable(features.ids, wild, features.present, "sound")
    a, b = (standardise(t, on=features.ids[:20], equal_columns=equal_columns) for t in (features, other))
    np.testing.assert_array_equal(a.matrix[:20], b.matrix[:20])


def test_a_common_scale_keeps_small_directions_small():
    features = table("text")
    scaled = standardise(features, on=features.ids, equal_columns=False)
    np.testing.assert_allclose(scaled.matrix.mean(axis=0), 0.0, atol=1e-5)
    before, after = features.matrix.std(axis=0), scaled.matrix.std(axis=0)
    np.testing.assert_allclose(after / after[-1], before / before[-1], rtol=1e-3)


def test_a_column_that_does_not_vary_is_silent_and_not_infinite():
    features = table("sound")
    matrix = np.column_stack([features.matrix, np.full(30, 7.0)])
    scaled = standardise(FeatureTable(features.ids, matrix, features.present, "sound"), on=features.ids)
    assert (scaled.matrix[:, -1] == 0.0).all()


@pytest.mark.parametrize("way", ["zscore", "robust", "common"])
@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_a_column_counts_the_same_whatever_its_unit(way, unit):
    features = table("sound", width=2)
    rare = np.where(np.arange(30) % 8 == 0, 3.0, 0.0)  # its middle half is one value
    matrix = np.column_stack([features.matrix / features.matrix.std(axis=0), rare])
    one, other = (FeatureTable(features.ids, u * matrix, features.present, "sound") for u in (1.0, unit))
    a, b = (FeatureScaler(way).fit(each) for each in (one, other))
    assert a.varies_.all() and b.varies_.all()
    np.testing.assert_allclose(b.transform(other).matrix, a.transform(one).matrix, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("way", "theirs"), [("zscore", StandardScaler()), ("robust", RobustScaler())])
def test_new_clips_are_scaled_as_scikit_learn_scales_them_by_training_clips(way, theirs):
    old, new = table("sound"), table("sound", seed=1)
    scaler = FeatureScaler(way, limit=None).fit(old)
    expected = theirs.fit(old.matrix.astype(float)).transform(new.matrix.astype(float))
    np.testing.assert_allclose(scaler.transform(new).matrix, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("way", ["zscore", "robust", "common"])
def test_clips_that_come_later_get_what_they_would_have_got_at_first(way):
    features = table("sound", absent=["c25"])
    old, new = features.select(features.ids[:20]), features.select(features.ids[20:])
    scaler = FeatureScaler(way).fit(old)
    both = FeatureTable.concat([scaler.transform(old), scaler.transform(new)])
    at_first = FeatureScaler(way).fit(features, on=old.ids).transform(features)
    np.testing.assert_array_equal(both.matrix, at_first.matrix)
    assert both.origin == at_first.origin and not both.present[25]
    assert np.abs(both.matrix[both.present]).max() <= 5.0


def test_columns_and_origin_stay_known():
    features = table("sound", width=2)
    named = FeatureTable(features.ids, features.matrix, features.present, "sound", ("loud", "high"), {"by": "toy"})
    scaled = standardise(named, on=named.ids)
    assert scaled.columns == ("loud", "high")
    assert scaled.origin == {"scaled": "zscore", "limit": 5.0, "of": {"by": "toy"}}
    with pytest.raises(ValueError, match="loud"):
        FeatureScaler().fit(named).transform(features)


def test_a_scaler_can_be_cloned_and_transforms_a_table_of_no_clips():
    scaler = clone(FeatureScaler("robust", limit=3.0)).fit(table("sound"))
    assert scaler.get_params() == {"way": "robust", "limit": 3.0}
    assert scaler.transform(table("sound").select([])).matrix.shape == (0, 4)


def test_what_cannot_be_scaled_is_refused():
    with pytest.raises(ValueError, match="present"):
        standardise(table("sound", absent=["c00", "c01"]), on=["c00", "c01", "c02"])
    with pytest.raises(KeyError, match="c77"):
        standardise(table("sound"), on=["c77"])
    with pytest.raises(NotFittedError):
        FeatureScaler().transform(table("sound"))
    with pytest.raises(ValueError, match="way"):
        FeatureScaler("minmax").fit(table("sound"))
    with pytest.raises(ValueError, match="limit"):
        FeatureScaler(limit=0.0).fit(table("sound"))
