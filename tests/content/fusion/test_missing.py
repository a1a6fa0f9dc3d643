import numpy as np
import pytest

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import hide_modalities


def tables(n=1000):
    there = np.ones(n, dtype=bool)
    return [FeatureTable(np.arange(n), np.ones((n, 2)), there, name, ("p", "q"), {"of": name}) for name in "abc"]


def test_about_the_share_of_clips_loses_one_modality_and_none_loses_two():
    hidden = hide_modalities(tables(), 0.5, seed=1)
    gone = ~np.array([table.present for table in hidden])
    assert gone.sum(axis=0).max() == 1 and 0.45 < gone.any(axis=0).mean() < 0.55
    assert (gone.sum(axis=1) > 120).all()
    assert [(t.name, t.columns, t.origin) for t in hidden] == [(t.name, t.columns, t.origin) for t in tables()]


def test_one_modality_can_be_named_and_a_seed_hits_the_same_clips():
    hidden, again = (hide_modalities(tables(), 0.5, seed=1, only="b") for _ in range(2))
    assert hidden[0].present.all() and hidden[2].present.all() and 400 < (~hidden[1].present).sum() < 600
    np.testing.assert_array_equal(hidden[1].present, again[1].present)
    assert hide_modalities(tables(), 1.0, seed=1, only="b")[1].present.sum() == 0


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="same clips"):
        hide_modalities([*tables(), tables(5)[0]], 0.5, seed=1)
    with pytest.raises(ValueError, match="same clips"):
        hide_modalities([], 0.5, seed=1)
    with pytest.raises(ValueError, match="'d'"):
        hide_modalities(tables(), 0.5, seed=1, only="d")
    with pytest.raises(ValueError, match="share"):
        hide_modalities(tables(), 1.5, seed=1)
