"""A list drawn by chance: what knowing nothing is worth."""

import numpy as np
import pandas as pd

from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.histories import Histories

__all__ = ["Random"]


class Random(Recommender):
    """Score each pair of person and item by a fair draw.

    A person's scores depend on the seed, the person and the item alone: not on who else is asked for, nor on what
    else is in the catalogue. People are independent of each other, and so are seeds, as a paired test of two of them
    assumes (:func:`~avrec_lib.evaluate.significance.sign_flip_test`).

    Parameters
    ----------
    seed : int
        Another seed, another order.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def _score(self, histories: Histories) -> np.ndarray:
        seed = _scramble(np.array([self.seed], dtype=np.uint64))
        users = _scramble(_hash(histories.user_ids) + seed)
        items = _hash(self.item_ids_)
        drawn = _scramble(users[:, None] ^ _scramble(items)[None, :])
        # 24 bits are all that a float32 below 1 can hold.
        return (drawn >> np.uint64(40)).astype(np.float32) / np.float32(2**24)


def _hash(ids: pd.Index) -> np.ndarray:
    """Hash ids to uint64, the same on every machine."""
    return np.asarray(pd.util.hash_array(ids.to_numpy(dtype=object).astype(str).astype(object), categorize=False))


def _scramble(state: np.ndarray) -> np.ndarray:
    """Mix the bits of uint64 numbers: the finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    state = (state + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
