"""Words as columns without a vocabulary: each word goes to the column that its hash names."""

from collections.abc import Sequence

import numpy as np

from avrec_lib.content.text.tokens import ngrams, tokenise

__all__ = ["describe_words"]


def describe_words(texts: Sequence[str], *, width: int) -> np.ndarray:
    """Count words and pairs of neighbours in columns that a hash chooses.

    Nothing is learned from the texts, so that those of another catalogue, and words that nobody has met, go to the
    same columns. Two words may share one; a second hash gives each a sign, so that they cancel rather than add up.

    Parameters
    ----------
    texts : sequence of str, n of them
        Plain texts.
    width : int
        How many columns.

    Returns
    -------
    ndarray (n, width) of float32
        Rows of unit length; NaN where a text has no word.

    References
    ----------
    Weinberger, Dasgupta, Langford, Smola and Attenberg (2009), Feature hashing for large scale multitask learning.
    """
    if not len(texts):
        return np.empty((0, width), dtype=np.float32)
    from sklearn.feature_extraction.text import HashingVectorizer  # late: workers that read no text start sooner

    counts = HashingVectorizer(n_features=width, analyzer=_terms, norm="l2").transform(list(texts))
    found = counts.astype(np.float32).toarray()  # in this order: no array of twice the size
    found[np.diff(counts.indptr) == 0] = np.nan
    return found


def _terms(text: str) -> list[str]:
    words = tokenise(text)
    return [*words, *ngrams(words, 2)]
