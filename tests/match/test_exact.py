import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from avrec_lib.match import exact
from avrec_lib.match.exact import nearest
from avrec_lib.match.top_k import top_k

METRICS = ("cosine", "inner", "euclidean")
# Small whole numbers: equal scores are the rule, and every sum is exact.
WHOLE = st.sampled_from([-1.0, 0.0, 2.0])


def all_scores(queries, items, metric):
    """Every score by sums in double precision, rounded once."""
    queries, items = np.asarray(queries, np.float64), np.asarray(items, np.float64)
    if metric == "euclidean":
        return -np.sqrt(np.float32(((queries[:, None] - items[None]) ** 2).sum(-1)))
    products = np.einsum("nd,md->nm", queries, items)
    if metric == "cosine":
        lengths = np.linalg.norm(queries, axis=1)[:, None] * np.linalg.norm(items, axis=1)[None]
        products = np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
    return products.astype(np.float32)


@settings(max_examples=150, deadline=None)
@given(
    queries=hnp.arrays(np.float32, st.tuples(st.integers(0, 5), st.just(3)), elements=WHOLE),
    items=hnp.arrays(np.float32, st.tuples(st.integers(0, 40), st.just(3)), elements=WHOLE),
    k=st.integers(1, 12),
    metric=st.sampled_from(METRICS),
    block=st.sampled_from([3, 50, 10_000]),
    seed=st.integers(0, 99),
)
def test_equals_sorting_all_scores_with_ties_in_order_of_rows(queries, items, k, metric, block, seed):
    rng = np.random.default_rng(seed)
    exclude, candidates = rng.random((len(queries), len(items))) < 0.3, rng.random(len(items)) < 0.8
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "_SCORES", block)
        patch.setattr(exact, "_QUERIES", 2)
        hidden = sparse.coo_matrix(exclude) if seed % 2 else exclude
        found, scores = nearest(queries, items, k, metric=metric, exclude=hidden, candidates=candidates)
    wanted, values = top_k(all_scores(queries, items, metric), k, exclude=exclude, candidates=candidates)
    np.testing.assert_array_equal(found, wanted)
    np.testing.assert_allclose(scores, values, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("offset", [0.0, 300.0])
def test_rounding_of_products_loses_no_neighbour(metric, offset, monkeypatch):
    monkeypatch.setattr(exact, "_SCORES", 20_000)
    rng = np.random.default_rng(1)
    items = (rng.normal(size=(6000, 24)) + offset).astype(np.float32)  # far from zero, products lose the differences
    items[3000:3500] = items[:500]  # twins, which must stand side by side
    queries = items[::300] + np.float32(0.01)
    found, _ = nearest(queries, items, 10, metric=metric)
    np.testing.assert_array_equal(found, top_k(all_scores(queries, items, metric), 10)[0])


@pytest.mark.parametrize("metric", METRICS)
def test_twins_have_the_same_score_whatever_block_they_are_in(metric, monkeypatch):
    monkeypatch.setattr(exact, "_SCORES", 70)
    rng = np.random.default_rng(2)
    items = np.tile(rng.normal(size=(1, 33)).astype(np.float32), (101, 1))
    found, scores = nearest(rng.normal(size=(7, 33)), items, 5, metric=metric)
    np.testing.assert_array_equal(found, np.tile(np.arange(5), (7, 1)))
    assert (scores == scores[:, :1]).all()


def test_no_more_than_a_block_of_scores_is_held(monkeypatch):
    sizes = []
    kept = exact._hits
    monkeypatch.setattr(exact, "_SCORES", 5000)
    monkeypatch.setattr(exact, "_hits", lambda scores, *rest: sizes.append(scores.size) or kept(scores, *rest))
    nearest(np.ones((50, 4)), np.random.default_rng(0).normal(size=(3000, 4)), 3)
    assert max(sizes) <= 5000 and sum(sizes) == 50 * 3000


def test_a_vector_too_short_to_have_a_direction_counts_as_zero():
    found, scores = nearest([[1.0, 1.0]], [[1e-25, 1e-25], [0.0, 0.0], [1e-12, 0.0]], 3)
    assert found.tolist() == [[2, 0, 1]]
    np.testing.assert_allclose(scores, [[0.5**0.5, 0.0, 0.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"queries": np.zeros((2, 4))}, "same space"),
        ({"items": np.array([[0.0, 1.0, 2.0], [np.nan, 0.0, 0.0]])}, "row 1 of items"),
        ({"queries": np.full((1, 3), 1e30)}, "row 0 of queries"),
        ({"queries": np.zeros(3)}, "shape"),
        ({"k": 0}, "k must be at least 1"),
        ({"metric": "cosinus"}, "metric must be one of"),
        ({"candidates": np.ones(3, bool)}, "candidates must be bool"),
        ({"candidates": np.ones(2)}, "candidates must be bool"),
        ({"exclude": np.zeros((2, 2), bool)}, "exclude has shape"),
        ({"exclude": np.zeros((1, 2), int)}, "exclude must be of bool"),
    ],
)
def test_wrong_input_is_refused(change, message):
    right = {"queries": np.ones((1, 3)), "items": np.ones((2, 3)), "k": 1}
    with pytest.raises(ValueError, match=message):
        nearest(**(right | change))
