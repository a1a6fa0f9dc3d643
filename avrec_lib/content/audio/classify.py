"""A classical classifier of sounds: least squares with a Laplacian kernel, chosen within the training data."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.spatial import distance
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import BaseCrossValidator, LeaveOneGroupOut, StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

__all__ = ["SoundClassifier"]

_PARTS, _FEW_GROUPS = 4, 5
_CLIP = 4.0  # standard deviations: one wild entry shall not decide a distance


class SoundClassifier(ClassifierMixin, BaseEstimator):
    """Tells classes of sounds apart by vectors of :func:`~avrec_lib.content.audio.describe`.

    One function for each class, 1 on its sounds and -1 on all others, is a sum of peaks around the training sounds
    that fits in least squares with a penalty: a support vector machine with another loss, whose solution is one linear
    system. The peaks fall off with the sum of absolute differences, in which a few wild entries weigh less than in a
    sum of squares. Their width and the penalty are chosen by cross-validation within what `fit` is given.

    Parameters
    ----------
    widths : tuple of float
        Candidates for w of the kernel exp(-w |a - b| / d), where |a - b| sums d standardised entries.
    penalties : tuple of float
        Candidates for the weight of the squared norm.

    Attributes
    ----------
    classes_ : ndarray (k,)
        The classes, sorted.
    chosen_ : dict
        ``width`` and ``penalty``, and their ``accuracy``, the mean over the held-out parts of the training data.

    References
    ----------
    Rifkin and Klautau (2004), In defense of one-vs-all classification.
    """

    def __init__(
        self,
        widths: tuple[float, ...] = (0.125, 0.25, 0.5, 1.0),
        penalties: tuple[float, ...] = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1),
    ) -> None:
        self.widths = widths
        self.penalties = penalties

    def fit(self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None) -> "SoundClassifier":
        """Choose width and penalty, and fit.

        Parameters
        ----------
        X : ndarray (n, d)
            Vectors of sounds, not scaled.
        y : ndarray (n,)
            Classes, at least two of them.
        groups : ndarray (n,), optional
            Sounds of one group, such as takes of one recording, are never parted in the choice. Up to five groups are
            held out one by one; more of them, or single sounds where no groups are given, are dealt into four parts
            that hold the classes evenly.

        Returns
        -------
        SoundClassifier
            Itself.

        Raises
        ------
        ValueError
            If there are fewer than two classes or groups, a number is not finite, or shapes do not fit.
        """
        checked: tuple[NDArray[np.float64], NDArray] = validate_data(self, X, y, dtype=np.float64)
        check_consistent_length(X, groups)
        # On several threads sums round otherwise, and equal accuracies may be ordered otherwise.
        with threadpool_limits(1):
            return self._fit(*checked, groups)

    def _fit(self, X: NDArray[np.float64], y: NDArray, groups: ArrayLike | None) -> "SoundClassifier":
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError(f"at least two classes are needed, not {len(self.classes_)}")
        right, missed = np.zeros((2, len(self.widths), len(self.penalties)))
        parts = _parts(X, y, groups)
        for train, held in parts:
            scale = _Scale(X[train])
            known, asked = scale(X[train]), scale(X[held])
            within, across = _distances(known, known), _distances(asked, known)
            targets = self._targets(y[train])
            centre: NDArray[np.float64] = targets.mean(axis=0)
            for i, width in enumerate(self.widths):
                # One decomposition serves all penalties.
                values, vectors = linalg.eigh(np.exp(-width * within))
                near, wanted = np.exp(-width * across) @ vectors, vectors.T @ (targets - centre)
                for j, penalty in enumerate(self.penalties):
                    scores = near @ (wanted / (values + penalty)[:, None]) + centre
                    right[i, j] += (self.classes_[scores.argmax(axis=1)] == y[held]).mean() / len(parts)
                    missed[i, j] += np.square(scores - self._targets(y[held])).mean() / len(parts)
        # Among equals in accuracy the one that fits best.
        best = np.lexsort((missed.ravel(), -right.ravel()))[0]
        i, j = np.unravel_index(best, right.shape)
        self.chosen_ = {
            "width": float(self.widths[i]),
            "penalty": float(self.penalties[j]),
            "accuracy": float(right[i, j]),
        }
        self.scale_ = _Scale(X)
        self.sounds_ = self.scale_(X)
        kernel = np.exp(-self.chosen_["width"] * _distances(self.sounds_, self.sounds_))
        targets = self._targets(y)
        self.mean_ = targets.mean(axis=0)
        ridge = self.chosen_["penalty"] * np.eye(len(X))
        self.weights_ = linalg.solve(kernel + ridge, targets - self.mean_, assume_a="pos")
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return each class's function.

        Parameters
        ----------
        X : ndarray (n, d)
            Vectors of sounds.

        Returns
        -------
        ndarray (n, k)
            About 1 for the sound's class and -1 for the others.
        """
        check_is_fitted(self)
        checked: NDArray[np.float64] = validate_data(self, X, dtype=np.float64, reset=False)
        away = _distances(self.scale_(checked), self.sounds_)
        return np.asarray(np.exp(-self.chosen_["width"] * away) @ self.weights_ + self.mean_)

    def predict(self, X: ArrayLike) -> NDArray:
        """Return the likeliest class of each sound.

        Parameters
        ----------
        X : ndarray (n, d)
            Vectors of sounds.

        Returns
        -------
        ndarray (n,)
            Entries of ``classes_``.
        """
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])

    def _targets(self, y: NDArray) -> NDArray[np.float64]:
        return np.where(y[:, None] == self.classes_, 1.0, -1.0)


def _parts(
    X: NDArray[np.float64], y: NDArray, groups: ArrayLike | None
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return what is learned from and what is held out, in each round of the choice."""
    if groups is None:
        inner: BaseCrossValidator = StratifiedKFold(_PARTS, shuffle=True, random_state=0)
    else:
        count = len(np.unique(np.asarray(groups)))
        if count < 2:
            raise ValueError(f"at least two groups are needed, not {count}; leave groups out if there are none")
        few = count <= _FEW_GROUPS
        inner = LeaveOneGroupOut() if few else StratifiedGroupKFold(_PARTS, shuffle=True, random_state=0)
    return list(inner.split(X, y, groups))


class _Scale:
    """Standardises entries by the mean and the standard deviation of the training sounds, and clips them."""

    def __init__(self, X: NDArray[np.float64]) -> None:
        self._mean, self._spread = X.mean(axis=0), X.std(axis=0)
        self._spread[self._spread < 1e-9] = 1.0

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.clip((X - self._mean) / self._spread, -_CLIP, _CLIP)


def _distances(A: NDArray[np.float64], B: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return mean absolute differences of rows: (n_a, n_b)."""
    return np.asarray(distance.cdist(A, B, "cityblock")) / A.shape[1]
