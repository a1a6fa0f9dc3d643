import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from scipy.stats import ortho_group
from sklearn.cross_decomposition import CCA

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import CCAFusion, ProcrustesFusion


def views(n=300, shared=3, seed=0, widths=(6, 5, 7)):
    """Tables that have three hidden coordinates in common, each turned and with noise of its own."""
    rng = np.random.default_rng(seed)
    ids, hidden = np.array([f"c{i:03d}" for i in range(n)], dtype=object), rng.normal(size=(n, shared))
    return [
        FeatureTable(
            ids,
            np.column_stack([hidden, rng.normal(size=(n, width - shared))]) @ rng.normal(size=(width, width))
            + 0.3 * rng.normal(size=(n, width)),
            np.ones(n, bool),
            f"view {number}",
        )
        for number, width in enumerate(widths)
    ]


def rows(fusion, table):
    """Return what the fusion sees: scaled rows of length 1."""
    scaled = fusion.scalers_[table.name].transform(table).matrix.astype(float)
    return scaled / np.linalg.norm(scaled, axis=1, keepdims=True)


def test_two_modalities_give_the_canonical_correlations_and_directions_of_scikit_learn():
    one, other = views(widths=(6, 5))
    fusion = CCAFusion(3, l2=0.0).fit([one, other])
    x, y = rows(fusion, one), rows(fusion, other)
    theirs = CCA(n_components=3, max_iter=5000, tol=1e-10).fit_transform(x, y)
    expected = [abs(np.corrcoef(a, b)[0, 1]) for a, b in zip(theirs[0].T, theirs[1].T, strict=True)]
    np.testing.assert_allclose(fusion.correlations_, expected, atol=1e-3)
    ours = [fusion.project(table).matrix for table in (one, other)]
    for part in range(3):
        assert np.corrcoef(ours[0][:, part], ours[1][:, part])[0, 1] == pytest.approx(expected[part], abs=1e-3)
        for mine, his in zip(ours, theirs, strict=True):
            assert abs(np.corrcoef(mine[:, part], his[:, part])[0, 1]) > 0.999


@pytest.mark.parametrize("l2", [0.01, 10.0])
def test_correlations_are_those_of_the_training_clips_however_much_is_guarded(l2):
    tables = views(widths=(6, 6))
    fusion = CCAFusion(3, l2=l2).fit(tables)
    one, other = (fusion.project(table).matrix for table in tables)
    measured = [np.corrcoef(a, b)[0, 1] for a, b in zip(one.T, other.T, strict=True)]
    np.testing.assert_allclose(fusion.correlations_, measured, atol=1e-4)


def found(fusion, query, target):
    """Return in how many of the clips of the second half the clip is the nearest to its other modality."""
    a, b = (fusion.project(one.select(one.ids[150:])).matrix for one in (query, target))
    a, b = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in (a, b))
    return np.mean((a @ b.T).argmax(axis=1) == np.arange(150))


def test_one_modality_finds_the_clip_of_another_after_alignment_and_not_before():
    tables = views(shared=4, widths=(6, 6, 6))
    train = [one.select(one.ids[:150]) for one in tables]
    aligned = CCAFusion(4, l2=0.001).fit(train)
    for query, target in ((0, 1), (2, 0)):
        assert found(aligned, tables[query], tables[target]) > 0.08
    of_others = FeatureTable(train[1].ids[::-1], train[1].matrix, train[1].present, train[1].name)
    unaligned = CCAFusion(4, l2=0.001).fit([train[0], of_others])
    assert found(unaligned, tables[0], tables[1]) < 0.04


def test_clips_that_lack_a_modality_do_not_bend_the_maps():
    one, other = views(widths=(6, 5))
    whole = CCAFusion(3).fit([one.select(one.ids[:200]), other.select(other.ids[:200])])
    absent = FeatureTable(other.ids, other.matrix, np.arange(300) < 200, other.name)
    some = CCAFusion(3).fit([one, absent])
    np.testing.assert_allclose(np.abs(some.correlations_), np.abs(whole.correlations_), atol=0.02)


@pytest.mark.parametrize("fusion", [CCAFusion(3), ProcrustesFusion()], ids=repr)
def test_a_clip_is_the_mean_of_what_it_has(fusion):
    one, other = views(widths=(6, 5))
    other = FeatureTable(other.ids, other.matrix, np.arange(300) < 200, other.name)
    fused = fusion.fit([one, other]).transform([one, other]).matrix
    alone = [fusion.project(table).matrix for table in (one, other)]
    np.testing.assert_allclose(fused[200:], alone[0][200:], atol=1e-5)
    np.testing.assert_allclose(fused[:200], (alone[0][:200] + alone[1][:200]) / 2.0, atol=1e-5)


def test_a_turn_is_that_of_scipy_and_keeps_all_cosines():
    one, other = views(widths=(6, 6))
    fusion = ProcrustesFusion(anchor="view 1").fit([one, other])
    x, y = rows(fusion, one), rows(fusion, other)
    expected, _ = orthogonal_procrustes(x - x.mean(axis=0), y - y.mean(axis=0))
    np.testing.assert_allclose(fusion.maps_["view 0"], expected, atol=1e-5)
    np.testing.assert_array_equal(fusion.maps_["view 1"], np.eye(6))
    turned = fusion.project(one).matrix
    np.testing.assert_allclose(turned @ turned.T, (x - x.mean(axis=0)) @ (x - x.mean(axis=0)).T, atol=1e-5)


def test_a_planted_turn_is_undone():
    one = views(widths=(6,))[0]
    scaled = one.matrix / one.matrix.std()
    other = FeatureTable(one.ids, scaled @ ortho_group(6, seed=1).rvs(), one.present, "turned")
    fusion = ProcrustesFusion().fit([one, other])
    np.testing.assert_allclose(fusion.project(other).matrix, fusion.project(one).matrix, atol=1e-4)


def test_a_narrow_modality_is_laid_into_a_wider_one_with_all_its_cosines():
    narrow, wide = views(widths=(5, 7))
    fusion = ProcrustesFusion().fit([narrow, wide])
    np.testing.assert_allclose(fusion.maps_["view 0"] @ fusion.maps_["view 0"].T, np.eye(5), atol=1e-6)
    np.testing.assert_array_equal(fusion.maps_["view 1"], np.eye(7))


def test_an_anchor_that_would_lose_directions_is_refused():
    with pytest.raises(ValueError, match="widest"):
        ProcrustesFusion("view 0").fit(views(widths=(5, 7)))


def test_impossible_alignments_are_refused():
    one, other = views(widths=(6, 5))
    with pytest.raises(ValueError, match="two modalities or more"):
        CCAFusion().fit([one])
    with pytest.raises(ValueError, match="n_components"):
        CCAFusion(0).fit([one, other])
    with pytest.raises(ValueError, match="anchor"):
        ProcrustesFusion("smell").fit([one, other])
    apart = [one.aligned(one.ids[:100]), other.aligned(other.ids[100:])]
    with pytest.raises(ValueError, match="clips that have all"):
        CCAFusion().fit(apart)
    flat = FeatureTable(other.ids, np.ones_like(other.matrix), other.present, other.name)
    with pytest.raises(ValueError, match="view 1 is the same for all"):
        CCAFusion().fit([one, flat])
