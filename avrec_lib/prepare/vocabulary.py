"""The words that training texts hold: a vocabulary learned from training rows only."""

import re
from collections.abc import Iterable
from typing import Self

import numpy as np
import pandas as pd

__all__ = ["Vocabulary", "words"]


def words(text: str, separator: str | None = None) -> list[str]:
    """Split a text into lower-case words.

    Parameters
    ----------
    text : str
        Any text.
    separator : str, optional
        What stands between the words, such as ``|`` between tags; by default all that is not a letter or a digit.

    Returns
    -------
    list of str
        In their order, with repetitions.

    Examples
    --------
    >>> words("Two Cats, one piano"), words("lo-fi|night drive", "|")
    (['two', 'cats', 'one', 'piano'], ['lo-fi', 'night drive'])
    """
    if separator is not None:
        return [tag.strip().lower() for tag in text.split(separator) if tag.strip()]
    return re.findall(r"\w+", text.lower())


class Vocabulary:
    """The words that the training rows hold often enough, each with its number.

    Parameters
    ----------
    min_count : int
        In how many training texts a word must occur to be known, 1 or more.
    separator : str, optional
        As for :func:`words`.

    Attributes
    ----------
    words_ : list of str
        The known words, the most frequent first, equals in alphabetical order; known after :meth:`fit`.
    counts_ : ndarray of int64
        In how many training texts each occurs.
    """

    def __init__(self, min_count: int = 1, separator: str | None = None) -> None:
        self.min_count, self.separator = min_count, separator

    def fit(self, texts: Iterable[str | None]) -> Self:
        """Learn the words of the training texts.

        Parameters
        ----------
        texts : iterable of str
            The training texts, and no others; an absent one counts as empty.

        Returns
        -------
        Vocabulary
            Itself.

        Raises
        ------
        ValueError
            If `min_count` is below 1, or a single text is given instead of several.
        """
        if self.min_count < 1:
            raise ValueError(f"min_count is a number of texts, at least 1, got {self.min_count}")
        row, column = self._long(texts)
        # Counted are texts, not occurrences: one text that repeats a word does not make it common.
        counts = column[~pd.DataFrame({"row": row, "word": column}).duplicated().to_numpy()].value_counts()
        counts = counts[counts >= self.min_count]
        order = np.lexsort((counts.index.to_numpy(dtype=str), -counts.to_numpy()))
        self.words_ = [str(word) for word in counts.index.to_numpy(dtype=object)[order]]
        self.counts_ = counts.to_numpy(dtype=np.int64)[order]
        return self

    def transform(self, texts: Iterable[str | None]) -> np.ndarray:
        """Count the known words; unknown ones count nowhere.

        Parameters
        ----------
        texts : iterable of str, n of them
            Any texts.

        Returns
        -------
        ndarray of float32 (n, len(words_))
            How often each known word occurs.

        Raises
        ------
        RuntimeError
            If the vocabulary was not fitted.
        """
        if not hasattr(self, "words_"):
            raise RuntimeError("fit the vocabulary on training texts before transforming with it")
        texts = list(texts)
        row, column = self._long(texts)
        number = pd.Index(self.words_, dtype=object).get_indexer(pd.Index(column))
        matrix = np.zeros((len(texts), len(self.words_)), dtype=np.float32)
        np.add.at(matrix, (row[number >= 0], number[number >= 0]), 1.0)
        return matrix

    def _long(self, texts: Iterable[str | None]) -> tuple[np.ndarray, pd.Series]:
        if isinstance(texts, str):
            raise ValueError(f"give a list of texts, not the one text {texts[:40]!r}")
        lists = [words(text, self.separator) if isinstance(text, str) else [] for text in texts]
        row = np.repeat(np.arange(len(lists)), [len(found) for found in lists])
        flat = pd.Series([word for found in lists for word in found], dtype=object)
        return row, flat
