import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf
from sklearn.metrics.pairwise import cosine_similarity

from avrec_lib.match.codes import angles, hamming, hyperplanes, simhash
from avrec_lib.match.corated import pearson_corated
from avrec_lib.match.measures import (
    cosine,
    euclidean,
    from_distance,
    inner_product,
    jaccard,
    mahalanobis,
    pearson,
)

NUMBERS = st.floats(-1e4, 1e4, width=32)
SMALL = st.integers(-3, 3).map(float)


@st.composite
def pairs(draw, elements=NUMBERS):
    d = draw(st.integers(1, 6))
    return [draw(hnp.arrays(np.float32, (draw(st.integers(1, 5)), d), elements=elements)) for _ in range(2)]


@settings(max_examples=100, deadline=None)
@given(pairs())
def test_product_cosine_and_distances_equal_scipys_and_sklearns(both):
    queries, items = (vectors.astype(np.float64) for vectors in both)
    np.testing.assert_allclose(inner_product(*both), queries @ items.T, rtol=1e-6, atol=1e-30)
    wide = 1e-7 * (1 + max(np.abs(queries).max(), np.abs(items).max()))
    np.testing.assert_allclose(euclidean(*both), cdist(queries, items), rtol=1e-6, atol=10 * wide)
    # Below 1e-18 a vector counts as zeros; scikit-learn takes longer ones for zeros too, so it is given unit vectors.
    lengths = [np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (queries, items)]
    queries, items = (
        np.divide(vectors, length, out=np.zeros_like(vectors), where=length >= 1e-18)
        for vectors, length in zip((queries, items), lengths, strict=True)
    )
    np.testing.assert_allclose(cosine(*both), cosine_similarity(queries, items), atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(pairs(SMALL))
def test_pearson_is_numpys_correlation_and_0_for_a_constant(both):
    queries, items = both
    found = pearson(queries, items)
    for i, one in enumerate(queries):
        for j, other in enumerate(items):
            constant = np.ptp(one) == 0 or np.ptp(other) == 0
            wanted = 0.0 if constant else np.corrcoef(one, other)[0, 1]
            assert found[i, j] == pytest.approx(wanted, abs=1e-6)
    np.testing.assert_allclose(pearson_corated(queries, items), found, atol=1e-5)


@settings(max_examples=150, deadline=None)
@given(pairs(st.sampled_from([1.0, 2.0, 4.0, 5.0, np.nan])), st.integers(2, 4), st.sampled_from([0.0, 3.5]))
def test_corated_pearson_is_numpys_correlation_over_what_both_rated(both, least, shrinkage):
    found = pearson_corated(*both, least_overlap=least, shrinkage=shrinkage)
    for i, one in enumerate(both[0].astype(np.float64)):
        for j, other in enumerate(both[1].astype(np.float64)):
            shared = np.isfinite(one) & np.isfinite(other)
            wanted = 0.0
            if shared.sum() >= least and np.ptp(one[shared]) and np.ptp(other[shared]):
                wanted = np.corrcoef(one[shared], other[shared])[0, 1] * shared.sum() / (shared.sum() + shrinkage)
            assert found[i, j] == pytest.approx(wanted, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(pairs(st.sampled_from([0.0, 1.0])))
def test_jaccard_equals_scipys_but_for_two_empty_sets(both):
    sets = [vectors.astype(bool) for vectors in both]
    wanted = 1.0 - cdist(*sets, metric="jaccard")
    empty = ~sets[0].any(axis=1)[:, None] & ~sets[1].any(axis=1)
    np.testing.assert_allclose(jaccard(*sets), np.where(empty, 0.0, wanted), atol=1e-6)


def test_mahalanobis_equals_scipys():
    rng = np.random.default_rng(0)
    data = rng.normal(size=(300, 5)) @ rng.normal(size=(5, 5)) + 40.0
    covariance = LedoitWolf().fit(data).covariance_
    wanted = cdist(data[:20], data[20:], metric="mahalanobis", VI=np.linalg.inv(covariance))
    np.testing.assert_allclose(mahalanobis(data[:20], data[20:], covariance), wanted, rtol=1e-4)


def test_a_vector_of_zeros_is_like_nothing_and_never_nan():
    zeros, some = np.zeros((2, 3)), np.array([[1.0, 2.0, 2.0]])
    for measure in (cosine, pearson, inner_product, jaccard):
        right = np.ones((1, 3)) if measure is jaccard else some
        assert (measure(zeros, right) == 0).all() and (measure(zeros, zeros) == 0).all()
    assert euclidean(zeros, some).tolist() == [[3.0], [3.0]]


def test_constants_that_rounding_makes_uneven_stay_constant():
    for d in range(2, 40):
        rising = np.arange(float(d))[None]
        for value in (0.1, 0.7, 1e6 / 3):
            constant = np.full((1, d), value)
            assert pearson(constant, rising).tolist() == [[0.0]]
            assert pearson_corated(constant, rising).tolist() == [[0.0]]


def test_near_twins_far_from_zero_keep_their_distance():
    rng = np.random.default_rng(1)
    items = (1e4 + rng.normal(size=(50, 8))).astype(np.float32)
    queries = items[:5] + np.float32(0.01)
    wanted = cdist(queries.astype(np.float64), items.astype(np.float64))
    np.testing.assert_allclose(euclidean(queries, items), wanted, rtol=1e-5)


@pytest.mark.parametrize("measure", [cosine, pearson, inner_product, euclidean, jaccard])
def test_answers_are_float32_also_where_there_is_nothing(measure):
    for n, m in ((2, 3), (0, 3), (2, 0)):
        found = measure(np.ones((n, 4)), np.ones((m, 4)))
        assert found.dtype == np.float32 and found.shape == (n, m)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: cosine(np.ones((1, 3)), np.ones((1, 4))), "same space"),
        (lambda: cosine([[1.0, np.nan]], [[1.0, 1.0]]), "row 0 of queries"),
        (lambda: euclidean([[1.0]], [[1.0], [np.inf]]), "row 1 of items"),
        (lambda: inner_product(np.ones(3), np.ones((1, 3))), "shape"),
        (lambda: jaccard([[0.5, 1.0]], [[1.0, 0.0]]), "only 0 and 1"),
        (lambda: mahalanobis([[1.0, 2.0]], [[1.0, 2.0]], np.ones((2, 2))), "not positive definite"),
        (lambda: mahalanobis([[1.0, 2.0]], [[1.0, 2.0]], [[1.0, 0.5], [0.0, 1.0]]), "symmetric"),
        (lambda: from_distance([-0.1]), "at least 0"),
        (lambda: from_distance([np.nan]), "not missing"),
        (lambda: from_distance([0.1], width=0.0), "width"),
        (lambda: pearson_corated([[1.0, np.inf]], [[1.0, 2.0]]), "infinite"),
        (lambda: pearson_corated([[1.0, 2.0]], [[1.0, 2.0]], least_overlap=1), "least_overlap"),
        (lambda: pearson_corated(np.ones((1, 2)), np.ones((1, 3))), "same space"),
        (lambda: hyperplanes(8, 65), "multiple of 64"),
        (lambda: simhash(np.ones((1, 3)), hyperplanes(4, 64)), "columns"),
        (lambda: hamming(np.ones((1, 2)), np.ones((1, 2))), "unsigned"),
        (lambda: hamming(np.ones((1, 2), np.uint8), np.ones((1, 3), np.uint8)), "shapes"),
    ],
)
def test_wrong_input_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_from_distance_keeps_the_order_turned_round():
    far = np.linspace(0, 5, 50)
    for width in (None, 0.7):
        near = from_distance(far, width=width)
        assert near[0] == 1.0 and (np.diff(near) < 0).all() and near[-1] > 0.0


def test_bits_that_differ_estimate_the_angle_within_its_standard_error():
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(60, 16))
    true = np.arccos(np.clip(cosine(vectors, vectors), -1, 1))[np.triu_indices(60, 1)]
    bits = 1024
    codes = simhash(vectors, hyperplanes(16, bits, seed=5))
    found = angles(hamming(codes, codes), bits)[np.triu_indices(60, 1)]
    p = true / np.pi
    errors = (found - true) / (np.pi * np.sqrt(p * (1 - p) / bits))
    assert abs(errors.mean()) < 0.3 and 0.8 < errors.std() < 1.2


def test_codes_do_not_see_length_and_hamming_is_scipys():
    vectors = np.random.default_rng(3).normal(size=(40, 9)).astype(np.float32)
    planes = hyperplanes(9, 128)
    codes = simhash(vectors, planes)
    assert codes.dtype == np.uint64 and codes.shape == (40, 2)
    np.testing.assert_array_equal(codes, simhash(vectors * 7, planes))
    bits = np.unpackbits(codes.view(np.uint8), axis=1)
    np.testing.assert_array_equal(hamming(codes[:9], codes), np.round(cdist(bits[:9], bits, "hamming") * 128))


def test_blocks_of_codes_give_the_same_as_all_at_once(monkeypatch):
    vectors = np.random.default_rng(4).normal(size=(30, 9))
    whole = simhash(vectors, hyperplanes(9, 64))
    apart = hamming(whole, whole)
    monkeypatch.setattr("avrec_lib.match.codes._ROWS", 7)
    monkeypatch.setattr("avrec_lib.match.codes._WORDS", 70)
    np.testing.assert_array_equal(simhash(vectors, hyperplanes(9, 64)), whole)
    np.testing.assert_array_equal(hamming(whole, whole), apart)
