"""What behaviour says: measured on small logs whose answers are plain, and on the world."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from avrec_lib.collect.signal_worth import signal_table
from avrec_lib.collect.signals import graded_label, observed_negatives, search_intents, share_watched, watch_fraction
from avrec_lib.tables import check
from avrec_lib.world import load_world

START = pd.Timestamp("2026-01-05", tz="UTC")


def log(rows: list[dict]) -> pd.DataFrame:
    """Make events of the schema from short rows; `at` is in seconds."""
    full = pd.DataFrame(rows).reindex(
        columns=[
            "user_id",
            "clip_id",
            "kind",
            "at",
            "position",
            "watch_seconds",
            "propensity",
            "session_id",
            "value",
            "text",
        ]
    )
    full["time"] = (START + pd.to_timedelta(full.pop("at"), unit="s")).astype("datetime64[us, UTC]")
    full["session_id"] = full["session_id"].astype(object).where(full["session_id"].notna(), "s1")
    words = {name: "str" for name in ("user_id", "clip_id", "kind", "session_id", "text")}
    numbers = {name: "float64" for name in ("watch_seconds", "propensity", "value")}
    ordered = [
        "user_id",
        "clip_id",
        "kind",
        "time",
        "position",
        "watch_seconds",
        "propensity",
        "session_id",
        "value",
        "text",
    ]
    return check(full.astype(words | numbers | {"position": "Int8"})[ordered], "events")


def catalogue(**columns: list) -> pd.DataFrame:
    """Make clips a, b, c, d of ten seconds; `columns` replace some."""
    made = {
        "clip_id": ["a", "b", "c", "d"],
        "title": ["Night drive", "Salt", "Rain in the yard", "Bench"],
        "description": [None, "the sea at night", None, None],
        "tags": ["drive|night", "sea", "rain|fourOnTheFloor", None],
        "transcript": [None] * 4,
        "creator_id": ["k1", "k1", "k2", "k2"],
        "release_time": pd.to_datetime(["2025-12-01"] * 4, utc=True).astype("datetime64[us, UTC]"),
        "duration_seconds": [10.0] * 4,
        "path": ["a.mp4", "b.mp4", "c.mp4", "d.mp4"],
    } | columns
    words = {name: "str" for name in ("title", "description", "tags", "transcript")}
    return check(pd.DataFrame(made).astype(words), "clips")


def watch(user: str, clip: str, at: float, seconds: float, **more: object) -> dict:
    """Make one watch."""
    return {"user_id": user, "clip_id": clip, "kind": "watch", "at": at, "watch_seconds": seconds} | more


def test_watch_fraction_lies_in_0_1_and_distrusts_the_impossible():
    events = log(
        [
            watch("u", "a", 0, 5.0),
            watch("u", "a", 1, 10.3),
            watch("u", "a", 2, 11.0),
            watch("u", "a", 3, -1.0),
            watch("u", "zz", 4, 5.0),
            {"user_id": "u", "clip_id": "a", "kind": "click", "at": 5},
            watch("u", "a", 6, 0.0),
        ]
    )
    fraction = watch_fraction(events, catalogue())
    np.testing.assert_array_equal(fraction, [0.5, 1.0, np.nan, np.nan, np.nan, np.nan, 0.0])
    assert fraction.index.equals(events.index)


def test_the_plain_share_believes_everything_and_a_clip_that_comes_twice_is_named():
    events = log(
        [watch("u", "a", 0, 5.0), watch("u", "a", 1, 9_000.0), watch("u", "a", 2, -1.0), watch("u", "z", 3, 1)]
    )
    np.testing.assert_array_equal(share_watched(events, catalogue()), [0.5, 900.0, -0.1, np.nan])
    with pytest.raises(ValueError, match="clips holds clip_id 'a' twice"):
        share_watched(events, pd.concat([catalogue(), catalogue().iloc[:1]]))


def test_grades_begin_at_their_cuts():
    grades = graded_label(pd.Series([0.0, 0.0999, 0.1, 0.5, 0.9, 1.0, np.nan], index=range(5, 12)))
    assert grades.tolist()[:6] == [0, 0, 1, 2, 3, 3]
    assert pd.isna(grades.loc[11]) and str(grades.dtype) == "Int8"
    with pytest.raises(ValueError, match="cuts must rise"):
        graded_label(pd.Series([0.5]), cuts=(0.5, 0.5))


def test_a_search_is_joined_to_the_plays_that_follow_it_and_to_no_others():
    events = log(
        [
            watch("u", "b", 0, 5.0),
            {"user_id": "u", "kind": "search", "at": 10, "text": "NIGHT"},
            watch("u", "a", 20, 10.0),
            watch("v", "a", 21, 10.0),
            watch("u", "b", 22, 2.0),
            watch("u", "d", 23, 3.0),
            watch("u", "c", 24, 3.0, session_id="s2"),
            watch("u", "c", 4000, 3.0),
            {"user_id": "w", "kind": "search", "at": 30, "text": "four floor"},
            {"user_id": "u", "kind": "search", "at": 5000, "text": "anything"},
            watch("w", "c", 31, 4.0),
        ]
    )
    found = search_intents(events, catalogue())
    assert found[["text", "clip_id", "delay_seconds", "watch_fraction", "fits"]].astype(object).fillna(
        "-"
    ).to_numpy().tolist() == [
        ["NIGHT", "a", 10.0, 1.0, True],
        ["NIGHT", "b", 12.0, 0.2, True],
        ["NIGHT", "d", 13.0, 0.3, False],
        ["four floor", "c", 1.0, 0.4, True],
        ["anything", "-", "-", "-", False],
    ]


def test_a_play_after_two_searches_belongs_to_the_last():
    events = log(
        [
            {"user_id": "u", "kind": "search", "at": 1, "text": "sea"},
            {"user_id": "u", "kind": "search", "at": 2, "text": "night"},
            watch("u", "b", 3, 5.0),
        ]
    )
    found = search_intents(events, catalogue())
    assert found.loc[found["clip_id"] == "b", "text"].tolist() == ["night"]


def planted(strength: float, seed: int = 0) -> pd.DataFrame:
    """Let 400 people take clip a, like it half of the time, and then watch b (same creator) more if they did."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(400):
        user, likes = f"u{person}", rng.random() < 0.5
        rows += [{"user_id": user, "clip_id": "a", "kind": "click", "at": 0}, watch(user, "a", 3, 4.0)]
        if likes:
            rows.append({"user_id": user, "clip_id": "a", "kind": "like", "at": 9})
        half = rng.random() < 0.5 + (strength if likes else -strength)
        rows += [watch(user, "b", 100, 8.0 if half else 1.0), watch(user, "c", 50, 9.0)]
    return log(rows)


def test_a_planted_signal_is_worth_what_was_planted():
    table = signal_table(planted(0.3), catalogue(), by="creator", seed=1).set_index("signal")
    like = table.loc["like"]
    assert like["meetings"] == 400
    assert like["delay_seconds"] == 9.0
    assert abs(like["after"] - 0.8) < 0.06 and abs(like["otherwise"] - 0.2) < 0.06
    assert like["lift"] == pytest.approx(like["after"] / like["otherwise"])
    assert like["lift_low"] < 4.0 < like["lift_high"]
    assert abs(like["auc"] - 0.8) < 0.04 and like["auc_low"] > 0.7
    assert 0.4 < like["people"] < 0.6
    assert np.isnan(table.loc["share", "after"]) and np.isnan(table.loc["share", "lift"])


def test_a_signal_that_says_nothing_shows_nothing():
    like = signal_table(planted(0.0), catalogue(), by="creator").set_index("signal").loc["like"]
    assert like["auc_low"] < 0.5 < like["auc_high"]
    assert like["lift_low"] < 1.0 < like["lift_high"]


def test_the_auc_equals_scikit_learn_on_the_same_pairs():
    events = planted(0.2, seed=3)
    like = signal_table(events, catalogue(), by="creator").set_index("signal").loc["like"]
    liked = set(events.loc[events["kind"] == "like", "user_id"])
    after = events[events["clip_id"] == "b"]
    expected = roc_auc_score(after["watch_seconds"] >= 5.0, after["user_id"].isin(liked))
    assert like["auc"] == pytest.approx(expected)


def test_what_came_before_a_signal_does_not_count_for_it():
    # The only other clip of the creator was watched before the like, so nothing can be said.
    rows = []
    for person in range(50):
        user = f"u{person}"
        rows += [watch(user, "b", 0, 9.0), {"user_id": user, "clip_id": "a", "kind": "click", "at": 10}]
        rows += [watch(user, "a", 12, 9.0), {"user_id": user, "clip_id": "a", "kind": "like", "at": 20}]
    table = signal_table(log(rows), catalogue(), by="creator").set_index("signal")
    assert np.isnan(table.loc["like", "after"])
    assert table.loc["half", "after"] == 1.0, "b was followed by a"


def test_a_generous_person_is_told_from_a_telling_signal():
    # Half of the people like all and watch all, the others nothing: the like says who, not what.
    rows = []
    for person in range(60):
        user, generous = f"u{person}", person % 2 == 0
        for step, clip in enumerate("abab"[:2] + "cd"):
            rows += [
                {"user_id": user, "clip_id": clip, "kind": "click", "at": 100 * step},
                watch(user, clip, 100 * step + 5, 9.0 if generous else 1.0),
            ]
            if generous:
                rows.append({"user_id": user, "clip_id": clip, "kind": "like", "at": 100 * step + 6})
    like = signal_table(log(rows), catalogue(), by="creator").set_index("signal").loc["like"]
    assert like["auc"] == 1.0
    assert like["surplus"] == 0.0


def test_the_same_seed_gives_the_same_table_and_another_another_interval():
    events = planted(0.1)
    one, two = (signal_table(events, catalogue(), by="creator", seed=4, repeats=50) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    other = signal_table(events, catalogue(), by="creator", seed=5, repeats=50)
    assert other["lift"].equals(one["lift"]) and not other["lift_low"].equals(one["lift_low"])


def test_an_unknown_relation_is_refused():
    with pytest.raises(ValueError, match="by is 'creator' or 'tags', got 'mood'"):
        signal_table(planted(0.1), catalogue(), by="mood")


def test_a_log_without_the_columns_is_refused_by_name():
    with pytest.raises(ValueError, match="events lacks watch_seconds"):
        watch_fraction(planted(0.1).drop(columns="watch_seconds"), catalogue())


def test_negatives_are_what_was_shown_and_not_clicked_and_passed_if_above_a_click():
    shown = [
        {"user_id": "u", "clip_id": clip, "kind": "impression", "at": 0, "position": place, "propensity": 0.5}
        for place, clip in enumerate("abcd", start=1)
    ]
    again = [row | {"at": 60, "clip_id": clip} for row, clip in zip(shown, "abxy", strict=True)]
    click = {"user_id": "u", "clip_id": "c", "kind": "click", "at": 5, "position": 3}
    others = {"user_id": "v", "clip_id": "a", "kind": "click", "at": 5}
    negatives = observed_negatives(log([*shown, *again, click, others]))
    assert negatives["clip_id"].tolist() == ["a", "b", "d", "a", "b", "x", "y"]
    assert negatives["examined"].tolist() == [True, True, False, False, False, False, False]


def test_examination_falls_with_position_in_the_world():
    world = load_world("smoke", seed=7)
    negatives = observed_negatives(world.events)
    rate = negatives.groupby("position")["examination"].first()
    assert rate.loc[1] == 1.0
    assert rate.loc[8:].mean() < 0.6 * rate.loc[:3].mean()
    shown = (world.events["kind"] == "impression").sum()
    assert 0.6 * shown < len(negatives) < shown


def test_an_empty_log_gives_empty_tables():
    nothing = planted(0.0).iloc[:0]
    assert watch_fraction(nothing, catalogue()).empty
    assert search_intents(nothing, catalogue()).empty
    assert observed_negatives(nothing).empty
    table = signal_table(nothing, catalogue())
    assert (table["count"] == 0).all() and table["lift"].isna().all()


def test_the_world_answers_for_every_signal():
    world = load_world("smoke", seed=7)
    table = signal_table(world.events, world.clips, repeats=50).set_index("signal")
    assert (table["count"] > 0).all() and table["auc"].between(0.0, 1.0).all()
    assert (table["lift_low"] <= table["lift"]).all() and (table["lift"] <= table["lift_high"]).all()
    assert table.loc["comment", "delay_seconds"] > table.loc["like", "delay_seconds"]
