import numpy as np
import pandas as pd
import pytest

from avrec_lib.content.text import describe_text, document, plain, tf_idf

CLIPS = pd.DataFrame(
    {
        "clip_id": [f"c{i}" for i in range(6)],
        "title": ["Slow <b>rain</b> &amp; piano", "Rain on tin", "Drum march", "Drummers at noon", "雨の夜", "<i></i>"],
        "description": ["quiet night", None, "brass and drums", "loud brass", None, None],
        "tags": ["rain|piano|night", "rain|night", "brass|march", "brass|drum", "雨|夜", None],
        "transcript": [None] * 6,
    }
)


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        ("a &lt;b&gt; c", "a <b> c"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<p class='x'>one</p><p>two</p>", "one two"),
        ("<SCRIPT>alert(1)</script >after", "after"),
        ("<!-- hidden -->shown", "shown"),
        ("  many \n\t spaces ", "many spaces"),
        ("&eacute;t&#233;", "été"),
    ],
)
def test_markup_goes_and_words_stay(raw, read):
    assert plain(raw) == read


def test_documents_join_the_fields_and_are_empty_where_nothing_is_written():
    texts = document(CLIPS)
    assert texts.index.tolist() == CLIPS["clip_id"].tolist()
    assert texts["c0"] == "Slow rain & piano. quiet night. rain, piano, night."
    assert texts["c5"] == ""
    assert document(CLIPS, fields=["title"])["c1"] == "Rain on tin"


def test_words_of_other_clips_than_those_fitted_on_have_no_weight():
    texts = document(CLIPS)
    changed = texts.copy()
    changed["c3"] = "entirely other words zebra zebra"
    known = ["c0", "c1", "c2", "c4"]
    first, second = (tf_idf(t, fit_on=known, min_documents=1) for t in (texts, changed))
    assert first.shape == second.shape
    rows = texts.index.get_indexer(known)
    assert abs(first[rows] - second[rows]).max() == 0.0
    assert second[texts.index.get_loc("c3")].nnz < 10


def test_rows_have_unit_length_and_likeness_follows_words_and_pieces_of_words():
    weights = tf_idf(document(CLIPS), min_documents=1)
    alike = (weights @ weights.T).toarray()
    np.testing.assert_allclose(np.diag(alike)[:5], 1.0, rtol=1e-5)
    assert alike[0, 1] > 3 * alike[0, 2]
    pieces = tf_idf(pd.Series(["drumming", "drummer", "violin"], ["a", "b", "c"]), min_documents=1)
    assert (pieces @ pieces.T)[0, 1] > 3 * (pieces @ pieces.T)[0, 2]
    assert pieces.dtype == np.float32


def test_scripts_without_spaces_are_read_too():
    texts = pd.Series(["雨の夜の街を歩く", "静かな雨の夜に聴く", "太鼓と金管の行進"], ["a", "b", "c"])
    weights = tf_idf(texts, min_documents=1)
    alike = (weights @ weights.T).toarray()
    assert alike[0, 1] > alike[0, 2]


def test_a_clip_without_words_is_absent():
    features = describe_text(document(CLIPS), n_components=3)
    assert features.present.tolist() == [True] * 5 + [False]
    assert features.name == "text" and features.width == 3


def test_directions_keep_likeness_when_there_are_as_many_as_documents():
    texts = document(CLIPS)[:5]
    weights = tf_idf(texts)
    features = describe_text(texts, n_components=99)
    full, folded = (weights @ weights.T).toarray(), features.matrix @ features.matrix.T
    assert features.width == 4
    assert np.abs(full - folded).max() < 0.2
    pd.testing.assert_frame_equal(
        pd.DataFrame(features.matrix), pd.DataFrame(describe_text(texts, n_components=99).matrix)
    )


def test_too_few_documents_are_refused():
    with pytest.raises(ValueError, match="too few"):
        describe_text(pd.Series(["rain"], ["a"]).repeat(1), fit_on=["a"])
    with pytest.raises(KeyError):
        tf_idf(document(CLIPS), fit_on=["c99"])
