"""A similarity that looks at a history once more for each item: learnt attention from the item to the past."""

import math
from typing import Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from torch import nn
from torch.nn import functional

from avrec_lib.content.torch_threads import one_torch_thread
from avrec_lib.content.training import train
from avrec_lib.content.unit_rows import unit_rows
from avrec_lib.match.vectors import as_vectors

__all__ = ["AttentionSimilarity"]

_AT_ONCE = 16_000_000  # comparisons of an item with a past one in memory: 64 MB


class AttentionSimilarity(BaseEstimator):
    r"""Score an item by those items of the past that it resembles.

    .. math:: s(H, x) = \sum_{j} a_j(x) \, \langle B h_j, B x \rangle, \qquad
              a_j(x) = \operatorname{softmax}_j \left( \tau \, \langle A h_j, A x \rangle \right)

    with :math:`h_j` the unit vectors of the past, x that of the item, and A, B and the sharpness :math:`\tau` learnt.
    With :math:`\tau = 0` it is the inner product with the mean of the past; the sharper, the nearer it comes to the one
    most similar item, so that a person with two interests need not get what lies between them. The weights of *self*-
    attention are no such thing: they compare items of one sequence, depend on all of it and sum to 1 whatever it holds.
    Source: target attention, Zhou et al., "Deep interest network for click-through rate prediction" (KDD 2018); the
    loss is the softmax over the other items of a batch.

    Parameters
    ----------
    rank : int
        Rows of A and B; at most the width of the vectors.
    epochs : int
        How often each example is met; 0 leaves the first weights, the same cut through the space for all.
    batch : int
        Examples a step at most, and at least 2: each one's item is the others' wrong answer.
    rate : float
        The greatest learning rate.
    decay : float
        Decay of the weights.
    seed : int
        Randomness.

    Attributes
    ----------
    keys_, values_ : ndarray (rank, d) of float32
        A and B.
    sharpness_ : float
        :math:`\tau`.
    losses_ : ndarray (epochs,)
        Mean loss of each epoch, in nats.
    """

    def __init__(
        self,
        rank: int = 32,
        *,
        epochs: int = 20,
        batch: int = 256,
        rate: float = 0.01,
        decay: float = 0.01,
        seed: int = 0,
    ) -> None:
        self.rank = rank
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.decay = decay
        self.seed = seed

    def fit(self, histories: np.ndarray, present: np.ndarray, wanted: np.ndarray) -> Self:
        """Learn which likeness matters.

        Parameters
        ----------
        histories : ndarray (n, t, d)
            For each example the vectors of t items of the past.
        present : ndarray (n, t) of bool
            Which of them are there; at least one each.
        wanted : ndarray (n, d)
            The item that was taken next. Equal rows are no wrong answers to each other.

        Returns
        -------
        AttentionSimilarity
            Itself.

        Raises
        ------
        ValueError
            If shapes do not fit, a vector is not finite, a history is empty or a parameter is out of range.
        """
        past, present = _as_histories(histories, present)
        items = unit_rows(as_vectors(wanted, "wanted"))
        n, _, d = past.shape
        if items.shape != (n, d) or n < 2:
            raise ValueError(f"wanted must have shape {(n, d)} and two rows or more, not {items.shape}")
        if not 1 <= self.rank <= d or self.batch < 2 or self.epochs < 0:
            raise ValueError(
                f"rank must be from 1 to {d}, batch at least 2 and epochs at least 0, "
                f"not {self.rank}, {self.batch} and {self.epochs}"
            )
        cut = np.linalg.qr(np.random.default_rng(self.seed).standard_normal((d, d)))[0][: self.rank].astype(np.float32)
        network = _Attention(cut)
        kind = np.unique(items, axis=0, return_inverse=True)[1].ravel()

        def loss(rows: np.ndarray, _: np.random.Generator) -> torch.Tensor:
            scores = network(*_tensors(past[rows], present[rows], items[rows]))
            same = torch.from_numpy((kind[rows][:, None] == kind[rows]) & ~np.eye(len(rows), dtype=bool))
            logits = (network.gain.exp() * scores).masked_fill(same, -torch.inf)
            return functional.cross_entropy(logits, torch.arange(len(rows)))

        self.losses_ = np.zeros(0)
        if self.epochs:
            self.losses_ = train(
                network,
                loss,
                n,
                seed=self.seed,
                epochs=self.epochs,
                batch=self.batch,
                rate=self.rate,
                decay=self.decay,
                progress=False,
            )
        self.keys_, self.values_ = (part.detach().numpy().copy() for part in (network.keys, network.values))
        self.sharpness_ = float(network.sharpness.detach())
        return self

    def __call__(self, histories: np.ndarray, present: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Return the similarities.

        Parameters
        ----------
        histories : ndarray (n, t, d)
            Vectors of the past.
        present : ndarray (n, t) of bool
            Which of them are there; at least one each.
        items : ndarray (m, d)
            Vectors.

        Returns
        -------
        ndarray (n, m) of float32
            Similarities; higher is nearer.

        Raises
        ------
        ValueError
            If shapes do not fit, a vector is not finite or a history is empty.
        """
        if not hasattr(self, "keys_"):
            raise NotFittedError("call fit before asking AttentionSimilarity anything")
        past, present = _as_histories(histories, present)
        matrix = unit_rows(as_vectors(items, "items"))
        if past.shape[2] != self.keys_.shape[1] or matrix.shape[1] != self.keys_.shape[1]:
            raise ValueError(
                f"histories and items have {past.shape[2]} and {matrix.shape[1]} columns, "
                f"those of fit had {self.keys_.shape[1]}"
            )
        network = _Attention(self.keys_, self.values_, self.sharpness_)
        scores = np.empty((len(past), len(matrix)), np.float32)
        step = max(1, _AT_ONCE // max(1, past.shape[1] * len(matrix)))
        with one_torch_thread(), torch.no_grad():
            for start in range(0, len(past), step):
                part = slice(start, start + step)
                scores[part] = network(*_tensors(past[part], present[part], matrix)).numpy()
        return scores


class _Attention(nn.Module):
    """The weights, and how they score histories (n, t, d) and items (m, d): (n, m)."""

    def __init__(self, keys: np.ndarray, values: np.ndarray | None = None, sharpness: float = 4.0) -> None:
        super().__init__()
        self.keys = nn.Parameter(torch.tensor(keys))
        self.values = nn.Parameter(torch.tensor(keys if values is None else values))
        self.sharpness = nn.Parameter(torch.tensor(sharpness))
        # A gain for the scores, so that the softmax over items, whose cosines are small, can tell them apart.
        self.gain = nn.Parameter(torch.tensor(math.log(10.0)))

    def forward(self, past: torch.Tensor, present: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Return scores (n, m)."""
        looks, likes = (
            torch.einsum("ntr,mr->ntm", past @ matrix.T, items @ matrix.T) for matrix in (self.keys, self.values)
        )
        weights = (self.sharpness * looks).masked_fill(~present[:, :, None], -torch.inf).softmax(dim=1)
        return (weights * likes).sum(dim=1)


def _tensors(
    past: np.ndarray, present: np.ndarray, items: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.from_numpy(past), torch.from_numpy(present), torch.from_numpy(items)


def _as_histories(histories: np.ndarray, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors (n, t, d), zeros where absent, and which are present."""
    past, present = np.asarray(histories, dtype=np.float32), np.asarray(present)
    if past.ndim != 3 or present.shape != past.shape[:2] or present.dtype != np.bool_:
        raise ValueError(
            f"histories must be (n, t, d) and present bool (n, t), not {past.shape} and {present.dtype} {present.shape}"
        )
    if not present.any(axis=1).all():
        raise ValueError(f"history {int(np.argmin(present.any(axis=1)))} is empty; it resembles nothing")
    past = np.where(present[:, :, None], past, np.float32(0.0))
    return unit_rows(as_vectors(past.reshape(-1, past.shape[2]), "histories")).reshape(past.shape), present
