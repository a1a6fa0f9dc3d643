import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from avrec_lib.content.text import BagOfWords, rows_of_unit_length, tokenise

TEXTS = ["Rain, rain on tin", "the tin drum", "雨の夜 rain", "", "Drum and drum and bass", "don't stop the rain"]
HOW = {"tokenizer": tokenise, "lowercase": False, "token_pattern": None}


@pytest.mark.parametrize("most_words", [1, 2, 3])
@pytest.mark.parametrize("min_documents", [1, 2])
def test_counts_and_columns_equal_scikit_learns(most_words, min_documents):
    theirs = CountVectorizer(ngram_range=(1, most_words), min_df=min_documents, **HOW)
    wanted = theirs.fit_transform(TEXTS)
    bag = BagOfWords(min_documents=min_documents, most_words=most_words).fit(TEXTS)
    assert bag.words_.tolist() == theirs.get_feature_names_out().tolist()
    assert (bag.transform(TEXTS) != wanted).nnz == 0


def test_weights_equal_scikit_learns():
    theirs = TfidfVectorizer(ngram_range=(1, 2), **HOW).fit(TEXTS[:4])
    bag = BagOfWords(most_words=2).fit(TEXTS[:4])
    np.testing.assert_allclose(bag.idf_, theirs.idf_, rtol=1e-12)
    np.testing.assert_allclose(bag.weigh(TEXTS).toarray(), theirs.transform(TEXTS).toarray(), rtol=1e-5, atol=1e-7)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(alphabet="ab 雨夜", max_size=12), min_size=1, max_size=6))
def test_any_texts_are_counted_as_scikit_learn_counts_them(texts):
    if not any(tokenise(text) for text in texts):
        with pytest.raises(ValueError, match="none of the words"):
            BagOfWords().fit(texts)
        return
    theirs = CountVectorizer(**HOW)
    wanted = theirs.fit_transform(texts)
    bag = BagOfWords().fit(texts)
    assert bag.words_.tolist() == theirs.get_feature_names_out().tolist()
    assert (bag.transform(texts) != wanted).nnz == 0


def test_words_of_other_documents_than_those_fitted_on_count_nowhere():
    bag = BagOfWords().fit(["rain on tin"])
    counts = bag.transform(["zebra zebra", "tin zebra rain rain"])
    assert counts.toarray().tolist() == [[0, 0, 0], [0, 2, 1]]
    assert counts.dtype == np.float32
    assert bag.columns(["tin", "zebra"]).tolist() == [2, -1]
    assert bag.transform([]).shape == (0, 3)


def test_a_rare_word_weighs_more_and_one_in_every_document_still_counts():
    bag = BagOfWords().fit(["rain tin", "rain drum", "rain drum"])
    weight = dict(zip(bag.words_, bag.idf_, strict=True))
    assert weight["tin"] > weight["drum"] > weight["rain"] == 1.0


def test_rows_of_zeros_stay_and_others_get_unit_length():
    rows = rows_of_unit_length(sparse.csr_matrix([[3.0, 4.0], [0.0, 0.0]]))
    np.testing.assert_allclose(rows.toarray(), [[0.6, 0.8], [0.0, 0.0]])


def test_misuse_is_told():
    with pytest.raises(RuntimeError, match="fit the bag"):
        BagOfWords().transform(["a"])
    with pytest.raises(ValueError, match="not the one text"):
        BagOfWords().fit("a single text")
    with pytest.raises(ValueError, match="in 3 of them"):
        BagOfWords(min_documents=3).fit(["a", "b"])
    with pytest.raises(ValueError, match="begin at 1"):
        BagOfWords(most_words=0).fit(["a"])
