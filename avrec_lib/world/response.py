"""What people do with a slate: the chances of looking, clicking, watching and leaving.

Behaviour draws from these chances and the oracle adds them up, so that both
speak of the same people. The model of attention is position-based (Craswell et
al., 2008, "An experimental comparison of click position-bias models"): whether a
person looks depends on the position alone, and a click is a look that was liked.
"""

import numpy as np

__all__ = [
    "CONCENTRATION",
    "EXAMINATION",
    "RATING_CHANCE",
    "SEARCH_CHANCE",
    "SESSION_MOOD",
    "SLATE",
    "click_chance",
    "continue_chance",
    "expected_watch",
    "loyalty_factor",
    "rating_value",
    "search_terms",
    "watch_fraction",
]

SLATE = 10
"""Clips in a slate."""

EXAMINATION: np.ndarray = 1.0 / (1.0 + 0.22 * np.arange(SLATE))
"""Chance (10,) that a person looks at each position, the top first."""

SESSION_MOOD = 0.3
"""Standard deviation of what a session adds to valence and to arousal."""

CONCENTRATION = 4.0
"""Sum of the two parameters of the beta distribution of the watched fraction."""

RATING_CHANCE: np.ndarray = np.array([0.12, 0.03, 0.012, 0.03, 0.14])
"""Chance (5,) that somebody who would give 1, 2, 3, 4 or 5 says so: strong opinions speak, the rest is missing."""

SEARCH_CHANCE = 0.35
"""Chance that a session begins with a search."""

_CONTENT = 1.0
"""Satisfaction with a slate at which loyalty neither grows nor shrinks."""


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1.0 / (1.0 + np.exp(-x)))


def click_chance(utility: np.ndarray) -> np.ndarray:
    """Return the chance of a click, given that the person looks.

    Parameters
    ----------
    utility : ndarray
        Log-odds.

    Returns
    -------
    ndarray
        Chances of the same shape.
    """
    return _sigmoid(utility)


def watch_fraction(utility: np.ndarray, duration_seconds: np.ndarray) -> np.ndarray:
    """Return the expected fraction of a clicked clip that is watched.

    The fraction itself is beta distributed with this mean and ``CONCENTRATION``.

    Parameters
    ----------
    utility : ndarray
        Log-odds of the click.
    duration_seconds : ndarray
        Length of the clip in seconds, of a shape that broadcasts.

    Returns
    -------
    ndarray
        In (0, 1); longer clips are watched to a smaller part.
    """
    return _sigmoid(-0.2 + 0.5 * utility - 0.3 * (duration_seconds - 6.0))


def expected_watch(utility: np.ndarray, duration_seconds: np.ndarray) -> np.ndarray:
    """Return the expected seconds watched, given that the person looks.

    Parameters
    ----------
    utility, duration_seconds
        As for :func:`watch_fraction`.

    Returns
    -------
    ndarray
        Seconds: chance of a click, times fraction, times length.
    """
    return click_chance(utility) * watch_fraction(utility, duration_seconds) * duration_seconds


def continue_chance(satisfaction: np.ndarray) -> np.ndarray:
    """Return the chance that a person asks for another slate.

    Parameters
    ----------
    satisfaction : ndarray
        Sum of the watched fractions of the last slate, in [0, 10].

    Returns
    -------
    ndarray
        Chances: about 0.4 after a slate with nothing, 0.8 after two clips watched.
    """
    return _sigmoid(-0.45 + 0.95 * satisfaction)


def loyalty_factor(satisfaction: np.ndarray) -> np.ndarray:
    """Return by how much a session changes the rate at which a person comes back.

    Parameters
    ----------
    satisfaction : ndarray
        Mean satisfaction with the session's slates.

    Returns
    -------
    ndarray
        Factors around 1.
    """
    return np.exp(0.2 * (np.clip(satisfaction, 0.0, 3.0) - _CONTENT))


def rating_value(utility: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the rating that a person would give if they gave one.

    Parameters
    ----------
    utility : ndarray
        Log-odds of the click.
    noise : ndarray
        Standard normal, of the same shape.

    Returns
    -------
    ndarray float64
        Whole numbers from 1 to 5.
    """
    return np.clip(np.rint(2.9 + 0.5 * utility + 0.6 * noise), 1.0, 5.0)


def search_terms(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw what people look for when they search: one or two things that they like.

    Parameters
    ----------
    weights : ndarray (n, things)
        How much each person likes each thing, in units of utility.
    rng : Generator
        Source of chance.

    Returns
    -------
    ndarray int64 (n, 2)
        Column numbers of `weights`; -1 where there is none, always in the first column for who does not search.
    """
    noisy = 1.5 * weights + rng.gumbel(size=weights.shape)
    terms = np.argsort(-noisy, axis=1)[:, :2]
    terms[rng.random(len(weights)) < 0.5, 1] = -1
    terms[rng.random(len(weights)) >= SEARCH_CHANCE] = -1
    return terms
