import numpy as np
import pytest

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import fuse

from .tables import table


def cosine(a):
    unit = a / np.linalg.norm(a, axis=1, keepdims=True)
    return unit @ unit.T


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


def test_what_the_columns_are_and_where_they_come_from_stays_known():
    sound, picture = table("sound", width=2), table("picture", width=1)
    sound = FeatureTable(sound.ids, sound.matrix, sound.present, "sound", ("loud", "high"), {"extractor": "toy"})
    fused = fuse([sound, picture], weights={"sound": 2.0, "picture": 1.0})
    assert fused.columns == ("sound: loud", "sound: high", "picture: 0")
    assert fused.origin == {
        "fused": {"sound": {"extractor": "toy"}, "picture": {}},
        "weights": {"sound": 2.0, "picture": 1.0},
    }
    assert fuse([sound, picture], weights={"sound": 0.0, "picture": 1.0}).columns == ("picture: 0",)
