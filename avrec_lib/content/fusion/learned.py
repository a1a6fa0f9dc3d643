"""Fusion that is learned from who liked what."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from scipy import sparse
from torch import Tensor, nn

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion.base import Fusion
from avrec_lib.content.fusion.likes import like_matrix
from avrec_lib.content.fusion.networks import NETWORKS, FusionNetwork
from avrec_lib.content.torch_threads import one_torch_thread
from avrec_lib.content.training import train

__all__ = ["LearnedFusion"]

_CLIPS_AT_ONCE = 8192


class LearnedFusion(Fusion):
    r"""Train a network of :mod:`.networks` to bring what the same people like close together.

    In each step a person's likes are parted by chance into a past H and a rest T; the mean over the past must point to
    the rest among all clips that are not past:

    .. math:: \ell_u = -\frac{1}{|T|} \sum_{i \in T} \log
              \frac{\exp(\tau \cos(p_u, h_i))}{\sum_{j \notin H} \exp(\tau \cos(p_u, h_j))}, \qquad
              p_u = \sum_{j \in H} \frac{h_j}{\lVert h_j \rVert}

    with :math:`h_i` the network's vector of clip i and :math:`\tau` learned too. A content recommender asks the same of
    its vectors. The softmax over the catalogue is that of Covington et al., "Deep neural networks for YouTube
    recommendations" (2016), section 3. Modality dropout hides each modality of each clip by chance, never all of them,
    so that the network learns to do without: Neverova et al., "ModDrop" (2016).

    Parameters
    ----------
    network : {"gated", "attention", "transformer", "experts", "sum"}
        How modalities are put together.
    width : int
        Columns of the result; divisible by 4 for ``transformer``.
    modality_dropout : float
        Chance that a modality is hidden in a step, from 0 to below 1.
    epochs, batch, rate, decay
        As for :func:`avrec_lib.content.training.train`; an example is a person with two likes or more.
    candidates : int
        How many clips are in each step. Where there are more, those that the people of the step like, and others drawn
        by chance.
    scale, limit
        How modalities are scaled and cut, as for :class:`.Fusion`.
    seed : int
        Seed of the first weights and of all chance.

    Attributes
    ----------
    network_ : FusionNetwork
        The trained network.
    history_ : ndarray (epochs,)
        Mean loss of each epoch.
    """

    def __init__(
        self,
        network: str = "gated",
        *,
        width: int = 64,
        modality_dropout: float = 0.0,
        epochs: int = 20,
        batch: int = 64,
        rate: float = 1e-2,
        decay: float = 1e-2,
        candidates: int = 4096,
        scale: str | Mapping[str, str] = "common",
        limit: float | Mapping[str, float | None] | None = 5.0,
        seed: int = 0,
    ) -> None:
        self.network = network
        self.width = width
        self.modality_dropout = modality_dropout
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.decay = decay
        self.candidates = candidates
        self.scale = scale
        self.limit = limit
        self.seed = seed

    def shares(self, tables: Sequence[FeatureTable]) -> pd.DataFrame:
        """Tell how much each modality counts in each clip.

        Parameters
        ----------
        tables : sequence of FeatureTable
            As for :meth:`transform`.

        Returns
        -------
        DataFrame (n, M)
            Gates, attention or precisions, by clip and modality; 0 where a modality is not there, 1 in all.
        """
        ids, blocks, present = self._blocks(tables)
        return pd.DataFrame(self._run(blocks, present)[1], index=ids, columns=list(self.names_))

    def _fit(
        self,
        ids: pd.Index,
        blocks: list[np.ndarray],
        present: np.ndarray,
        likes: pd.DataFrame | None,
        validation: pd.DataFrame | None,
    ) -> None:
        if self.network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}, not {self.network!r}")
        if not 0.0 <= self.modality_dropout < 1.0 or self.candidates < 2:
            raise ValueError(
                f"modality_dropout is from 0 to below 1 and candidates at least 2, "
                f"not {self.modality_dropout} and {self.candidates}"
            )
        if self.width < 1 or (self.network == "transformer" and self.width % 4):
            raise ValueError(f"width is at least 1, and divisible by 4 for transformer, not {self.width}")
        liked, _ = like_matrix(likes, None, ids)
        liked = liked @ sparse.diags_array(present.any(axis=1).astype(np.float32), format="csr")
        liked.eliminate_zeros()
        liked = liked[np.flatnonzero(np.diff(liked.indptr) >= 2)]
        if liked.shape[0] < 2:
            raise ValueError(f"only {liked.shape[0]} people liked two clips of the tables or more; it takes two people")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            task = _Task(NETWORKS[self.network]([block.shape[1] for block in blocks], self.width))
        inputs, there = _tensors(blocks), torch.from_numpy(present)
        some = np.flatnonzero(present.any(axis=1))

        def loss(people: np.ndarray, rng: np.random.Generator) -> Tensor:
            chosen = _candidates(some, np.unique(liked[people].indices), self.candidates, rng)
            past, rest = _parted(liked[people][:, chosen].toarray() > 0.0, rng)
            seen = there[chosen]
            if self.modality_dropout > 0.0:
                seen = _hidden(seen, self.modality_dropout, rng)
            return task([block[chosen] for block in inputs], seen, torch.from_numpy(past), torch.from_numpy(rest))

        self.history_ = train(
            task,
            loss,
            liked.shape[0],
            seed=self.seed,
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate,
            decay=self.decay,
            progress=False,
        )
        self.network_ = task.network

    def _transform(self, blocks: list[np.ndarray], present: np.ndarray) -> np.ndarray:
        return self._run(blocks, present)[0]

    def _run(self, blocks: list[np.ndarray], present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        vectors, shares = np.zeros((len(present), self.width), np.float32), np.zeros(present.shape, np.float32)
        with torch.inference_mode(), one_torch_thread():
            for first in range(0, len(present), _CLIPS_AT_ONCE):
                part = slice(first, first + _CLIPS_AT_ONCE)
                found = self.network_(_tensors([block[part] for block in blocks]), torch.from_numpy(present[part]))
                vectors[part], shares[part] = (one.numpy() for one in found)
        return vectors, shares


class _Task(nn.Module):
    """The network, and how sharply cosines tell clips apart."""

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network
        self.sharpness = nn.Parameter(torch.tensor(10.0).log())

    def forward(self, blocks: Sequence[Tensor], present: Tensor, past: Tensor, rest: Tensor) -> Tensor:
        """Return the mean loss over people; past and rest are bool (n_people, n)."""
        vectors = nn.functional.normalize(self.network(blocks, present)[0], dim=1)
        profiles = nn.functional.normalize(past.float() @ vectors, dim=1)
        logits = self.sharpness.exp() * profiles @ vectors.T
        chances = torch.log_softmax(logits.masked_fill(past, -torch.inf), dim=1)
        counts = rest.sum(dim=1)
        found = chances.masked_fill(~rest, 0.0).sum(dim=1) / counts.clamp_min(1)
        return -found.sum() / (counts > 0).sum().clamp_min(1)


def _tensors(blocks: Sequence[np.ndarray]) -> list[Tensor]:
    """Turn unit rows into rows whose numbers are about 1, as the first weights of a network expect."""
    return [torch.from_numpy(block * np.float32(np.sqrt(block.shape[1]))) for block in blocks]


def _candidates(some: np.ndarray, met: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose clips by chance among some, those that were met before others: without an answer nothing is learned."""
    if len(some) <= count:
        return some
    if len(met) >= count:
        return np.sort(rng.choice(met, count, replace=False))
    others = rng.choice(np.setdiff1d(some, met, assume_unique=True), count - len(met), replace=False)
    return np.sort(np.concatenate([met, others]))


def _parted(liked: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Part each row's likes into a past and a rest by chance, at least one in each where there are two."""
    keys = rng.random(liked.shape, dtype=np.float32)
    past = liked & (keys < 0.5)
    rows = np.arange(len(liked))
    past[rows, np.where(liked, keys, 2.0).argmin(axis=1)] = True
    past[rows, np.where(liked, keys, -1.0).argmax(axis=1)] = False
    past &= liked
    return past, liked & ~past & past.any(axis=1, keepdims=True)


def _hidden(present: Tensor, chance: float, rng: np.random.Generator) -> Tensor:
    """Hide modalities by chance; a clip that would lose all keeps all."""
    kept = present & torch.from_numpy(rng.random(tuple(present.shape)) >= chance)
    return torch.where(kept.any(dim=1, keepdim=True), kept, present)
