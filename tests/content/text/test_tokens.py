import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from avrec_lib.content.text import ngrams, normalise, tokenise


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Ｒａｉｎ", "rain"),
        ("cafe\u0301", "caf\u00e9"),
        ("ﬁne", "fine"),
        ("STRASSE straße", "strasse strasse"),
        ("ra\u200bin \u202erain\u202c ra\u00adin", "rain rain rain"),
        ("ΘΆΛΑΣΣΑΣ", "θάλασσασ"),
        ("ｶﾞ", "ガ"),
    ],
)
def test_what_a_reader_takes_for_the_same_becomes_the_same(written, read):
    assert normalise(written) == read


@given(st.text())
def test_normalising_twice_changes_nothing_and_leaves_nothing_invisible(text):
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFKC", once)
    assert not [character for character in once if unicodedata.category(character) == "Cf"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Don't stop: 4 waves!", ["don't", "stop", "4", "waves"]),
        ("don’t", ["don't"]),
        ("'quoted' rock 'n' roll", ["quoted", "rock", "n", "roll"]),
        ("@wren_tapes #slowhours __", ["wren_tapes", "slowhours"]),
        ("Шум прибоя", ["шум", "прибоя"]),
        ("صوت الأمواج", ["صوت", "الأمواج"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("雨の夜", ["雨", "の", "夜", "雨の", "の夜"]),
        ("海浪|第3集", ["海", "浪", "海浪", "第", "3", "集"]),
        ("PK戦", ["pk", "戦"]),
        ("วันนี้", ["วั", "น", "นี้", "วัน", "นนี้"]),
        ("\u2e80 雨 ៛", ["雨"]),
        ("🎉 ... 💔", []),
        ("\ud83d rain", ["rain"]),
        ("", []),
    ],
)
def test_tokens_of_several_scripts(text, tokens):
    assert tokenise(text) == tokens


@given(st.text())
def test_tokens_are_made_of_letters_and_digits_that_stand_in_the_text(text):
    whole = normalise(text).replace("\u2019", "'")
    for token in tokenise(text):
        assert token in whole and regex.search(r"[\p{L}\p{N}]", token)


def test_neighbours_are_joined_and_too_few_give_none():
    assert ngrams(["a", "b", "c"], 2) == ["a b", "b c"]
    assert ngrams("drum", 3, joint="") == ["dru", "rum"]
    assert ngrams(["a"], 2) == []
    with pytest.raises(ValueError, match="at least 1"):
        ngrams(["a"], 0)
