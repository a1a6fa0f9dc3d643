"""BERT, a Transformer that reads a whole text at once: from pieces of words to their states."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Bert", "BertShape"]

_EPSILON = 1e-12


@dataclass(frozen=True)
class BertShape:
    """How large a BERT is.

    Attributes
    ----------
    pieces : int
        Number of pieces of words that it knows.
    width : int
        Length of a state, d; a multiple of `heads`.
    layers : int
        Number of layers.
    heads : int
        Number of attention heads of a layer.
    inner : int
        Width within a layer.
    places : int
        Length of the longest text, in pieces.
    """

    pieces: int
    width: int
    layers: int
    heads: int
    inner: int
    places: int = 512

    def weights(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each array of weights, by the name that it has in published files.

        Returns
        -------
        dict of str to tuple of int
            Without a head.
        """
        d, linear = self.width, {}
        shapes: dict[str, tuple[int, ...]] = {
            "embeddings.word_embeddings.weight": (self.pieces, d),
            "embeddings.position_embeddings.weight": (self.places, d),
            "embeddings.token_type_embeddings.weight": (2, d),
        }
        norms = ["embeddings.LayerNorm"]
        for layer in (f"encoder.layer.{number}" for number in range(self.layers)):
            for part in (
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
            ):
                linear[f"{layer}.{part}"] = (d, d)
            linear[f"{layer}.intermediate.dense"] = (self.inner, d)
            linear[f"{layer}.output.dense"] = (d, self.inner)
            norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        for name, shape in linear.items():
            shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
        for name in norms:
            shapes |= {f"{name}.weight": (d,), f"{name}.bias": (d,)}
        return shapes


class Bert:
    """The encoder of BERT (Devlin et al., 2019), for reading and not for training: no head and no dropout.

    Its forward pass is written here, because a general library of models takes longer to import than ninety megabytes
    of weights to read.

    Parameters
    ----------
    shape : BertShape
        How large it is.
    weights : mapping of str to Tensor
        Of each array that ``shape.weights()`` names; what else a published file holds is not read.

    Raises
    ------
    ValueError
        If an array is missing, or of another shape; the message names it.
    """

    def __init__(self, shape: BertShape, weights: Mapping[str, Tensor]) -> None:
        for name, wanted in shape.weights().items():
            if name not in weights:
                raise ValueError(f"the weights lack {name}, of shape {wanted}")
            if tuple(weights[name].shape) != wanted:
                raise ValueError(f"{name} has shape {tuple(weights[name].shape)} and should have {wanted}")
        self.shape = shape
        self._weights = {name: weights[name].detach() for name in shape.weights()}

    @classmethod
    def drawn(cls, shape: BertShape, *, seed: int) -> "Bert":
        """Build an untrained BERT: weights with a standard deviation of 0.02, as before its training.

        Parameters
        ----------
        shape : BertShape
            How large it is.
        seed : int
            Seed of the weights.

        Returns
        -------
        Bert
            On the processor.
        """
        draw = torch.Generator().manual_seed(seed)
        weights = {
            name: torch.empty(size).normal_(std=0.02, generator=draw) if len(size) == 2 else torch.zeros(size)
            for name, size in shape.weights().items()
        }
        for name, array in weights.items():
            if name.endswith("LayerNorm.weight"):
                array += 1.0
        return cls(shape, weights)

    @property
    def device(self) -> torch.device:
        """Return where it computes."""
        return next(iter(self._weights.values())).device

    def to(self, device: torch.device) -> "Bert":
        """Return it on another device."""
        return Bert(self.shape, {name: array.to(device) for name, array in self._weights.items()})

    def layers(self, ids: Tensor, mask: Tensor) -> Iterator[Tensor]:
        """Compute the states below the first layer and after each.

        Parameters
        ----------
        ids : Tensor (n, t) of int64
            Numbers of pieces of words; a text counts as one sentence.
        mask : Tensor (n, t) of bool
            Whether a place holds a token. Filled places are not attended to.

        Yields
        ------
        Tensor (n, t, d)
            One state a place; those of filled places mean nothing.
        """
        words, places, kinds = (
            self._weights[f"embeddings.{name}_embeddings.weight"] for name in ("word", "position", "token_type")
        )
        states = self._norm("embeddings.LayerNorm", words[ids] + places[: ids.shape[1]] + kinds[0])
        yield states
        for layer in (f"encoder.layer.{number}" for number in range(self.shape.layers)):
            query, key, value = (
                self._linear(f"{layer}.attention.self.{name}", states)
                .unflatten(2, (self.shape.heads, -1))
                .transpose(1, 2)
                for name in ("query", "key", "value")
            )
            found = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
            found = self._linear(f"{layer}.attention.output.dense", found.transpose(1, 2).flatten(2))
            states = self._norm(f"{layer}.attention.output.LayerNorm", states + found)
            inner = functional.gelu(self._linear(f"{layer}.intermediate.dense", states))
            states = self._norm(f"{layer}.output.LayerNorm", states + self._linear(f"{layer}.output.dense", inner))
            yield states

    def __call__(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Compute the states of the last layer, as :meth:`layers` does."""
        *_, states = self.layers(ids, mask)
        return states

    def _linear(self, name: str, states: Tensor) -> Tensor:
        return functional.linear(states, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _norm(self, name: str, states: Tensor) -> Tensor:
        weight, bias = self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]
        return functional.layer_norm(states, (self.shape.width,), weight, bias, _EPSILON)
