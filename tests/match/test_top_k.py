import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from avrec_lib.match.top_k import top_k


def brute_force(scores, k, exclude):
    columns = np.full((len(scores), k), -1)
    for u, row in enumerate(scores):
        open_to = [i for i in range(len(row)) if not exclude[u, i] and not np.isnan(row[i]) and row[i] != -np.inf]
        best = sorted(open_to, key=lambda i: (-row[i], i))[:k]
        columns[u, : len(best)] = best
    return columns


# Few different values, so that ties are the rule.
VALUES = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 1.0, 2.0, np.inf, np.nan])


@settings(max_examples=300, deadline=None)
@given(
    scores=hnp.arrays(np.float64, st.tuples(st.integers(0, 6), st.integers(0, 9)), elements=VALUES),
    k=st.integers(1, 12),
    seed=st.integers(0, 99),
    as_sparse=st.booleans(),
)
def test_equals_sorting_with_ties_in_order_of_columns(scores, k, seed, as_sparse):
    exclude = np.random.default_rng(seed).random(scores.shape) < 0.3
    columns, values = top_k(scores, k, exclude=sparse.csr_matrix(exclude) if as_sparse else exclude)
    expected = brute_force(scores, k, exclude)
    np.testing.assert_array_equal(columns, expected)
    taken = np.where(expected >= 0, np.take_along_axis(np.pad(scores, ((0, 0), (0, 1))), expected, 1), np.nan)
    np.testing.assert_array_equal(values, taken)


def test_blocks_of_people_give_the_same_as_all_at_once(monkeypatch):
    scores = np.random.default_rng(0).integers(0, 5, (50, 30)).astype(np.float32)
    exclude = sparse.random(50, 30, 0.2, format="csr", random_state=0)
    whole = top_k(scores, 7, exclude=exclude)
    monkeypatch.setattr("avrec_lib.match.top_k._BLOCK", 100)
    for a, b in zip(whole, top_k(scores, 7, exclude=exclude), strict=True):
        np.testing.assert_array_equal(a, b)


def test_scores_are_left_as_they_were():
    scores = np.array([[0.3, np.nan, 0.1]])
    top_k(scores, 2, exclude=np.array([[True, False, False]]))
    np.testing.assert_array_equal(scores, [[0.3, np.nan, 0.1]])


def test_an_explicit_zero_of_a_sparse_matrix_excludes():
    exclude = sparse.csr_matrix((np.array([0.0]), np.array([1]), np.array([0, 1])), shape=(1, 3))
    assert top_k(np.array([[1.0, 9.0, 2.0]]), 2, exclude=exclude)[0].tolist() == [[2, 0]]


def test_only_candidates_are_returned():
    scores = np.array([[3.0, 1.0, 2.0], [1.0, 3.0, 2.0]])
    columns, values = top_k(scores, 2, candidates=np.array([False, True, True]), exclude=np.eye(2, 3, 1, dtype=bool))
    assert columns.tolist() == [[2, -1], [1, -1]] and values[:, 0].tolist() == [2.0, 3.0]
    assert top_k(scores, 1, candidates=np.zeros(3, bool))[0].tolist() == [[-1], [-1]]


@pytest.mark.parametrize("candidates", [np.ones(2, bool), np.ones(3), np.ones((2, 3), bool)])
def test_candidates_of_another_shape_or_type_are_refused(candidates):
    with pytest.raises(ValueError, match="candidates must be bool"):
        top_k(np.zeros((2, 3)), 1, candidates=candidates)


@pytest.mark.parametrize(
    ("scores", "k", "exclude", "message"),
    [
        (np.zeros(3), 1, None, "shape"),
        (np.zeros((2, 3)), 0, None, "k must"),
        (np.zeros((2, 3)), 1, np.zeros((3, 2), bool), "exclude has shape"),
        (np.zeros((2, 3)), 1, np.array([[0, 1, 0], [1, 0, 0]]), "exclude must be of bool .* not int64"),
        (np.zeros((2, 3)), 1, np.zeros((2, 3)), "exclude must be of bool .* not float64"),
    ],
)
def test_what_is_excluded_is_never_guessed_and_wrong_shapes_are_refused(scores, k, exclude, message):
    with pytest.raises(ValueError, match=message):
        top_k(scores, k, exclude=exclude)
