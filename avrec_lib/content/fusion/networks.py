"""Small networks that turn the modalities of a clip into one vector, whichever of them are there.

All read one block (n, d_m) a modality and ``present`` (n, M), and give vectors (n, width) and shares (n, M): how much
each modality counts, 0 where it is not there, 1 in all. What stands in the row of an absent modality changes nothing.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

__all__ = [
    "NETWORKS",
    "AttentionNetwork",
    "ExpertsNetwork",
    "FusionNetwork",
    "GatedNetwork",
    "SumNetwork",
    "TransformerNetwork",
]


class FusionNetwork(nn.Module, ABC):
    """What the networks have in common: each modality is projected to one width.

    Parameters
    ----------
    widths : sequence of int
        Columns of each modality, d_m.
    width : int
        Columns of the result.
    """

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(one, width) for one in widths)

    def tokens(self, blocks: Sequence[Tensor], present: Tensor) -> Tensor:
        """Project: (n, M, width), zeros where a modality is not there."""
        found = torch.stack([project(block) for project, block in zip(self.projections, blocks, strict=True)], dim=1)
        return found * present.unsqueeze(-1)

    @abstractmethod
    def forward(self, blocks: Sequence[Tensor], present: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors (n, width) and shares (n, M)."""


class SumNetwork(FusionNetwork):
    r"""Early fusion with a learned projection of all modalities side by side.

    .. math:: h = \sum_m W_m x_m
    """

    def forward(self, blocks: Sequence[Tensor], present: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors (n, width) and shares (n, M)."""
        return self.tokens(blocks, present).sum(dim=1), _shares(present.float())


class GatedNetwork(FusionNetwork):
    r"""Gated multimodal unit: every modality's gate sees all modalities.

    .. math:: h = \sum_m \sigma\big(U_m [x_1; \dots; x_M]\big) \odot \tanh(W_m x_m)

    Source: Arevalo et al., "Gated multimodal units for information fusion" (2017), equations 1-4, in the form for more
    than two modalities.
    """

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__(widths, width)
        self.gates = nn.Linear(sum(widths), len(widths) * width)

    def forward(self, blocks: Sequence[Tensor], present: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors (n, width) and shares (n, M)."""
        seen = [block * there.unsqueeze(-1) for block, there in zip(blocks, present.unbind(dim=1), strict=True)]
        tokens = torch.tanh(self.tokens(blocks, present))
        gates = torch.sigmoid(self.gates(torch.cat(seen, dim=1))).view_as(tokens) * present.unsqueeze(-1)
        return (gates * tokens).sum(dim=1), _shares(gates.mean(dim=2))


class AttentionNetwork(FusionNetwork):
    r"""Attention over modalities: a learned question weighs them, clip by clip.

    .. math:: a_m = \operatorname{softmax}_m \big( q^\top \tanh(U W_m x_m) \big), \qquad h = \sum_m a_m W_m x_m

    Source: the pooling of Yang et al., "Hierarchical attention networks for document classification" (2016),
    equations 5-7, over modalities in place of words.
    """

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__(widths, width)
        self.hidden = nn.Linear(width, width)
        self.question = nn.Linear(width, 1, bias=False)

    def forward(self, blocks: Sequence[Tensor], present: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors (n, width) and shares (n, M)."""
        tokens = self.tokens(blocks, present)
        scores = self.question(torch.tanh(self.hidden(tokens))).squeeze(-1)
        shares = _softmax(scores, present)
        return (shares.unsqueeze(-1) * tokens).sum(dim=1), shares


class TransformerNetwork(FusionNetwork):
    r"""A Transformer over one token a modality, and one more that reads the others and becomes the vector.

    Each token is :math:`W_m x_m + e_m`, with a learned :math:`e_m` that says which modality it is; absent ones cannot
    be attended to. Two layers with the normalisation first. Shares are what the reading token attends to in the last
    layer. Source: Vaswani et al., "Attention is all you need" (2017); one stream for all modalities as in Li et al.,
    "VisualBERT" (2019).
    """

    def __init__(self, widths: Sequence[int], width: int, *, layers: int = 2, heads: int = 4) -> None:
        super().__init__(widths, width)
        self.kinds = nn.Parameter(0.02 * torch.randn(len(widths) + 1, width))
        self.layers = nn.ModuleList(_Layer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, blocks: Sequence[Tensor], present: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors (n, width) and shares (n, M)."""
        read = torch.zeros(len(present), 1, self.kinds.shape[1])
        tokens = torch.cat([read, self.tokens(blocks, present)], dim=1) + self.kinds
        hidden = torch.cat([torch.zeros(len(present), 1, dtype=torch.bool), ~present], dim=1)
        attention = torch.zeros(len(present), len(self.kinds), len(self.kinds))
        for layer in self.layers:
            tokens, attention = layer(tokens, hidden)
        return self.norm(tokens[:, 0]), _shares(attention[:, 0, 1:])


class _Layer(nn.Module):
    """Self-attention and a small network, each added to what comes in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.feed = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        normed = self.first(tokens)
        # Said as a mask of pairs: the check of a mask of tokens loads an algebra system first.
        pairs = hidden[:, None, None].expand(-1, self.attention.num_heads, hidden.shape[1], -1).flatten(0, 1)
        found, attention = self.attention(normed, normed, normed, attn_mask=pairs)
        tokens = tokens + found
        return tokens + self.feed(self.second(tokens)), attention


class ExpertsNetwork(FusionNetwork):
    r"""Product of experts: each modality has an opinion and says how sure it is of each coordinate.

    .. math:: h = \frac{\sum_m t_m \odot \mu_m}{1 + \sum_m t_m}, \qquad \mu_m = W_m x_m, \quad t_m = \exp(U_m x_m)

    the mean of the product of the Gaussians :math:`N(\mu_m, 1/t_m)` and of the prior :math:`N(0, 1)`. A modality that
    is not there is left out of the product, and fewer experts leave the mean nearer to the prior's. Source: Hinton,
    "Training products of experts by minimizing contrastive divergence" (2002); with missing modalities Wu and Goodman,
    "Multimodal generative models for scalable weakly-supervised learning" (2018). Only the mean is trained here.
    """

    def __init__(self, widths: Sequence[int], width: int) -> None:
        super().__init__(widths, width)
        self.precisions = nn.ModuleList(nn.Linear(one, width) for one in widths)

    def forward(self, blocks: Sequence[Tensor], present: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors (n, width) and shares (n, M)."""
        sure = torch.stack([say(block) for say, block in zip(self.precisions, blocks, strict=True)], dim=1)
        precision = torch.exp(sure.clamp(-10.0, 10.0)) * present.unsqueeze(-1)
        mean = (precision * self.tokens(blocks, present)).sum(dim=1) / (1.0 + precision.sum(dim=1))
        return mean, _shares(precision.mean(dim=2))


def _softmax(scores: Tensor, present: Tensor) -> Tensor:
    """Return softmax over what is there; zeros in a row where nothing is."""
    low = torch.where(present, scores, torch.full_like(scores, -torch.inf))
    top = low.max(dim=1, keepdim=True).values.nan_to_num(neginf=0.0)
    return _shares(torch.exp(low - top))


def _shares(amounts: Tensor) -> Tensor:
    """Divide rows by their sums; a row of zeros stays."""
    return amounts / amounts.sum(dim=1, keepdim=True).clamp_min(1e-12)


NETWORKS: dict[str, type[FusionNetwork]] = {
    "sum": SumNetwork,
    "gated": GatedNetwork,
    "attention": AttentionNetwork,
    "transformer": TransformerNetwork,
    "experts": ExpertsNetwork,
}
"""The networks by the names that :class:`.LearnedFusion` knows."""
