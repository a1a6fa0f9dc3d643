"""How sure a network may be of what it says, learned on clips that it was not trained on."""

import math

import numpy as np
from scipy.optimize import minimize_scalar

__all__ = ["chances", "likeliest_temperature", "regression_of_truth"]

# A network that made no mistake is likeliest at temperature 0: the bounds say, on purpose, how sure one may be.
_LOG_TEMPERATURES = (-2.0, 3.0)
_LEAST_UNEXPLAINED = 0.01


def chances(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Turn what a network says of classes into chances.

    Parameters
    ----------
    logits : ndarray (n, n_classes)
        What it says.
    temperature : float
        Above 0; above 1 it makes chances more alike.

    Returns
    -------
    ndarray (n, n_classes)
        The softmax of logits over temperature: rows of sum 1.
    """
    raw = logits / temperature
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def likeliest_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """Return the temperature at which the truth is most likely.

    Parameters
    ----------
    logits : ndarray (n, n_classes)
        What the network says.
    truth : ndarray (n,) of int
        Numbers of the classes.

    Returns
    -------
    float
        From 0.14 to 20.

    References
    ----------
    Guo et al. (2017), On calibration of modern neural networks, section 4.2.
    """

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(truth)), truth]).mean())

    return math.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURES, method="bounded").x)


def regression_of_truth(said: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Regress a number on what a network says of it.

    Parameters
    ----------
    said, truth : ndarray (n,)
        Both in deviations from the mean of training.

    Returns
    -------
    slope : float
        How much of what is said counts, from 0 to 1.
    unexplained : float
        Share of the truth's mean square that stays, from 0.01 to 1.
    """
    slope = float(np.clip((said * truth).mean() / np.square(said).mean().clip(min=1e-12), 0.0, 1.0))
    whole = np.square(truth).mean()
    left = np.square(truth - slope * said).mean() / whole if whole > 0.0 else 1.0
    return slope, float(np.clip(left, _LEAST_UNEXPLAINED, 1.0))
