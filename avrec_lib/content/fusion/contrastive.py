"""Modalities brought to one space by telling apart which of them belong to the same clip."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from avrec_lib.content.fusion.alignment import Aligned
from avrec_lib.content.training import train

__all__ = ["ContrastiveFusion"]


class ContrastiveFusion(Aligned):
    r"""Train one map a modality until what belongs to the same clip is nearer than what does not.

    For each pair of modalities, and in both directions, a clip's vector in one must find the same clip's in the other
    among the B clips of a step:

    .. math:: \ell = -\frac{1}{B} \sum_i \log
              \frac{\exp(\tau \cos(h_{im}, h_{in}))}{\sum_j \exp(\tau \cos(h_{im}, h_{jn}))}, \qquad
              h_{im} = W_m^\top z_{im}

    with :math:`\tau` learned too. A clip becomes the mean of what its modalities say. Likes are not asked. Sources: the
    loss of van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding" (2018); between
    several views Tian, Krishnan and Isola, "Contrastive multiview coding" (ECCV 2020); between pictures and captions
    Radford et al., "Learning transferable visual models from natural language supervision" (ICML 2021), section 2.3.
    Here the encoders below are fixed, and the maps linear.

    Parameters
    ----------
    width : int
        Columns of the common space.
    epochs, batch, rate, decay
        As for :func:`avrec_lib.content.training.train`; an example is a clip that has all modalities.
    scale, limit
        How modalities are scaled and cut, as for :class:`.Fusion`.
    seed : int
        Seed of the first maps and of the order.

    Attributes
    ----------
    maps_ : dict of str to ndarray (d_m, width)
        The map of each modality.
    history_ : ndarray (epochs,)
        Mean loss of each epoch.
    """

    def __init__(
        self,
        width: int = 32,
        *,
        epochs: int = 40,
        batch: int = 256,
        rate: float = 1e-2,
        decay: float = 10.0,
        scale: str | Mapping[str, str] = "common",
        limit: float | Mapping[str, float | None] | None = 5.0,
        seed: int = 0,
    ) -> None:
        self.width = width
        self.epochs = epochs
        self.batch = batch
        self.rate = rate
        self.decay = decay
        self.scale = scale
        self.limit = limit
        self.seed = seed

    def _fit(
        self,
        ids: pd.Index,
        blocks: list[np.ndarray],
        present: np.ndarray,
        likes: pd.DataFrame | None,
        validation: pd.DataFrame | None,
    ) -> None:
        if self.width < 1 or len(blocks) < 2:
            raise ValueError(
                f"width is at least 1, and there are two modalities or more, not {self.width} and {len(blocks)}"
            )
        rows = [torch.from_numpy(block.astype(np.float32)) for block in self._complete(blocks, present)]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            towers = _Towers([row.shape[1] for row in rows], self.width)
        self.history_ = train(
            towers,
            lambda chosen, _: towers([row[chosen] for row in rows]),
            len(rows[0]),
            seed=self.seed,
            epochs=self.epochs,
            batch=self.batch,
            rate=self.rate,
            decay=self.decay,
            progress=False,
        )
        found = (one.detach().numpy().astype(np.float64) for one in towers.maps)
        self.maps_ = dict(zip(self.names_, found, strict=True))


class _Towers(nn.Module):
    """One linear map a modality, and how sharply cosines tell clips apart."""

    def __init__(self, widths: list[int], width: int) -> None:
        super().__init__()
        self.maps = nn.ParameterList(nn.Parameter(torch.randn(one, width) / one**0.5) for one in widths)
        self.sharpness = nn.Parameter(torch.tensor(10.0).log())

    def forward(self, rows: list[Tensor]) -> Tensor:
        """Return the mean loss over pairs of modalities and both directions."""
        placed = [nn.functional.normalize(row @ one, dim=1) for row, one in zip(rows, self.maps, strict=True)]
        own = torch.arange(len(rows[0]))
        losses = []
        for one, other in combinations(placed, 2):
            logits = self.sharpness.exp() * one @ other.T
            losses += [nn.functional.cross_entropy(logits, own), nn.functional.cross_entropy(logits.T, own)]
        return torch.stack(losses).mean()
