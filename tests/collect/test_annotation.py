"""Labels from people who err: the published example, planted confusions, and second implementations."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from avrec_lib.collect.annotation import (
    cohen_kappa,
    dawid_skene,
    fleiss_kappa,
    krippendorff_alpha,
    majority_vote,
    simulate_annotators,
)

# Dawid and Skene (1979), table 1: 45 patients; the first anaesthetist labelled each three times.
ANAESTHETISTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111 2223212 1211111
1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111 1111111 1121121
1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
"""
WHO = np.array([0, 0, 0, 1, 2, 3, 4])


@pytest.fixture
def anaesthetists() -> np.ndarray:
    """Give the published labels, classes from 0."""
    return np.array([[int(letter) - 1 for letter in word] for word in ANAESTHETISTS.split()])


def slow_dawid_skene(labels: np.ndarray, who: np.ndarray, classes: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Follow the equations of the paper one cell at a time."""
    items, people = len(labels), int(who.max()) + 1
    n = np.zeros((people, items, classes))
    for i in range(items):
        for column, k in enumerate(who):
            if labels[i, column] >= 0:
                n[k, i, labels[i, column]] += 1
    t = n.sum(axis=0) / n.sum(axis=(0, 2))[:, None]
    for _ in range(steps):
        p = t.mean(axis=0)
        pi = np.zeros((people, classes, classes))
        for k in range(people):
            for j in range(classes):
                for m in range(classes):
                    pi[k, j, m] = sum(t[i, j] * n[k, i, m] for i in range(items))
                pi[k, j] /= pi[k, j].sum()
        for i in range(items):
            for j in range(classes):
                t[i, j] = p[j] * np.prod([pi[k, j, m] ** n[k, i, m] for k in range(people) for m in range(classes)])
            t[i] /= t[i].sum()
    return t, pi


def test_the_published_error_rates_come_out(anaesthetists):
    found = dawid_skene(anaesthetists, who=WHO, smoothing=0.0, tolerance=1e-12, steps=500)
    assert found.prior.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]
    first = [[0.89, 0.11, 0, 0], [0.07, 0.88, 0.05, 0], [0, 0.34, 0.66, 0], [0, 0, 0.56, 0.44]]
    assert found.confusion[0].round(2).tolist() == first
    assert (found.confusion.shape, found.posterior.shape) == ((5, 4, 4), (45, 4))


def test_the_vectorised_steps_equal_the_equations_cell_by_cell(anaesthetists):
    some = anaesthetists.copy()
    some[np.random.default_rng(3).random(some.shape) < 0.15] = -1
    posterior, confusion = slow_dawid_skene(some, WHO, 4, 12)
    found = dawid_skene(some, who=WHO, smoothing=0.0, tolerance=-np.inf, steps=12)
    np.testing.assert_allclose(found.posterior, posterior, atol=1e-10)
    np.testing.assert_allclose(found.confusion, confusion, atol=1e-10)


@pytest.mark.parametrize("smoothing", [0.0, 0.01, 1.0])
def test_the_likelihood_never_falls(anaesthetists, smoothing):
    found = dawid_skene(anaesthetists, who=WHO, smoothing=smoothing, tolerance=-np.inf, steps=60)
    assert len(found.log_likelihood) == 60
    assert np.diff(found.log_likelihood).min() > -1e-9


def test_planted_confusions_are_recovered_and_beat_the_majority():
    truth = np.random.default_rng(0).choice(3, size=8000, p=[0.5, 0.3, 0.2])
    planted = np.array(
        [
            [[0.90, 0.05, 0.05], [0.10, 0.85, 0.05], [0.05, 0.05, 0.90]],
            [[0.60, 0.30, 0.10], [0.20, 0.60, 0.20], [0.30, 0.20, 0.50]],
            [[0.10, 0.80, 0.10], [0.80, 0.10, 0.10], [0.10, 0.10, 0.80]],  # takes the first two for each other
            [[0.50, 0.25, 0.25], [0.25, 0.50, 0.25], [0.25, 0.25, 0.50]],
        ]
    )
    labels = simulate_annotators(truth, planted, seed=5, answered=0.9)
    found = dawid_skene(labels)
    assert np.abs(found.confusion - planted).max() < 0.05
    np.testing.assert_allclose(found.prior, [0.5, 0.3, 0.2], atol=0.03)
    by_model = (found.posterior.argmax(axis=1) == truth).mean()
    by_votes = (majority_vote(labels)[0] == truth).mean()
    assert by_model > by_votes + 0.1


def test_posteriors_are_calibrated():
    truth = np.random.default_rng(1).integers(0, 3, 20_000)
    labels = simulate_annotators(truth, np.array([0.8, 0.7, 0.6]), seed=2)
    found = dawid_skene(labels).posterior
    sure = found.max(axis=1)
    right = found.argmax(axis=1) == truth
    for low, high in ((0.4, 0.7), (0.7, 0.9), (0.9, 1.0)):
        some = (sure >= low) & (sure < high)
        assert some.sum() > 200
        assert abs(right[some].mean() - sure[some].mean()) < 0.04


def test_an_item_without_labels_gets_the_prior_and_one_annotator_is_believed():
    labels = np.array([[0, 0], [1, 1], [1, 1], [-1, -1]])
    found = dawid_skene(labels)
    np.testing.assert_allclose(found.posterior[3], found.prior, atol=1e-6)
    assert found.posterior[:3].argmax(axis=1).tolist() == [0, 1, 1]
    alone = dawid_skene(np.array([[0], [1], [2]]))
    assert alone.posterior.argmax(axis=1).tolist() == [0, 1, 2]
    assert np.isfinite(alone.posterior).all()


def test_a_thousand_annotators_do_not_underflow():
    truth = np.arange(20) % 2
    labels = simulate_annotators(truth, np.full(3000, 0.6), seed=0)
    found = dawid_skene(labels, steps=20)
    assert np.isfinite(found.posterior).all()
    assert (found.posterior.argmax(axis=1) == truth).all()


def test_simulated_annotators_err_as_often_as_they_were_told():
    truth = np.random.default_rng(0).integers(0, 4, 20_000)
    labels = simulate_annotators(truth, np.array([1.0, 0.7, 0.25]), seed=9, n_classes=4, answered=0.5)
    said = labels != -1
    assert abs(said.mean() - 0.5) < 0.01
    right = [(labels[said[:, k], k] == truth[said[:, k]]).mean() for k in range(3)]
    np.testing.assert_allclose(right, [1.0, 0.7, 0.25], atol=0.015)
    wrong = labels[(labels[:, 1] != truth) & said[:, 1] & (truth == 0), 1]
    assert np.bincount(wrong, minlength=4)[1:].min() > len(wrong) / 3 * 0.85
    assert (labels == simulate_annotators(truth, np.array([1.0, 0.7, 0.25]), seed=9, n_classes=4, answered=0.5)).all()
    other = simulate_annotators(truth, np.array([1.0, 0.7, 0.25]), seed=10, n_classes=4, answered=0.5)
    assert (labels != other).any()


def test_the_majority_wins_and_silence_is_told():
    winner, share = majority_vote(np.array([[1, 1, 0], [2, 2, 0], [-1, -1, -1]]))
    assert winner.tolist() == [1, 2, -1]
    np.testing.assert_allclose(share, [2 / 3, 2 / 3, 0.0])


def test_ties_are_split_evenly_by_the_seed_and_favour_no_class():
    labels = np.tile([[0, 2, 3, -1, 0, 2, 3]], (6_000, 1))
    winner, share = majority_vote(labels, n_classes=5)
    np.testing.assert_allclose(np.bincount(winner, minlength=5) / 6_000, [1 / 3, 0, 1 / 3, 1 / 3, 0], atol=0.03)
    np.testing.assert_allclose(share, 1 / 3)
    np.testing.assert_array_equal(winner, majority_vote(labels, n_classes=5, seed=0)[0])
    assert 0.5 < (winner != majority_vote(labels, n_classes=5, seed=1)[0]).mean() < 0.8


@pytest.mark.parametrize("seed", range(5))
def test_cohen_kappa_equals_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 200)
    second = np.where(rng.random(200) < 0.6, first, rng.integers(0, 5, 200))
    assert cohen_kappa(first, second) == pytest.approx(cohen_kappa_score(first, second), abs=1e-12)
    words = np.array(["rain", "sea", "dog", "clock", "baby"])
    assert cohen_kappa(words[first], words[second]) == pytest.approx(cohen_kappa(first, second), abs=1e-12)


def test_fleiss_kappa_gives_the_published_figure():
    # Fleiss' example as it is usually printed: 10 subjects, 14 raters, 5 classes, kappa 0.210.
    counts = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ]
    )
    labels = np.array([np.repeat(np.arange(5), row) for row in counts])
    assert fleiss_kappa(labels) == pytest.approx(0.210, abs=5e-4)
    shuffled = np.random.default_rng(0).permuted(labels, axis=1)
    assert fleiss_kappa(shuffled) == pytest.approx(fleiss_kappa(labels))


def test_krippendorff_alpha_gives_the_published_figures():
    # Krippendorff (2011): three coders with gaps, 0.691; four coders with gaps, 0.743.
    three = ["*****3412113 3*3", "1*2133 43*******", "**21344*2113 3*4"]
    rows = [[-1 if letter == "*" else int(letter) for letter in row.replace(" ", "")] for row in three]
    assert krippendorff_alpha(np.array(rows).T) == pytest.approx(0.691, abs=5e-4)
    four = ["12332141 2***", "12332241 25*3", "*3332342 251*", "12332441 251*"]
    rows = [[-1 if letter == "*" else int(letter) for letter in row.replace(" ", "")] for row in four]
    assert krippendorff_alpha(np.array(rows).T) == pytest.approx(0.743, abs=5e-4)


def test_full_agreement_is_one_and_chance_is_zero():
    rng = np.random.default_rng(4)
    same = np.repeat(rng.integers(0, 3, 4000)[:, None], 3, axis=1)
    assert fleiss_kappa(same) == pytest.approx(1.0)
    assert krippendorff_alpha(same) == pytest.approx(1.0)
    apart = rng.integers(0, 3, (4000, 3))
    assert abs(fleiss_kappa(apart)) < 0.02
    assert abs(krippendorff_alpha(apart)) < 0.02
    assert np.isnan(krippendorff_alpha(np.zeros((5, 2), dtype=int)))
    assert np.isnan(fleiss_kappa(np.zeros((5, 2), dtype=int)))
    assert np.isnan(cohen_kappa(["a"], ["a"]))


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: dawid_skene(np.array([[0.5, 1.0]])), "whole numbers of shape"),
        (lambda: dawid_skene(np.array([0, 1])), "whole numbers of shape"),
        (lambda: dawid_skene(np.zeros((0, 2), dtype=int)), "no item or no annotator"),
        (lambda: dawid_skene(np.array([[-2]])), "found -2"),
        (lambda: dawid_skene(np.array([[0, 3]]), n_classes=2), "label 3 is met, but there are only 2"),
        (lambda: dawid_skene(np.array([[0, 1]]), who=np.array([0])), "one annotator, 0 or above, for each of 2"),
        (lambda: dawid_skene(np.array([[0, 1]]), smoothing=-1.0), "smoothing must be 0 or above"),
        (lambda: fleiss_kappa(np.array([[0, -1]])), "two or more labels on every item"),
        (lambda: krippendorff_alpha(np.array([[0, -1]])), "nothing to compare"),
        (lambda: cohen_kappa([1], [1, 2]), "as many labels each"),
        (lambda: simulate_annotators(np.array([0, 2]), np.full((1, 2, 2), 0.5), seed=0), "for 3 classes"),
        (lambda: simulate_annotators(np.array([0, 1]), np.full((1, 2, 2), 0.4), seed=0), "sum to 1"),
        (lambda: simulate_annotators(np.array([0, 1]), np.array([1.5]), seed=0), r"chances lie in \[0, 1\]"),
        (lambda: simulate_annotators(np.array([-1, 1]), np.array([0.5]), seed=0), "a class for every item"),
    ],
)
def test_wrong_input_is_named(ask, told):
    with pytest.raises(ValueError, match=told):
        ask()
