"""What the words around a clip say, as weights of words and of pieces of words, folded into a few directions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from avrec_lib.content.features import FeatureTable, Ids

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["describe_text", "tf_idf"]


def tf_idf(documents: pd.Series, *, fit_on: Ids | None = None, min_documents: int = 2) -> sparse.csr_matrix:
    r"""Weigh words, and pieces of words, by how often a document has them and how few others do.

    .. math:: w_{dt} = (1 + \log n_{dt}) \left(\log \frac{1 + N}{1 + N_t} + 1\right)

    for whole words (and pairs of words) and, separately, for runs of 3 to 5 characters within words, which meet in
    *drum* and *drummer* and need no spaces between words. Each of the two parts is scaled to unit length, and so is
    the row.

    Parameters
    ----------
    documents : Series (n,) of str
        Plain text, indexed by clip.
    fit_on : sequence, optional
        Clips whose documents decide the vocabulary and its weights: those of the training part. Default all.
    min_documents : int
        A word or piece counts if at least so many of these documents have it.

    Returns
    -------
    csr_matrix (n, n_terms) of float32
        Rows in the order of ``documents``; a row without any known term is zero.

    Raises
    ------
    KeyError
        If a clip of ``fit_on`` has no document.
    ValueError
        If no term is in enough documents.
    """
    # Late, here and below: an encoder of sentences shares this package, and starts sooner without.
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    known = documents if fit_on is None else documents.loc[list(fit_on)]
    if len(known) < max(1, min_documents):
        raise ValueError(f"{len(known)} documents are too few: a word counts if {min_documents} of them have it")
    parts = []
    for analyser, spans, pattern in (("word", (1, 2), r"(?u)\b\w+\b"), ("char_wb", (3, 5), None)):
        vectoriser = TfidfVectorizer(
            analyzer=analyser,
            ngram_range=spans,
            token_pattern=pattern,
            min_df=min_documents,
            sublinear_tf=True,
            strip_accents=None,
            dtype=np.float32,
        )
        vectoriser.fit(known.tolist())
        parts.append(vectoriser.transform(documents.tolist()))
    return normalize(sparse.hstack(parts, format="csr"))


def describe_text(
    documents: pd.Series,
    *,
    fit_on: Ids | None = None,
    n_components: int = 64,
    seed: int = 0,
) -> FeatureTable:
    """Describe documents by their :func:`tf_idf` weights, folded into a few directions.

    The directions are those of the truncated singular value decomposition (latent semantic analysis, Deerwester et
    al., 1990): words that stand in the same documents share one, so that synonyms can meet.

    Parameters
    ----------
    documents : Series (n,) of str
        Plain text, indexed by clip.
    fit_on : sequence, optional
        Clips whose documents decide vocabulary, weights and directions. Default all.
    n_components : int
        Number of directions; fewer if there are fewer documents.
    seed : int
        Seed of the randomised decomposition.

    Returns
    -------
    FeatureTable
        Named ``text``; absent where a document has no known word.
    """
    import pandas as pd
    from sklearn.decomposition import TruncatedSVD

    weights = tf_idf(documents, fit_on=fit_on)
    known = weights if fit_on is None else weights[documents.index.get_indexer(pd.Index(fit_on))]
    size = min(n_components, known.shape[0] - 1, known.shape[1] - 1)
    if size < 1:
        raise ValueError(f"{known.shape[0]} documents with {known.shape[1]} terms are too few to find directions in")
    directions = TruncatedSVD(size, random_state=seed).fit(known)
    present = np.diff(weights.indptr) > 0
    return FeatureTable(documents.index.to_numpy(), directions.transform(weights), present, "text")
