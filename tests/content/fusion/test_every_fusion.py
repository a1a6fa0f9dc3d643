"""What every way of fusing keeps to."""

import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import CCAFusion, ContrastiveFusion, LearnedFusion, ProcrustesFusion, WeightedFusion
from avrec_lib.content.fusion.networks import NETWORKS

from .tables import world

QUICK = {"epochs": 2, "width": 8}
EVERY = [
    WeightedFusion(),
    WeightedFusion({"sight": 2.0, "sound": 1.0}),
    CCAFusion(3),
    ProcrustesFusion(),
    ContrastiveFusion(8, epochs=2),
    *(LearnedFusion(network, **QUICK) for network in NETWORKS),
    LearnedFusion(modality_dropout=0.5, candidates=50, **QUICK),
]
every = pytest.mark.parametrize("fusion", EVERY, ids=repr)
TABLES, LIKES, LATER = world()


def fitted(fusion, tables=TABLES):
    return clone(fusion).fit(tables, likes=LIKES, validation=LATER)


def hidden(features, ids):
    """Return the table with some clips absent, and numbers that nobody may see in their rows."""
    return FeatureTable(features.ids, features.matrix, features.present & ~np.isin(features.ids, ids), features.name)


@every
def test_new_clips_get_the_same_vectors_alone_and_among_others(fusion):
    model = fitted(fusion, [one.select(one.ids[:100]) for one in TABLES])
    whole = model.transform(TABLES)
    new = model.transform([one.select(one.ids[100:]) for one in TABLES])
    assert whole.ids.tolist() == TABLES[0].ids.tolist() and whole.present.all()
    np.testing.assert_allclose(new.matrix, whole.matrix[100:], atol=1e-5)


@every
def test_a_clip_that_lacks_a_modality_is_told_by_the_other_and_one_that_lacks_all_is_absent(fusion):
    sight, sound = hidden(TABLES[0], ["c000", "c001"]), hidden(TABLES[1], ["c001"])
    model = fitted(fusion, [sight, sound])
    fused = model.transform([sight, sound])
    assert fused.present.sum() == 119 and not fused.present[1]
    np.testing.assert_allclose(fused.matrix[0], model.transform([sound]).matrix[0], atol=1e-5)


@every
def test_a_table_that_is_left_out_is_a_modality_that_all_lack(fusion):
    model = fitted(fusion)
    nothing = hidden(TABLES[0], TABLES[0].ids)
    np.testing.assert_array_equal(model.transform([TABLES[1]]).matrix, model.transform([nothing, TABLES[1]]).matrix)
    assert not np.allclose(model.transform([TABLES[1]]).matrix, model.transform(TABLES).matrix)


@every
def test_order_of_tables_and_clips_changes_no_vector(fusion):
    model = fitted(fusion)
    turned = TABLES[1].select(TABLES[1].ids[::-1])
    again = model.transform([turned, TABLES[0]]).select(TABLES[0].ids)
    np.testing.assert_allclose(again.matrix, model.transform(TABLES).matrix, atol=1e-5)


@every
def test_twice_fitted_is_twice_the_same(fusion):
    np.testing.assert_array_equal(fitted(fusion).transform(TABLES).matrix, fitted(fusion).transform(TABLES).matrix)


@every
def test_the_result_can_be_saved_and_tells_how_it_was_made(fusion, tmp_path):
    fused = fitted(fusion).transform(TABLES)
    fused.save(tmp_path / "fused")
    back = FeatureTable.load(tmp_path / "fused")
    assert back.origin["fusion"] == type(fusion).__name__ and set(back.origin["of"]) == {"sight", "sound"}
    np.testing.assert_array_equal(back.matrix, fused.matrix)


@every
def test_what_does_not_fit_is_refused(fusion):
    with pytest.raises(NotFittedError):
        clone(fusion).transform(TABLES)
    with pytest.raises(ValueError, match="distinct names"):
        clone(fusion).fit([TABLES[0], TABLES[0]], likes=LIKES, validation=LATER)
    other = FeatureTable(TABLES[0].ids, TABLES[0].matrix, TABLES[0].present, "smell")
    model = fitted(fusion)
    for wrong in ([], [other], [TABLES[0], TABLES[0]]):
        with pytest.raises(ValueError, match="tables must be some of"):
            model.transform(wrong)
    with pytest.raises(ValueError, match="scale must name"):
        clone(fusion).set_params(scale={"sight": "zscore"}).fit(TABLES, likes=LIKES, validation=LATER)
    with pytest.raises(ValueError, match="limit must name"):
        clone(fusion).set_params(limit={"sight": 5.0}).fit(TABLES, likes=LIKES, validation=LATER)


@every
def test_a_refused_refit_leaves_the_fusion_as_it_was(fusion):
    model = fitted(fusion)
    before = model.transform(TABLES).matrix
    other = FeatureTable(TABLES[0].ids, 9.0 * TABLES[0].matrix[:, :5], TABLES[0].present, "smell")
    nobody = LIKES.assign(item_id="c999")
    if isinstance(model, ProcrustesFusion):
        model.set_params(anchor="sight")
    elif isinstance(model, CCAFusion):
        model.set_params(n_components=0)
    elif isinstance(model, ContrastiveFusion):
        model.set_params(width=0)
    with pytest.raises(ValueError):
        model.fit([TABLES[1], other], likes=nobody, validation=nobody)
    np.testing.assert_array_equal(model.set_params(**fusion.get_params()).transform(TABLES).matrix, before)


@every
def test_the_limit_of_a_modality_reaches_its_scaler(fusion):
    wild = TABLES[0].matrix.copy()
    wild[0] *= 1000.0
    tables = [FeatureTable(TABLES[0].ids, wild, TABLES[0].present, "sight"), TABLES[1]]
    model = clone(fusion).set_params(limit={"sight": None, "sound": 2.0}).fit(tables, likes=LIKES, validation=LATER)
    largest = [np.abs(model.scalers_[one.name].transform(one).matrix).max() for one in tables]
    assert largest[0] > 5.0 and largest[1] == 2.0


def test_a_transformer_does_not_wait_for_an_algebra_system():
    program = (
        "import sys, torch; from avrec_lib.content.fusion.networks import TransformerNetwork\n"
        "there = torch.tensor([[True, False]])\n"
        "TransformerNetwork([3, 2], 4)([torch.ones(1, 3), torch.ones(1, 2)], there)\n"
        "assert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_who_learns_no_network_does_not_wait_for_torch():
    program = "import sys, avrec_lib.recommend, avrec_lib.evaluate.contest; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
