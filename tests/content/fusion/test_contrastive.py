import numpy as np
import pytest
import torch

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import ContrastiveFusion
from avrec_lib.content.fusion.contrastive import _Towers

from .test_alignment import found, views


def test_one_modality_finds_the_clip_of_another_after_training_and_not_after_training_on_strangers():
    tables = views(shared=4, widths=(6, 6, 6))
    train = [one.select(one.ids[:150]) for one in tables]
    aligned = ContrastiveFusion(4, epochs=100, rate=3e-2).fit(train)
    assert aligned.history_[-1] < aligned.history_[0]
    for query, target in ((0, 1), (2, 0)):
        assert found(aligned, tables[query], tables[target]) > 0.08
    of_others = FeatureTable(train[1].ids[::-1], train[1].matrix, train[1].present, train[1].name)
    assert found(ContrastiveFusion(4, epochs=100, rate=3e-2).fit([train[0], of_others]), tables[0], tables[1]) < 0.04


def test_the_loss_is_that_of_its_formula_in_both_directions():
    torch.manual_seed(0)
    towers = _Towers([3, 5, 4], 2)
    rows = [torch.randn(6, width) for width in (3, 5, 4)]
    placed = [row.numpy() @ one.detach().numpy() for row, one in zip(rows, towers.maps, strict=True)]
    placed = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in placed]
    terms = []
    for m, n in ((0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)):
        logits = 10.0 * placed[m] @ placed[n].T
        terms.append(-np.mean(np.diag(logits) - np.log(np.exp(logits).sum(axis=1))))
    assert towers(rows).item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_a_clip_is_the_mean_of_what_it_has():
    one, other = views(widths=(6, 5))
    other = FeatureTable(other.ids, other.matrix, np.arange(300) < 200, other.name)
    fusion = ContrastiveFusion(3, epochs=2).fit([one, other])
    fused = fusion.transform([one, other]).matrix
    alone = [fusion.project(table).matrix for table in (one, other)]
    np.testing.assert_allclose(fused[200:], alone[0][200:], atol=1e-5)
    np.testing.assert_allclose(fused[:200], (alone[0][:200] + alone[1][:200]) / 2.0, atol=1e-5)


def test_another_seed_gives_other_maps_and_the_seed_of_others_is_left_alone():
    tables = views(widths=(6, 5))
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, two = (ContrastiveFusion(3, epochs=1, seed=seed).fit(tables) for seed in (0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert not np.allclose(one.maps_["view 0"], two.maps_["view 0"])


def test_impossible_parameters_are_refused():
    one, other = views(widths=(6, 5))
    with pytest.raises(ValueError, match="two modalities or more"):
        ContrastiveFusion().fit([one])
    with pytest.raises(ValueError, match="width"):
        ContrastiveFusion(0).fit([one, other])
    apart = [one.aligned(one.ids[:100]), other.aligned(other.ids[100:])]
    with pytest.raises(ValueError, match="clips that have all"):
        ContrastiveFusion().fit(apart)
