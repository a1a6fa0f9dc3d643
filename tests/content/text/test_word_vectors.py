import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.content.text import BagOfWords, count_neighbours, positive_pmi, train_word_vectors
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.text import topic_tags, write_text

CORPUS = ["surf rolls over sand", "tide rolls over sand", "kick shakes the floor", "bass shakes the floor"] * 5


def counted_pair_by_pair(documents, n_words, window):
    counts = np.zeros((n_words, n_words))
    for codes in documents:
        for i, first in enumerate(codes):
            for j, second in enumerate(codes):
                if i != j and abs(i - j) <= window and first >= 0 and second >= 0:
                    counts[first, second] += 1
    return counts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(-1, 4), max_size=9), max_size=5), st.integers(1, 12))
def test_neighbours_are_those_of_a_loop_over_pairs(documents, window):
    codes = [np.array(part, dtype=np.int64) for part in documents]
    counts = count_neighbours(codes, 5, window=window).toarray()
    np.testing.assert_array_equal(counts, counted_pair_by_pair(documents, 5, window))


def test_words_of_two_documents_are_no_neighbours():
    assert count_neighbours([np.array([0]), np.array([1])], 2).nnz == 0
    with pytest.raises(ValueError, match="at least 1"):
        count_neighbours([np.array([0])], 2, window=0)


def test_pmi_equals_its_definition():
    rng = np.random.default_rng(0)
    met = rng.integers(0, 4, (6, 6))
    met = met + met.T
    counts = count_neighbours([], 6) + met
    chance = met.sum(axis=1)[:, None] / met.sum() * (met.sum(axis=1) ** 0.75 / (met.sum(axis=1) ** 0.75).sum())
    with np.errstate(divide="ignore"):
        wanted = np.maximum(np.log(met / met.sum() / chance), 0.0)
    found = positive_pmi(type(count_neighbours([], 6))(counts))
    np.testing.assert_allclose(found.toarray(), wanted, atol=1e-12)
    assert positive_pmi(count_neighbours([], 3)).nnz == 0


def test_words_of_the_same_company_point_the_same_way():
    vectors = train_word_vectors(CORPUS, n_components=4)
    assert vectors.nearest("surf", 1).index[0] == "tide"
    assert vectors.nearest("surf")["tide"] > 0.9
    assert vectors.nearest("surf", 99)["kick"] < 0.3
    assert vectors.matrix.dtype == np.float32
    with pytest.raises(KeyError, match="zebra"):
        vectors.nearest("zebra")


def test_the_same_seed_gives_the_same_vectors():
    first, second = (train_word_vectors(CORPUS, n_components=3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.matrix, second.matrix)


def test_a_document_is_the_weighted_mean_of_its_words():
    vectors = train_word_vectors(CORPUS, n_components=3)
    documents = pd.Series(["surf surf floor", "zebra", "surf zebra", ""], ["a", "b", "c", "d"])
    table = vectors.pool(documents)
    equal = vectors.pool(documents, weights="equal")
    surf, floor = vectors.matrix[vectors.words.columns(["surf", "floor"])]
    weight = vectors.words.idf_[vectors.words.columns(["surf", "floor"])]
    assert weight[0] > weight[1]
    wanted = (2 * weight[0] * surf + weight[1] * floor) / (2 * weight[0] + weight[1])
    np.testing.assert_allclose(table.matrix[0], wanted, rtol=1e-5)
    np.testing.assert_allclose(equal.matrix[0], (2 * surf + floor) / 3, rtol=1e-5)
    np.testing.assert_allclose(table.matrix[2], surf, rtol=1e-5)
    assert table.present.tolist() == [True, False, True, False] and table.name == "words"
    with pytest.raises(ValueError, match="'idf' or 'equal'"):
        vectors.pool(documents, weights="tf")


def test_tags_of_one_topic_meet_though_nothing_told_the_topic():
    texts = write_text(sample_catalogue(1500, seed=3), seed=3)
    vectors = train_word_vectors(texts["tags"].str.replace("|", " "), n_components=32)
    right, asked = 0, 0
    for topic in ("ocean", "techno", "ball-match"):
        tags = {tag.lower() for tag in topic_tags(topic)}
        for tag in tags:
            right += vectors.nearest(tag, 1).index[0] in tags
            asked += 1
    assert right / asked > 0.9


def test_too_few_words_are_refused():
    with pytest.raises(ValueError, match="too few"):
        train_word_vectors(["a a a", "a"], min_documents=2)
    assert BagOfWords().fit(["a"]).words_.tolist() == ["a"]
