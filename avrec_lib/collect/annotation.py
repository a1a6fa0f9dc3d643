"""Labels from several people who err: how far they agree, and what is most likely true."""

from typing import NamedTuple

import numpy as np
import pandas as pd

__all__ = [
    "DawidSkene",
    "cohen_kappa",
    "dawid_skene",
    "fleiss_kappa",
    "krippendorff_alpha",
    "majority_vote",
    "simulate_annotators",
]

MISSING = -1
"""Where an annotator said nothing."""
_STREAM = 62
_TIES = 63


class DawidSkene(NamedTuple):
    """What :func:`dawid_skene` returns.

    Attributes
    ----------
    posterior : ndarray
        (n_items, n_classes): how likely each class is the true one.
    confusion : ndarray
        (n_annotators, n_classes, n_classes): chance that an annotator says the second when the first is true.
    prior : ndarray
        (n_classes,): how frequent each class is.
    log_likelihood : ndarray
        After each step; it never falls.
    """

    posterior: np.ndarray
    confusion: np.ndarray
    prior: np.ndarray
    log_likelihood: np.ndarray


def _checked(labels: np.ndarray, n_classes: int | None) -> tuple[np.ndarray, int]:
    labels = np.asarray(labels)
    if labels.ndim != 2 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"labels must be whole numbers of shape (items, annotators), got {labels.dtype} of shape {labels.shape}"
        )
    if labels.size == 0:
        raise ValueError("labels hold no item or no annotator")
    if labels.min() < MISSING:
        raise ValueError(f"a label is 0 or above, or {MISSING} where there is none; found {labels.min()}")
    found = int(labels.max()) + 1
    if n_classes is not None and found > n_classes:
        raise ValueError(f"label {found - 1} is met, but there are only {n_classes} classes")
    return labels, max(found, 1) if n_classes is None else n_classes


def _counts(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Count the votes: (n_items, n_classes)."""
    item, annotator = np.nonzero(labels != MISSING)
    counts = np.zeros((len(labels), n_classes))
    np.add.at(counts, (item, labels[item, annotator]), 1.0)
    return counts


def simulate_annotators(
    truth: np.ndarray, reliabilities: np.ndarray, *, seed: int, n_classes: int | None = None, answered: float = 1.0
) -> np.ndarray:
    """Let annotators of known reliability label items.

    Parameters
    ----------
    truth : ndarray of int
        (n_items,), classes from 0.
    reliabilities : ndarray
        (n_annotators,): chance of the right label, errors spread evenly over the others; or
        (n_annotators, n_classes, n_classes): chance of saying the second when the first is true.
    seed : int
        Of the draws.
    n_classes : int, optional
        By default as many as the reliabilities or the truth have.
    answered : float
        Chance that an annotator labels an item at all.

    Returns
    -------
    ndarray of int
        (n_items, n_annotators); -1 where nothing was said.

    Raises
    ------
    ValueError
        If a chance is not in [0, 1], or the rows of a confusion matrix do not sum to 1.
    """
    truth, chances = np.asarray(truth), np.asarray(reliabilities, dtype=np.float64)
    _checked(truth[:, None], n_classes)
    if truth.min() < 0:
        raise ValueError("the truth has a class for every item, 0 or above")
    if chances.ndim == 1:
        classes = max(int(truth.max()) + 1, 2) if n_classes is None else n_classes
        wrong = (1.0 - chances[:, None, None]) / max(classes - 1, 1)
        chances = np.where(np.eye(classes, dtype=bool), chances[:, None, None], wrong)
    if chances.ndim != 3 or chances.shape[1] != chances.shape[2] or chances.shape[1] <= truth.max():
        raise ValueError(
            f"reliabilities have shape (annotators,) or (annotators, classes, classes) for every class of the truth, "
            f"got {np.shape(reliabilities)} for {int(truth.max()) + 1} classes"
        )
    if (chances < 0.0).any() or (chances > 1.0).any() or not 0.0 <= answered <= 1.0:
        raise ValueError("chances lie in [0, 1]")
    if not np.allclose(chances.sum(axis=2), 1.0):
        raise ValueError("each row of a confusion matrix must sum to 1")
    rng = np.random.default_rng([seed, _STREAM])
    ends = np.cumsum(chances, axis=2)[:, truth, :].transpose(1, 0, 2)
    drawn = rng.random(ends.shape[:2])
    said = np.minimum((drawn[:, :, None] >= ends).sum(axis=2), chances.shape[1] - 1)
    return np.where(rng.random(said.shape) < answered, said, MISSING)


def majority_vote(labels: np.ndarray, *, n_classes: int | None = None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Take the label that most annotators gave.

    Parameters
    ----------
    labels : ndarray of int
        (n_items, n_annotators), -1 where nothing was said.
    n_classes : int, optional
        By default as many as are met.
    seed : int
        Of the draws that split ties. To give ties to the lowest class would favour whoever always says it.

    Returns
    -------
    winner : ndarray of int
        (n_items,); of a tie any of its classes, each with the same chance; -1 where nobody spoke.
    share : ndarray
        (n_items,): votes for the winner among the votes; 0 where nobody spoke.
    """
    labels, classes = _checked(labels, n_classes)
    counts = _counts(labels, classes)
    votes = counts.sum(axis=1)
    # Less than half a vote each: it decides between equal counts only.
    lots = np.random.default_rng([seed, _TIES]).random(counts.shape) / 2.0
    winner = np.where(votes > 0, (counts + lots).argmax(axis=1), MISSING)
    return winner, counts.max(axis=1) / np.maximum(votes, 1.0)


def dawid_skene(
    labels: np.ndarray,
    *,
    who: np.ndarray | None = None,
    n_classes: int | None = None,
    steps: int = 200,
    tolerance: float = 1e-8,
    smoothing: float = 0.01,
) -> DawidSkene:
    r"""Estimate the truth and each annotator's errors together, by expectation and maximisation.

    .. math:: T_{ij} \propto p_j \prod_k \prod_l \left(\pi^{(k)}_{jl}\right)^{n^{(k)}_{il}}, \qquad
              \pi^{(k)}_{jl} = \frac{\sum_i T_{ij} n^{(k)}_{il} + s}{\sum_i T_{ij} n^{(k)}_{i\cdot} + s J}, \qquad
              p_j = \frac1I \sum_i T_{ij}

    from the shares of votes as the first :math:`T`.

    Parameters
    ----------
    labels : ndarray of int
        (n_items, n_columns), -1 where nothing was said.
    who : ndarray of int, optional
        (n_columns,), which annotator each column is, from 0: somebody may label twice. By default a column is one.
    n_classes : int, optional
        :math:`J`; by default as many as are met.
    steps : int
        At the most.
    tolerance : float
        Stop when the log likelihood (or, with smoothing, the log posterior) grows by less than this share.
    smoothing : float
        :math:`s`: labels lent to each cell of a confusion matrix, so that no error is held to be impossible; 0 is
        the original.

    Returns
    -------
    DawidSkene

    Raises
    ------
    ValueError
        If the labels are not whole numbers of shape (items, columns), `who` does not fit, or smoothing is below 0.

    References
    ----------
    A. P. Dawid and A. M. Skene (1979). Maximum Likelihood Estimation of Observer Error-Rates Using the EM Algorithm.
    Applied Statistics 28(1), 20-28, equations 2.3 to 2.5.
    """
    labels, classes = _checked(labels, n_classes)
    if smoothing < 0.0:
        raise ValueError(f"smoothing must be 0 or above, got {smoothing}")
    person = np.arange(labels.shape[1]) if who is None else np.asarray(who)
    if person.shape != (labels.shape[1],) or person.min() < 0:
        raise ValueError(f"who needs one annotator, 0 or above, for each of {labels.shape[1]} columns, got {who}")
    item, column = np.nonzero(labels != MISSING)
    said, annotator = labels[item, column], person[column]
    counts = _counts(labels, classes)
    votes = counts.sum(axis=1, keepdims=True)
    posterior = np.where(votes > 0, counts / np.maximum(votes, 1.0), 1.0 / classes)
    reached: list[float] = []
    for _ in range(max(steps, 1)):
        prior = posterior.mean(axis=0)
        confusion = np.full((int(person.max()) + 1, classes, classes), smoothing)
        np.add.at(confusion.transpose(0, 2, 1), (annotator, said), posterior[item])
        total = confusion.sum(axis=2, keepdims=True)
        confusion = np.divide(confusion, total, out=np.full_like(confusion, 1.0 / classes), where=total > 0.0)
        with np.errstate(divide="ignore"):
            logs = np.log(confusion)
            evidence = np.log(np.tile(prior, (len(labels), 1)))
        np.add.at(evidence, item, logs[annotator, :, said])
        top = evidence.max(axis=1, keepdims=True)
        weight = np.exp(evidence - top)
        scale = weight.sum(axis=1, keepdims=True)
        posterior = weight / scale
        lent = smoothing * float(logs.sum()) if smoothing > 0.0 else 0.0
        reached.append(float((top + np.log(scale)).sum()) + lent)
        if len(reached) > 1 and reached[-1] - reached[-2] < tolerance * abs(reached[-2]):
            break
    return DawidSkene(posterior, confusion, prior, np.array(reached))


def cohen_kappa(first: np.ndarray, second: np.ndarray) -> float:
    """Measure the agreement of two annotators beyond chance, each with their own habits.

    Parameters
    ----------
    first, second : array_like
        (n_items,), labels of any kind.

    Returns
    -------
    float
        1 for full agreement, 0 for that of chance; NaN if both only ever said one and the same thing.

    Raises
    ------
    ValueError
        If the lengths differ or are 0.

    References
    ----------
    J. Cohen (1960). A Coefficient of Agreement for Nominal Scales. Educational and Psychological Measurement 20, 37-46.
    """
    one, two = np.asarray(first), np.asarray(second)
    if one.shape != two.shape or one.ndim != 1 or one.size == 0:
        raise ValueError(f"two annotators need as many labels each, at least one; got {one.shape} and {two.shape}")
    codes, names = pd.factorize(np.concatenate([one, two]))
    left, right = codes[: len(one)], codes[len(one) :]
    observed = float((left == right).mean())
    share = [np.bincount(side, minlength=len(names)) / len(one) for side in (left, right)]
    expected = float(share[0] @ share[1])
    return (observed - expected) / (1.0 - expected) if expected < 1.0 else float("nan")


def fleiss_kappa(labels: np.ndarray, *, n_classes: int | None = None) -> float:
    """Measure the agreement of several annotators beyond chance; every item needs as many labels.

    Parameters
    ----------
    labels : ndarray of int
        (n_items, n_annotators), none missing; columns need not be the same person throughout.
    n_classes : int, optional
        By default as many as are met.

    Returns
    -------
    float
        1 for full agreement, 0 for that of chance; NaN if only one class was ever used.

    Raises
    ------
    ValueError
        If a label is missing or there are fewer than two annotators.

    References
    ----------
    J. L. Fleiss (1971). Measuring Nominal Scale Agreement among Many Raters. Psychological Bulletin 76(5), 378-382.
    """
    labels, classes = _checked(labels, n_classes)
    raters = labels.shape[1]
    if (labels == MISSING).any() or raters < 2:
        raise ValueError("Fleiss' kappa needs two or more labels on every item; use krippendorff_alpha where some lack")
    counts = _counts(labels, classes)
    agreed = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    expected = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return (float(agreed.mean()) - expected) / (1.0 - expected) if expected < 1.0 else float("nan")


def krippendorff_alpha(labels: np.ndarray, *, n_classes: int | None = None) -> float:
    """Measure the agreement of several annotators on named classes, some labels missing.

    Parameters
    ----------
    labels : ndarray of int
        (n_items, n_annotators), -1 where nothing was said; items with a single label say nothing.
    n_classes : int, optional
        By default as many as are met.

    Returns
    -------
    float
        1 for full agreement, 0 for that of chance; NaN if only one class was ever used.

    Raises
    ------
    ValueError
        If no item has two labels.

    References
    ----------
    K. Krippendorff (2011). Computing Krippendorff's Alpha-Reliability. University of Pennsylvania.
    """
    labels, classes = _checked(labels, n_classes)
    counts = _counts(labels, classes)
    votes = counts.sum(axis=1)
    counts, votes = counts[votes > 1], votes[votes > 1]
    if len(counts) == 0:
        raise ValueError("no item has two labels, so there is nothing to compare")
    total = votes.sum()
    differing = float(((votes**2 - (counts**2).sum(axis=1)) / (votes - 1.0)).sum()) / total
    by_chance = float(total**2 - (counts.sum(axis=0) ** 2).sum()) / (total * (total - 1.0))
    return 1.0 - differing / by_chance if by_chance > 0.0 else float("nan")
