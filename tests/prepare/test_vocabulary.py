import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from avrec_lib.prepare.vocabulary import Vocabulary, words

TEXTS = ["the cat and the dog", "the dog", None, "a bird"]


def test_counts_equal_those_of_scikit_learn():
    texts = ["night drive, night rain", "rain on the roof", "a night at the market"]
    ours = Vocabulary().fit(texts)
    theirs = CountVectorizer(vocabulary=ours.words_, token_pattern=r"\w+").fit(texts)
    assert np.array_equal(ours.transform(texts), theirs.transform(texts).toarray())
    assert set(ours.words_) == set(CountVectorizer(token_pattern=r"\w+").fit(texts).vocabulary_)


def test_a_word_is_known_by_the_number_of_texts_not_of_occurrences():
    vocabulary = Vocabulary(min_count=2).fit(TEXTS)
    assert vocabulary.words_ == ["dog", "the"]
    assert vocabulary.counts_.tolist() == [2, 2]
    assert Vocabulary(min_count=2).fit(["echo echo echo"]).words_ == []


def test_fitting_again_forgets_the_first_texts():
    vocabulary = Vocabulary(min_count=2).fit(TEXTS)
    assert vocabulary.fit(["x x", "x y"]).words_ == ["x"]


def test_words_of_later_texts_stay_unknown():
    vocabulary = Vocabulary().fit(TEXTS)
    matrix = vocabulary.transform(["the whale", None])
    assert matrix.sum() == 1.0
    assert matrix.dtype == np.float32


def test_tags_are_split_at_their_separator_only():
    assert words("Lo-Fi| night drive |", "|") == ["lo-fi", "night drive"]
    assert Vocabulary(separator="|").fit(["lo-fi", "lo-fi|x"]).words_ == ["lo-fi", "x"]


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="list of texts"):
        Vocabulary().fit("one text")
    with pytest.raises(ValueError, match="at least 1"):
        Vocabulary(0).fit(TEXTS)
    with pytest.raises(RuntimeError, match="fit the vocabulary"):
        Vocabulary().transform(TEXTS)
