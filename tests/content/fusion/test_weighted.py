import numpy as np
import pytest

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import fuse, standardise


def table(name, n=30, width=4, seed=0, absent=()):
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{i:02d}" for i in range(n)], dtype=object)
    matrix = rng.normal(5.0, 3.0, (n, width)) * np.logspace(-3, 3, width)
    return FeatureTable(ids, matrix, ~np.isin(ids, list(absent)), name)


def cosine(a):
    unit = a / np.linalg.norm(a, axis=1, keepdims=True)
    return unit @ unit.T


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


def test_cosine_of_fused_rows_is_the_weighted_mean_of_the_cosines():
    sound, picture = table("sound", seed=1), table("picture", width=7, seed=2)
    fused = fuse([sound, picture], weights={"sound": 3.0, "picture": 1.0})
    apart = [cosine(t.matrix) for t in (sound, picture)]
    np.testing.assert_allclose(cosine(fused.matrix), 0.75 * apart[0] + 0.25 * apart[1], atol=1e-5)


def test_a_clip_without_one_modality_is_compared_by_the_others():
    sound, picture = table("sound", seed=1, absent=["c00", "c05"]), table("picture", seed=2, absent=["c05"])
    fused = fuse([sound, picture])
    assert fused.present.sum() == 29 and not fused.present[5]
    np.testing.assert_allclose(np.linalg.norm(fused.matrix[fused.present], axis=1), 1.0, rtol=1e-5)
    expected = cosine(picture.matrix)[0, 1] * np.sqrt(0.5)  # the other clip has a sound that this one does not answer
    np.testing.assert_allclose(fused.matrix[0] @ fused.matrix[1], expected, rtol=1e-4)


def test_a_modality_of_weight_0_is_left_out_and_tables_may_be_in_any_order():
    sound, picture = table("sound", seed=1), table("picture", seed=2)
    alone = fuse([sound])
    np.testing.assert_array_equal(fuse([sound, picture], weights={"sound": 1, "picture": 0}).matrix, alone.matrix)
    turned = picture.select(picture.ids[::-1])
    np.testing.assert_array_equal(fuse([sound, turned]).matrix, fuse([sound, picture]).matrix)


def test_what_does_not_fit_is_named():
    sound, picture = table("sound"), table("picture", n=31)
    with pytest.raises(ValueError, match="c30"):
        fuse([sound, picture])
    with pytest.raises(ValueError, match="distinct"):
        fuse([sound, sound])
    with pytest.raises(ValueError, match="weights"):
        fuse([sound], weights={"picture": 1.0})
    with pytest.raises(ValueError, match="present"):
        standardise(table("sound", absent=["c00", "c01"]), on=["c00", "c01", "c02"])
    with pytest.raises(KeyError, match="c77"):
        standardise(sound, on=["c77"])
