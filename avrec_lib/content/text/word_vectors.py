"""Vectors of words, learned from the company that they keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import sparse

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.text.bags import BagOfWords, Tokeniser
from avrec_lib.content.text.tokens import tokenise

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WordVectors", "count_neighbours", "positive_pmi", "train_word_vectors"]


@dataclass(frozen=True, eq=False)
class WordVectors:
    """One vector a word.

    Attributes
    ----------
    words : BagOfWords
        The known words, with how rare each is in the documents that they were learned from.
    matrix : ndarray (V, d) of float32
        Row i belongs to ``words.words_[i]``.
    """

    words: BagOfWords
    matrix: np.ndarray

    @cached_property
    def _directions(self) -> np.ndarray:
        length = np.linalg.norm(self.matrix, axis=1, keepdims=True)
        return np.divide(self.matrix, length, out=np.zeros_like(self.matrix), where=length > 0)

    def nearest(self, word: str, k: int = 5) -> pd.Series:
        """Return the words whose vectors point most nearly the same way.

        Parameters
        ----------
        word : str
            A known word.
        k : int
            How many.

        Returns
        -------
        Series (k,) of float
            Cosine similarities by word, the largest first, the word itself left out.

        Raises
        ------
        KeyError
            If the word is not known.
        """
        import pandas as pd

        (row,) = self.words.columns([word])
        if row < 0:
            raise KeyError(f"{word!r} is not among the {len(self.words.words_)} known words")
        alike = pd.Series(self._directions @ self._directions[row], index=self.words.words_)
        return alike.drop(word).sort_values(ascending=False, kind="stable").head(k)

    def pool(self, documents: pd.Series, *, weights: Literal["idf", "equal"] = "idf") -> FeatureTable:
        r"""Describe each document by the mean vector of its words.

        .. math:: v_d = \frac{\sum_t n_{dt} w_t E_t}{\sum_t n_{dt} w_t}

        Parameters
        ----------
        documents : Series (n,) of str
            Plain text, indexed by clip.
        weights : {"idf", "equal"}
            What a word counts, :math:`w_t`: its inverse document frequency, or 1.

        Returns
        -------
        FeatureTable
            Named ``words``; absent where no word is known.
        """
        if weights not in ("idf", "equal"):
            raise ValueError(f"weights are 'idf' or 'equal', not {weights!r}")
        counts = self.words.transform(documents)
        if weights == "idf":
            counts = counts.multiply(self.words.idf_).tocsr()
        total = np.asarray(counts.sum(axis=1)).ravel()
        present = total > 0
        matrix = np.asarray(counts @ self.matrix) / np.where(present, total, 1.0)[:, None]
        return FeatureTable(documents.index.to_numpy(), matrix, present, "words")


def count_neighbours(codes: Sequence[np.ndarray], n_words: int, *, window: int = 5) -> sparse.csr_matrix:
    """Count how often two words stand near each other.

    Parameters
    ----------
    codes : sequence of ndarray of int
        One array a document: the number of each word, in order; negative where the word is not known.
    n_words : int
        Number of known words, V.
    window : int
        How many places apart two words may stand, at least 1.

    Returns
    -------
    csr_matrix (V, V) of float64
        Symmetric.

    Examples
    --------
    >>> count_neighbours([np.array([0, 1, 0])], 2, window=1).toarray()
    array([[0., 2.],
           [2., 0.]])
    """
    if window < 1:
        raise ValueError(f"window is a number of places, at least 1, not {window}")
    flat = np.concatenate([np.zeros(0, dtype=np.int64), *codes])
    document = np.repeat(np.arange(len(codes)), [len(part) for part in codes])
    counts = sparse.csr_matrix((n_words, n_words), dtype=np.float64)
    for apart in range(1, window + 1):
        first, second = flat[:-apart], flat[apart:]
        near = (document[:-apart] == document[apart:]) & (first >= 0) & (second >= 0)
        ones = np.ones(int(near.sum()))
        counts += sparse.coo_matrix((ones, (first[near], second[near])), shape=counts.shape).tocsr()
    return (counts + counts.T).tocsr()


def positive_pmi(counts: sparse.csr_matrix, *, smoothing: float = 0.75) -> sparse.csr_matrix:
    r"""Return by how much more often than by chance two words meet, and zero where they do not.

    .. math:: \max\left(0, \log \frac{P(i, j)}{P(i) \, P_\alpha(j)}\right), \qquad P_\alpha(j) \propto n_j^\alpha

    Positive pointwise mutual information (Church and Hanks, 1990), with the context's share smoothed (Levy, Goldberg
    and Dagan, 2015), so that rare words do not win by being rare.

    Parameters
    ----------
    counts : csr_matrix (V, V)
        How often words meet, symmetric.
    smoothing : float
        The exponent :math:`\alpha`, in (0, 1].

    Returns
    -------
    csr_matrix (V, V) of float64
        Not negative, zero wherever two words never met.
    """
    met = counts.tocoo()
    total = float(met.data.sum())
    often = np.asarray(counts.sum(axis=1)).ravel()
    smoothed = often**smoothing
    chance = often[met.row] / max(total, 1.0) * smoothed[met.col] / max(float(smoothed.sum()), 1.0)
    value = np.maximum(np.log(met.data / total) - np.log(chance), 0.0) if total else met.data
    result = sparse.csr_matrix((value, (met.row, met.col)), shape=counts.shape)
    result.eliminate_zeros()
    return result


def train_word_vectors(
    texts: Iterable[str],
    *,
    n_components: int = 64,
    window: int = 5,
    min_documents: int = 2,
    smoothing: float = 0.75,
    seed: int = 0,
    tokenise: Tokeniser = tokenise,
) -> WordVectors:
    r"""Learn vectors from documents: words that keep the same company come to point the same way.

    The :func:`positive_pmi` of every two words is folded by a truncated singular value decomposition; a word's vector
    is its row of :math:`U \sqrt{S}` (Levy, Goldberg and Dagan, 2015).

    Parameters
    ----------
    texts : iterable of str
        The training documents, and no others.
    n_components : int
        Length of a vector, d; fewer if there are fewer words.
    window : int
        How many places apart two words may stand to count as company.
    min_documents : int
        A word is known if at least so many documents have it.
    smoothing : float
        As for :func:`positive_pmi`.
    seed : int
        Seed of the randomised decomposition.
    tokenise : callable
        From a text to its tokens.

    Returns
    -------
    WordVectors
        Of the known words.

    Raises
    ------
    ValueError
        If no word is in enough documents, or there are too few words to find directions in.
    """
    from sklearn.utils.extmath import randomized_svd

    texts = list(texts)
    words = BagOfWords(min_documents=min_documents, tokenise=tokenise).fit(texts)
    n_words = len(words.words_)
    size = min(n_components, n_words - 1)
    if size < 1:
        raise ValueError(f"{n_words} known words are too few to find directions in")
    codes = [words.columns(tokenise(text)) for text in texts]
    company = positive_pmi(count_neighbours(codes, n_words, window=window), smoothing=smoothing)
    left, strength, _ = randomized_svd(company, size, random_state=seed)
    return WordVectors(words, (left * np.sqrt(strength)).astype(np.float32))
