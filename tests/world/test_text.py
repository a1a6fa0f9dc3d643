"""The text knows topic, mood and series, and nothing else; it is varied and repeatable."""

import re
import unicodedata

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline

from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.text import creator_handle, topic_tags, write_text
from avrec_lib.world.text_moods import SERIES_NAMES
from avrec_lib.world.text_scripts import SCRIPTS
from avrec_lib.world.text_topics import WORDINGS
from avrec_lib.world.topics import INSTRUMENTS, SERIES, SETTINGS, TOPICS

BLOCKS = {"zh": "CJK", "el": "GREEK", "ru": "CYRILLIC", "ar": "ARABIC"}


@pytest.fixture(scope="module")
def catalogue() -> pd.DataFrame:
    return sample_catalogue(3000, seed=5)


@pytest.fixture(scope="module")
def text(catalogue: pd.DataFrame) -> pd.DataFrame:
    return write_text(catalogue, seed=5)


def everything(text: pd.DataFrame) -> pd.Series:
    tags = text["tags"].str.replace("|", " ")
    return text["title"] + " " + text["description"] + " " + tags + " " + text["transcript"]


def accuracy(words: pd.Series, target: pd.Series) -> float:
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=20.0, max_iter=200))
    return float((cross_val_predict(model, words, target, cv=3) == target.to_numpy()).mean())


def test_same_seed_same_text_and_another_seed_other_text(catalogue, text):
    pd.testing.assert_frame_equal(write_text(catalogue, seed=5), text)
    assert (write_text(catalogue, seed=6)["title"] == text["title"]).mean() < 0.01


def test_text_reads_neither_instrument_nor_setting(catalogue, text):
    blind = catalogue.drop(columns=["instrument", "setting", "appeal", "quality", "seed", "hue", "pace"])
    pd.testing.assert_frame_equal(write_text(blind, seed=5), text)


def test_no_instrument_or_setting_is_named(text):
    words = set(re.findall(r"[a-z]+", everything(text).str.lower().str.cat(sep=" ")))
    assert not words & {*INSTRUMENTS, *SETTINGS, "foggy", "snowy", "rainy", "starlit", "embers", "pianist", "guitarist"}


def test_topic_mood_and_series_can_be_read_but_not_perfectly(catalogue, text):
    words = everything(text)
    assert 0.85 < accuracy(words, catalogue["topic"]) < 0.985
    happy = pd.Series(np.where(catalogue["valence"] > 0.15, "up", "down"))
    assert 0.72 < accuracy(words, happy) < 0.95
    assert accuracy(words, catalogue["series"]) > 0.8


def test_instrument_and_setting_cannot_be_read(catalogue, text):
    for hidden in ("instrument", "setting"):
        assert accuracy(everything(text), catalogue[hidden]) < 1 / 6 + 0.035


def test_word_overlap_alone_is_not_enough(catalogue, text):
    topic = (catalogue["topic"] == "ocean") & (text["language"] == "en")
    titles = text.loc[topic, "title"].str.lower()
    stop = {"for", "the", "to", "of", "a", "in", "no", "take", "and", "on", "at", "with", "it", "when", "you", "your"}
    bags = [set(re.findall(r"[a-z]{2,}", title)) - stop for title in titles]
    shared = [bool(a & b) for i, a in enumerate(bags) for b in bags[:i]]
    assert np.mean(shared) < 0.4


def test_every_series_is_named_in_every_clip(catalogue, text):
    for series, title, description, tags in zip(
        catalogue["series"], text["title"], text["description"], text["tags"], strict=True
    ):
        name, short, hashtag, nickname = SERIES_NAMES[series]
        prose = f"{title} {description}".lower()
        found = name.lower() in prose or nickname.lower() in prose or f"#{hashtag}" in prose
        found |= re.search(rf"(?<!\w){re.escape(short.lower())}(?!\w)", prose) is not None
        assert found or hashtag in tags.split("|"), (series, title, description, tags)


def test_no_two_series_share_a_name():
    names = [name.lower() for series in SERIES for name in SERIES_NAMES[series]]
    assert len(names) == len(set(names)) == 4 * len(SERIES)


def test_titles_of_a_full_catalogue_do_not_repeat():
    titles = write_text(sample_catalogue(480, seed=7), seed=7)["title"]
    assert titles.duplicated().sum() <= 2


def test_some_titles_are_in_the_script_of_their_language(text):
    assert 0.07 < (text["language"] != "en").mean() < 0.11
    for language, block in BLOCKS.items():
        titles = text.loc[text["language"] == language, "title"]
        assert len(titles) > 20
        for title in titles:
            assert any(unicodedata.name(letter, "").startswith(block) for letter in title), title
    assert set(text["language"]) == {"en", *(script.language for script in SCRIPTS)}


def test_tags_are_distinct_words_and_mostly_of_the_topic(catalogue, text):
    own = 0
    for topic, tags in zip(catalogue["topic"], text["tags"].str.split("|"), strict=True):
        assert len(tags) == len(set(tags)) and all(re.fullmatch(r"\w+", tag) for tag in tags), tags
        own += bool(set(tags) & set(topic_tags(topic)))
    assert 0.9 < own / len(text) < 0.99


def test_text_has_no_empty_or_untidy_field(text):
    for column in ("title", "description", "tags", "transcript"):
        assert (text[column].str.strip() == text[column]).all() and (text[column].str.len() > 2).all()
        assert not text[column].str.contains(r"\{|\}|  |nan|None", regex=True).any()


def test_every_topic_has_words_in_every_script():
    names = {topic.name for topic in TOPICS}
    assert set(WORDINGS) == names
    for script in SCRIPTS:
        assert set(script.nouns) == names and len(script.moods) == 9


def test_a_creator_keeps_its_handle():
    assert creator_handle("k00003") == creator_handle("k00003")
    assert len({creator_handle(f"k{i:05d}") for i in range(60)}) > 50


def test_an_unknown_topic_is_named(catalogue):
    with pytest.raises(ValueError, match=r"row 4: topic 'opera' is unknown"):
        write_text(catalogue.assign(topic=catalogue["topic"].where(catalogue.index != 4, "opera")), seed=1)
    with pytest.raises(ValueError, match="lacks series"):
        write_text(catalogue.drop(columns="series"), seed=1)


def test_a_hundred_thousand_clips_take_seconds():
    many = sample_catalogue(100_000, seed=1)
    assert len(write_text(many, seed=1)) == 100_000
