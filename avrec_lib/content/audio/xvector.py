"""Small networks from a log-mel spectrogram to a vector: layers that see frames, pooling over time, an embedding."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_curve
from torch import Tensor, nn

from avrec_lib.content.torch_threads import one_torch_thread
from avrec_lib.content.training import train_classifier

__all__ = [
    "AttentionPooling",
    "ClipNetwork",
    "MeanPooling",
    "StatisticsPooling",
    "embed",
    "equal_error_rate",
    "logits",
    "tdnn",
    "train_network",
]

_SMALLEST_VARIANCE = 1e-5  # keeps the slope of the square root finite where a unit never fires
_AT_ONCE = 64
_DECAY, _SMOOTHING = 1e-2, 0.1


def tdnn(n_bands: int, width: int = 64) -> nn.Sequential:
    """Return the frame layers of an x-vector network: each frame sees its neighbours, layer by layer more of them.

    Parameters
    ----------
    n_bands : int
        Bands of the spectrogram.
    width : int
        Units a layer.

    Returns
    -------
    torch.nn.Sequential
        From (n, n_bands, t) to (n, width, t - 14): the last layer sees 15 frames.

    References
    ----------
    Snyder, Garcia-Romero, Sell, Povey and Khudanpur (2018), X-vectors: robust DNN embeddings for speaker recognition,
    table 1, with fewer and narrower layers.
    """
    layers: list[nn.Module] = []
    seen = n_bands
    for taps, spacing in ((5, 1), (3, 2), (3, 3), (1, 1)):
        layers += [nn.Conv1d(seen, width, taps, dilation=spacing), nn.ReLU(), nn.BatchNorm1d(width)]
        seen = width
    return nn.Sequential(*layers)


class MeanPooling(nn.Module):
    """The mean over time: from (n, width, t) to (n, width)."""

    def forward(self, frames: Tensor) -> Tensor:
        """Pool."""
        return frames.mean(dim=2)


class StatisticsPooling(nn.Module):
    """Mean and standard deviation over time: from (n, width, t) to (n, 2 * width)."""

    def forward(self, frames: Tensor) -> Tensor:
        """Pool."""
        spread = torch.sqrt(frames.var(dim=2, unbiased=False) + _SMALLEST_VARIANCE)
        return torch.cat([frames.mean(dim=2), spread], dim=1)


class AttentionPooling(nn.Module):
    """Weighted mean and standard deviation over time, the weights learned: from (n, width, t) to (n, 2 * width).

    A linear layer scores each frame; the softmax over time turns scores into weights that sum to 1.

    Parameters
    ----------
    width : int
        Units of a frame.

    References
    ----------
    Okabe, Koshinaka and Shinoda (2018), Attentive statistics pooling for deep speaker embedding, with one linear layer.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.score = nn.Conv1d(width, 1, 1)

    def weights(self, frames: Tensor) -> Tensor:
        """Return how much each frame counts: (n, 1, t), of sum 1 over t."""
        return torch.softmax(self.score(frames), dim=2)

    def forward(self, frames: Tensor) -> Tensor:
        """Pool."""
        weights = self.weights(frames)
        mean = (weights * frames).sum(dim=2)
        variance = (weights * (frames - mean[:, :, None]).square()).sum(dim=2)
        return torch.cat([mean, torch.sqrt(variance + _SMALLEST_VARIANCE)], dim=1)


class ClipNetwork(nn.Module):
    """Frame layers, pooling, an embedding, and a decision between classes.

    With :func:`tdnn` and :class:`StatisticsPooling` it is an x-vector network.

    Parameters
    ----------
    frames : torch.nn.Module
        From spectrograms (n, n_bands, t) to (n, width, t'), whatever t.
    pool : torch.nn.Module
        From (n, width, t') to (n, pooled).
    pooled : int
        Width of what ``pool`` gives.
    n_classes : int
        Classes to decide between.
    size : int
        Width of the embedding.
    """

    def __init__(self, frames: nn.Module, pool: nn.Module, pooled: int, n_classes: int, *, size: int = 64) -> None:
        super().__init__()
        self.frames = frames
        self.pool = pool
        self.vector = nn.Linear(pooled, size)
        self.decide = nn.Sequential(nn.ReLU(), nn.BatchNorm1d(size), nn.Linear(size, n_classes))

    def embed(self, spectra: Tensor) -> Tensor:
        """Return the embeddings of spectrograms (n, n_bands, t): (n, size)."""
        return self.vector(self.pool(self.frames(spectra)))

    def forward(self, spectra: Tensor) -> Tensor:
        """Return the classes' logits: (n, n_classes)."""
        return self.decide(self.embed(spectra))


def train_network(
    network: ClipNetwork,
    spectra: Sequence[NDArray[np.float32]],
    labels: ArrayLike,
    *,
    seed: int,
    epochs: int = 30,
    crop: int = 128,
    batch: int = 32,
    rate: float = 1e-2,
) -> NDArray[np.float64]:
    """Train a network to name the class of a clip from a stretch of it.

    Each time a clip is met, another stretch of it is shown, so that the network cannot learn clips by heart. The rate
    of learning rises and falls once. The network's first weights are its maker's: call ``torch.manual_seed`` before.

    Parameters
    ----------
    network : ClipNetwork
        Trained in place.
    spectra : sequence of ndarray (n_bands, t) of float32
        Scaled to about mean 0 and spread 1; t may differ. A clip shorter than ``crop`` is repeated.
    labels : ndarray (n,) of int
        Classes, from 0.
    seed : int
        Seed of order and stretches.
    epochs : int
        How often each clip is met.
    crop : int
        Frames of a stretch.
    batch : int
        Clips a step, at least 2.
    rate : float
        Highest rate of learning.

    Returns
    -------
    ndarray (epochs,)
        Mean loss in each epoch.

    Raises
    ------
    ValueError
        If there are fewer clips than two, not one label a clip, or `batch` is less than 2.
    """
    classes = np.asarray(labels)
    if classes.shape != (len(spectra),):
        raise ValueError(f"{len(spectra)} spectrograms need one label each, not labels of shape {classes.shape}")

    def stretches(part: NDArray[np.intp], rng: np.random.Generator) -> Tensor:
        return torch.from_numpy(np.stack([_stretch(spectra[i], crop, rng) for i in part]))

    return train_classifier(
        network,
        stretches,
        classes,
        seed=seed,
        epochs=epochs,
        batch=batch,
        rate=rate,
        decay=_DECAY,
        smoothing=_SMOOTHING,
        progress=False,
    )


def embed(network: ClipNetwork, spectra: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return the embeddings of whole clips.

    Parameters
    ----------
    network : ClipNetwork
        Trained.
    spectra : sequence of ndarray (n_bands, t) of float32
        As in training.

    Returns
    -------
    ndarray (n, size) of float32
        One row a clip.
    """
    return _apply(network, network.embed, spectra)


def logits(network: ClipNetwork, spectra: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return how strongly a network votes for each class, for whole clips.

    Parameters
    ----------
    network : ClipNetwork
        Trained.
    spectra : sequence of ndarray (n_bands, t) of float32
        As in training.

    Returns
    -------
    ndarray (n, n_classes) of float32
        The largest entry of a row is the network's choice.
    """
    return _apply(network, network.forward, spectra)


def equal_error_rate(scores: ArrayLike, same: ArrayLike) -> float:
    """Return the error at the threshold where as many true pairs are refused as false pairs are taken.

    Parameters
    ----------
    scores : ndarray (n,)
        How alike the two of a pair are; higher is more alike.
    same : ndarray (n,) of bool
        Whether they belong together.

    Returns
    -------
    float
        In [0, 1]: 0 if the scores part the two kinds of pairs, 0.5 if they know nothing. Between two thresholds the
        two error rates are taken to change in a straight line.

    Raises
    ------
    ValueError
        If the shapes differ, a score is not finite, or there are not pairs of both kinds.

    Examples
    --------
    >>> equal_error_rate([0.9, 0.8, 0.3, 0.1], [True, True, False, False])
    0.0
    """
    values, true = np.asarray(scores, dtype=np.float64), np.asarray(same, dtype=bool)
    if values.ndim != 1 or values.shape != true.shape:
        raise ValueError(f"scores and same must be of one shape (n,), not {values.shape} and {true.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"{(~np.isfinite(values)).sum()} scores are not finite")
    if true.all() or not true.any():
        raise ValueError("there must be pairs that belong together and pairs that do not")
    accepted, taken, _ = roc_curve(true, values)
    gap = 1.0 - taken - accepted  # of the two error rates; falls from 1 to -1
    at = int(np.flatnonzero(gap > 0.0)[-1])
    share = gap[at] / (gap[at] - gap[at + 1])
    return float(accepted[at] + share * (accepted[at + 1] - accepted[at]))


def _stretch(spectrum: NDArray[np.float32], size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return ``size`` frames from a random place; a shorter clip is repeated."""
    if spectrum.shape[1] < size:
        spectrum = np.tile(spectrum, (1, math.ceil(size / spectrum.shape[1])))
    start = int(rng.integers(spectrum.shape[1] - size + 1))
    return spectrum[:, start : start + size]


def _apply(
    network: ClipNetwork, what: Callable[[Tensor], Tensor], spectra: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Run clips of equal length together: padding would be pooled like sound."""
    lengths = np.array([spectrum.shape[1] for spectrum in spectra])
    found: dict[int, NDArray[np.float32]] = {}
    network.eval()
    with one_torch_thread(), torch.no_grad():
        for length in np.unique(lengths):
            alike = np.flatnonzero(lengths == length)
            for part in np.array_split(alike, math.ceil(len(alike) / _AT_ONCE)):
                rows = what(torch.from_numpy(np.stack([spectra[i] for i in part]))).numpy()
                found |= dict(zip(part.tolist(), rows, strict=True))
    return np.stack([found[i] for i in range(len(spectra))])
