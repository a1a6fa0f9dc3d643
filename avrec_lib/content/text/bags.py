"""Bags of words: how often each known word occurs, and what a word is worth."""

from collections.abc import Callable, Iterable, Sequence
from typing import Self

import numpy as np
from scipy import sparse

from avrec_lib.content.text.tokens import ngrams, tokenise

__all__ = ["BagOfWords", "rows_of_unit_length"]

Tokeniser = Callable[[str], Sequence[str]]


class BagOfWords:
    r"""Count the words of documents, whatever their order, and weigh them by how rare they are.

    Parameters
    ----------
    min_documents : int
        A word is known if at least so many of the documents it is fitted on have it.
    most_words : int
        Runs of up to so many words are terms too: 2 adds pairs of neighbours.
    tokenise : callable
        From a text to its tokens.

    Attributes
    ----------
    words_ : ndarray (V,) of object
        The known terms, in the order of their code points; known after :meth:`fit`.
    document_frequency_ : ndarray (V,) of int64
        How many of the documents have each, :math:`N_t`.
    n_documents_ : int
        How many documents there were, :math:`N`.
    """

    def __init__(self, *, min_documents: int = 1, most_words: int = 1, tokenise: Tokeniser = tokenise) -> None:
        self.min_documents, self.most_words, self.tokenise = min_documents, most_words, tokenise

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn the known words.

        Parameters
        ----------
        texts : iterable of str
            The training documents, and no others.

        Returns
        -------
        BagOfWords
            Itself.

        Raises
        ------
        ValueError
            If no word is in enough documents, an argument is below 1, or a single text is given.
        """
        import pandas as pd  # late, as in the whole package: an encoder of sentences starts sooner without

        if self.min_documents < 1 or self.most_words < 1:
            raise ValueError(f"min_documents and most_words begin at 1, not {self.min_documents}, {self.most_words}")
        row, term, n = self._long(texts)
        code, words = pd.factorize(term, sort=True)
        pairs = np.unique(row * max(len(words), 1) + code)
        frequency = np.bincount(pairs % max(len(words), 1), minlength=len(words))
        known = frequency >= self.min_documents
        if not known.any():
            raise ValueError(f"none of the words of {n} documents is in {self.min_documents} of them")
        self.words_ = np.asarray(words, dtype=object)[known]
        self.document_frequency_ = frequency[known].astype(np.int64)
        self.n_documents_ = n
        self._number = pd.Index(self.words_, dtype=object)
        return self

    def columns(self, words: Sequence[str] | np.ndarray) -> np.ndarray:
        """Return the columns of words.

        Parameters
        ----------
        words : sequence or ndarray of str, m of them
            Terms.

        Returns
        -------
        ndarray (m,) of intp
            The column of each, -1 for a word that is not known.
        """
        import pandas as pd

        return self._number.get_indexer(pd.Index(words, dtype=object))

    def transform(self, texts: Iterable[str]) -> sparse.csr_matrix:
        """Count the known words; unknown ones count nowhere.

        Parameters
        ----------
        texts : iterable of str, n of them
            Any documents.

        Returns
        -------
        csr_matrix (n, V) of float32
            How often each word occurs in each document.

        Raises
        ------
        RuntimeError
            If nothing was fitted.
        """
        if not hasattr(self, "words_"):
            raise RuntimeError("fit the bag of words on training documents before transforming with it")
        row, term, n = self._long(texts)
        column = self.columns(term)
        known = column >= 0
        ones = np.ones(int(known.sum()), dtype=np.float32)
        counts = sparse.coo_matrix((ones, (row[known], column[known])), shape=(n, len(self.words_))).tocsr()
        counts.sort_indices()
        return counts

    @property
    def idf_(self) -> np.ndarray:
        r"""Inverse document frequency of each word, (V,) of float64.

        .. math:: \mathrm{idf}_t = \log \frac{1 + N}{1 + N_t} + 1

        with the ones of scikit-learn: a word that is in every document still counts.
        """
        return np.log((1.0 + self.n_documents_) / (1.0 + self.document_frequency_)) + 1.0

    def weigh(self, texts: Iterable[str]) -> sparse.csr_matrix:
        r"""Return TF-IDF rows of unit length (Salton and Buckley, 1988).

        .. math:: w_{dt} \propto n_{dt} \, \mathrm{idf}_t

        Parameters
        ----------
        texts : iterable of str, n of them
            Any documents.

        Returns
        -------
        csr_matrix (n, V) of float32
            A document without any known word is a row of zeros.
        """
        weights = self.transform(texts).multiply(self.idf_.astype(np.float32)).tocsr()
        return rows_of_unit_length(weights)

    def _long(self, texts: Iterable[str]) -> tuple[np.ndarray, np.ndarray, int]:
        """Return the document's number and the term of every occurrence, and the number of documents."""
        if isinstance(texts, str):
            raise ValueError(f"give a list of texts, not the one text {texts[:40]!r}")
        lists: list[list[str]] = []
        for text in texts:
            tokens = list(self.tokenise(text))
            lists.append([term for n in range(1, self.most_words + 1) for term in ngrams(tokens, n)])
        row = np.repeat(np.arange(len(lists)), [len(terms) for terms in lists])
        return row, np.array([term for terms in lists for term in terms], dtype=object), len(lists)


def rows_of_unit_length(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Divide each row by its length; rows of zeros stay.

    Parameters
    ----------
    matrix : csr_matrix (n, d)
        Any rows.

    Returns
    -------
    csr_matrix (n, d)
        Of the same type.
    """
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    return sparse.diags(inverse.astype(matrix.dtype)).dot(matrix).tocsr()
