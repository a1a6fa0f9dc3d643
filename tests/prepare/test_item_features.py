import numpy as np
import pandas as pd
import pytest

from avrec_lib.prepare.item_features import item_features
from avrec_lib.prepare.vocabulary import Vocabulary

START = pd.Timestamp("2026-01-05", tz="UTC")
CLIPS = pd.DataFrame(
    {
        "clip_id": ["b", "a", "c"],
        "title": ["Night drive, again", "Two cats", "Later"],
        "description": ["words", None, "words"],
        "tags": ["neon|drive", None, "x"],
        "transcript": [None, "hm", None],
        "creator_id": ["k", "k", "k"],
        "release_time": [START - pd.Timedelta("1D"), START - pd.Timedelta("3D"), START + pd.Timedelta("9D")],
        "duration_seconds": [6.0, 5.0, 5.0],
    }
)
MOMENT = START + pd.Timedelta("5D")


def test_texts_are_counted_and_never_handed_on():
    table = item_features(CLIPS, MOMENT)
    assert table.index.tolist() == ["b", "a"]
    assert (table.dtypes == np.float32).all()
    assert table["age_days"].tolist() == [6.0, 8.0]
    assert table["title_words"].tolist() == [3.0, 2.0]
    assert table["tags"].tolist() == [2.0, 0.0]
    assert table[["has_description", "has_transcript"]].to_numpy().tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert table["creator_clips"].tolist() == [1.0, 0.0]


def test_reception_counts_what_its_names_say(small_log):
    events = small_log(
        [
            *[{"clip": "a", "kind": "impression", "seconds": float(i)} for i in range(4)],
            {"clip": "a", "kind": "click", "seconds": 5.0},
            {"clip": "a", "kind": "click", "seconds": 6.0, "user": "v"},
            {"clip": "a", "kind": "watch", "seconds": 7.0, "watch_seconds": 2.5},
            {"clip": "a", "kind": "like", "seconds": 8.0},
            {"clip": "c", "kind": "click", "seconds": 8.0},
            {"clip": "b", "kind": "click", "seconds": 5 * 86_400.0},
        ]
    )
    table = item_features(CLIPS, MOMENT, events=events, smoothing=2.0)
    assert table.loc["a", ["shown", "clicks", "people", "likes"]].tolist() == [4.0, 2.0, 2.0, 1.0]
    assert table.loc["a", "click_rate"] == pytest.approx((2 + 2 * 0.5) / 6)
    assert table.loc["a", "watch_fraction"] == 0.5
    assert table.loc["b", ["shown", "clicks"]].tolist() == [0.0, 0.0]
    assert table.loc["b", "click_rate"] == 0.5
    assert np.isnan(table.loc["b", "watch_fraction"])
    assert item_features(CLIPS, MOMENT, events=events, smoothing=0.0).loc["b", "click_rate"] == 0.5


def test_a_watch_longer_than_its_clip_counts_as_a_whole_one(small_log):
    watch = {"clip": "a", "kind": "watch"}
    events = small_log(
        [{**watch, "seconds": 7.0, "watch_seconds": 5.2}, {**watch, "seconds": 8.0, "watch_seconds": 2.0}]
    )
    assert item_features(CLIPS, MOMENT, events=events).loc["a", "watch_fraction"] == pytest.approx(0.7)


def test_nothing_at_the_moment_or_later_changes_a_feature(soiled):
    moment = soiled.clean["time"].quantile(0.5)
    clips = soiled.clips.assign(title="t", description=None, tags="x", transcript=None)
    past = soiled.clean[soiled.clean["time"] < moment]
    table = item_features(clips, moment, events=soiled.clean)
    assert table.equals(item_features(clips[clips["release_time"] < moment], moment, events=past))
    assert table["age_days"].min() > 0.0
    assert table["shown"].sum() == (past["kind"] == "impression").sum()


def test_a_clip_released_at_the_moment_itself_is_not_known(small_log):
    release = CLIPS.loc[CLIPS["clip_id"] == "b", "release_time"].iloc[0]
    assert item_features(CLIPS, release).index.tolist() == ["a"]
    events = small_log([{"clip": "b", "kind": "click", "seconds": -86_400.0}])
    assert item_features(CLIPS, release, events=events).index.tolist() == ["a"]
    assert item_features(CLIPS, release + pd.Timedelta("1us")).index.tolist() == ["b", "a"]


def test_encoders_add_their_columns():
    vocabulary = Vocabulary().fit(CLIPS["title"])
    table = item_features(CLIPS, MOMENT, encoders={"title": vocabulary.transform, "tags": lambda tags: tags.isna()})
    night = f"title_{vocabulary.words_.index('night')}"
    assert table[night].tolist() == [1.0, 0.0]
    assert table["tags_0"].tolist() == [0.0, 1.0]


def test_encoders_that_give_words_or_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="must give numbers"):
        item_features(CLIPS, MOMENT, encoders={"title": lambda titles: titles.to_numpy(dtype=object)})
    with pytest.raises(ValueError, match=r"shape \(2, d\)"):
        item_features(CLIPS, MOMENT, encoders={"title": lambda titles: np.zeros((3, 2))})
    with pytest.raises(ValueError, match="0 or more"):
        item_features(CLIPS, MOMENT, smoothing=-1.0)
