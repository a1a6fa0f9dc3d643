import numpy as np
import pytest
from sklearn.decomposition import PCA

from avrec_lib.prepare import selection
from avrec_lib.prepare.selection import near_constant, pca, redundant, select_features, selection_frequency

METHODS = ("mutual_information", "l1", "permutation")


def data(n=600, p=8, seed=0, binary=True):
    """Only columns 1 and 4 matter."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.1, 50.0, p)
    worth = 2.0 * X[:, 1] / X[:, 1].std() - 2.0 * X[:, 4] / X[:, 4].std()
    return X, (worth + rng.logistic(size=n) > 0.0) if binary else worth + rng.standard_normal(n)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("binary", [True, False])
def test_the_columns_that_matter_are_chosen(method, binary):
    X, y = data(binary=binary)
    assert np.flatnonzero(select_features(X, y, k=2, method=method)).tolist() == [1, 4]


@pytest.mark.parametrize("method", METHODS)
def test_exactly_k_are_chosen_and_the_same_ones_each_time(method):
    X, y = data()
    for k in (1, 5, 8):
        mask = select_features(X, y, k=k, method=method, seed=2)
        assert mask.sum() == k
        assert np.array_equal(mask, select_features(X, y, k=k, method=method, seed=2))


def test_l1_takes_one_of_two_equal_columns_before_a_weaker_other():
    X, y = data()
    mask = select_features(np.column_stack([X, X[:, 1]]), y, k=2, method="l1")
    assert mask[4]
    assert mask[1] ^ mask[8]


def test_what_is_chosen_by_chance_is_not_stable():
    X, y = data()
    frequency = selection_frequency(X, y, k=3, method="mutual_information", repeats=10)
    assert frequency[[1, 4]].tolist() == [1.0, 1.0]
    assert frequency.sum() == pytest.approx(3.0)
    assert np.delete(frequency, [1, 4]).max() < 0.9


@pytest.mark.parametrize("binary", [True, False])
def test_no_copy_of_a_training_row_is_held_out_of_a_bootstrap_sample(monkeypatch, binary):
    X, y = data(n=90, binary=binary)
    trained, judged = [], []
    kind = selection.LogisticRegression if binary else selection.Ridge
    shuffle = selection.permutation_importance

    class Watched(kind):
        def fit(self, values, target):
            trained.append({row.tobytes() for row in values})
            return super().fit(values, target)

    def watched(model, values, *rest, **options):
        judged.append({row.tobytes() for row in values})
        return shuffle(model, values, *rest, **options)

    monkeypatch.setattr(selection, kind.__name__, Watched)
    monkeypatch.setattr(selection, "permutation_importance", watched)
    selection_frequency(X, y, k=2, method="permutation", repeats=3)
    assert len(trained) == len(judged) == 3
    for known, asked in zip(trained, judged, strict=True):
        assert not known & asked
        assert 0.25 < len(asked) / len(known | asked) < 0.42


def test_a_class_of_one_row_cannot_be_split():
    X, _ = data(n=50)
    with pytest.raises(ValueError, match="a single row"):
        select_features(X, np.arange(50) == 3, k=2, method="permutation")


def test_near_constant_counts_the_most_frequent_value():
    X = np.zeros((100, 5))
    X[:2, 1], X[:1, 2], X[:, 3], X[:, 4] = 7.0, 7.0, np.arange(100), 5.0
    assert near_constant(X, share=0.99).tolist() == [True, False, True, False, True]
    assert near_constant(X, share=0.98).tolist() == [True, True, True, False, True]
    assert near_constant(X, share=1.0).tolist() == [True, False, False, False, True]


def test_redundant_keeps_the_first_of_each_kind():
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((2, 300))
    X = np.column_stack([a, b, -3.0 * a + 1.0, b + 0.01 * a, a + b, np.full(300, 0.1)])
    assert redundant(X, threshold=0.95).tolist() == [False, False, True, True, False, False]
    assert not redundant(X[:, [0, 1]], threshold=1.0).any()


def test_redundant_measures_against_columns_that_stay():
    # b is close to a, c to b but not to a: c must stay once b is gone.
    rng = np.random.default_rng(2)
    a, e, f = rng.standard_normal((3, 5000))
    b = a + 0.6 * e
    c = b + 0.6 * f
    r = np.corrcoef([a, b, c])
    assert r[0, 1] > 0.84 < r[1, 2] and r[0, 2] < 0.84
    assert redundant(np.column_stack([a, b, c]), threshold=0.84).tolist() == [False, True, False]


def test_pca_equals_scikit_learn_and_projects_new_rows():
    X = np.random.default_rng(3).standard_normal((80, 6)) @ np.random.default_rng(4).standard_normal((6, 6)) + 5.0
    ours, theirs = pca(X, 3), PCA(3).fit(X)
    assert ours.explained == pytest.approx(theirs.explained_variance_ratio_)
    sign = np.sign((ours.basis * theirs.components_).sum(axis=1))
    assert ours.basis == pytest.approx(theirs.components_ * sign[:, None])
    assert ours.scores == pytest.approx(theirs.transform(X) * sign)
    assert (X[:5] - ours.mean) @ ours.basis.T == pytest.approx(ours.scores[:5])
    assert (ours.basis[np.arange(3), np.abs(ours.basis).argmax(axis=1)] > 0.0).all()


def test_bad_input_is_refused():
    X, y = data(n=50)
    with pytest.raises(ValueError, match=r"X\[3, 2\] is nan"):
        redundant(np.where(np.arange(400).reshape(50, 8) == 26, np.nan, X))
    with pytest.raises(ValueError, match="one target a row"):
        select_features(X, y[:-1], k=2)
    with pytest.raises(ValueError, match="always 1"):
        select_features(X, np.ones(50), k=2)
    with pytest.raises(ValueError, match="1 to 8, got 9"):
        select_features(X, y, k=9)
    with pytest.raises(ValueError, match="not 'luck'"):
        select_features(X, y, k=2, method="luck")
    with pytest.raises(ValueError, match="at least 1"):
        selection_frequency(X, y, k=2, repeats=0)
    with pytest.raises(ValueError, match="1 to 8, got 0"):
        pca(X, 0)
    with pytest.raises(ValueError, match="all rows are equal"):
        pca(np.ones((5, 2)), 1)
    with pytest.raises(ValueError, match="share"):
        near_constant(X, share=0.0)
    with pytest.raises(ValueError, match="threshold"):
        redundant(X, threshold=1.5)
    with pytest.raises(ValueError, match="neither of them zero"):
        pca(np.zeros((0, 3)), 1)
