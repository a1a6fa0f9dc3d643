"""Texts as vectors of a pretrained sentence encoder, which each process loads once."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from avrec_lib.content.encoders import TEXT_ENCODERS, TextEncoder, load_text_encoder
from avrec_lib.content.torch_threads import one_torch_thread

__all__ = ["describe_sentences", "sentence_columns"]


def sentence_columns(encoder: str) -> tuple[str, ...]:
    """Return names for the entries of an encoder's vectors, which mean nothing one by one.

    Parameters
    ----------
    encoder : str
        One of :data:`~avrec_lib.content.encoders.TEXT_ENCODERS`.

    Returns
    -------
    tuple of str
        As many as the vectors are long.
    """
    return tuple(f"{encoder}-{number:03d}" for number in range(TEXT_ENCODERS[encoder].width))


def describe_sentences(texts: Sequence[str], *, encoder: str) -> np.ndarray:
    """Encode texts, on one thread of the processor, so that every process gives the same numbers.

    Parameters
    ----------
    texts : sequence of str, n of them
        Plain texts.
    encoder : str
        One of :data:`~avrec_lib.content.encoders.TEXT_ENCODERS`.

    Returns
    -------
    ndarray (n, width) of float32
        One row a text, of unit length.
    """
    loaded = _loaded(encoder)
    with one_torch_thread():
        return loaded.encode(list(texts))


@lru_cache(maxsize=1)
def _loaded(encoder: str) -> TextEncoder:
    return load_text_encoder(encoder, device="cpu")
