"""Texts of different length in one rectangle, and a mean that does not see the filling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    import torch

__all__ = ["masked_mean", "pad"]


def pad(sequences: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Put lists of token numbers into one rectangle, filled up on the right with zeros.

    Parameters
    ----------
    sequences : sequence of sequences of int
        n lists.

    Returns
    -------
    ids : ndarray (n, t) of int64
        t is the length of the longest list.
    mask : ndarray (n, t) of bool
        Whether a place holds a token.

    Examples
    --------
    >>> pad([[5, 6], [8]])
    (array([[5, 6],
           [8, 0]]), array([[ True,  True],
           [ True, False]]))
    """
    lengths = np.array([len(tokens) for tokens in sequences], dtype=np.int64)
    mask = np.arange(lengths.max(initial=0)) < lengths[:, None]
    ids = np.zeros(mask.shape, dtype=np.int64)
    ids[mask] = [number for tokens in sequences for number in tokens]
    return ids, mask


@overload
def masked_mean(states: np.ndarray, mask: np.ndarray) -> np.ndarray: ...
@overload
def masked_mean(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor: ...
def masked_mean(states: np.ndarray | torch.Tensor, mask: np.ndarray | torch.Tensor) -> np.ndarray | torch.Tensor:
    r"""Average the states of real tokens and of no others.

    .. math:: h = \frac{\sum_t m_t z_t}{\sum_t m_t}

    What stands in the filled places has no influence, not even if it is not a number.

    Parameters
    ----------
    states : ndarray or Tensor (n, t, d)
        One state a place, :math:`z_t`.
    mask : ndarray or Tensor (n, t) of bool
        Whether a place holds a token, :math:`m_t`.

    Returns
    -------
    ndarray or Tensor (n, d)
        Of the type of ``states``. A row without any token is all zeros: ask the mask which those are.

    Raises
    ------
    ValueError
        If the shapes do not agree.
    """
    if states.ndim != 3 or tuple(mask.shape) != tuple(states.shape[:2]):
        raise ValueError(f"states (n, t, d) and mask (n, t) do not agree: {tuple(states.shape)}, {tuple(mask.shape)}")
    if isinstance(states, np.ndarray):
        real = np.asarray(mask, dtype=bool)[..., None]
        return np.where(real, states, 0).sum(axis=1) / np.maximum(real.sum(axis=1), 1).astype(states.dtype)
    assert not isinstance(mask, np.ndarray)
    real_tokens = mask.bool()[..., None]
    return states.masked_fill(~real_tokens, 0).sum(dim=1) / real_tokens.sum(dim=1).clamp(min=1)
