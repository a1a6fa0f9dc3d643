import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.prepare.splits import LeakError, interactions_from, refuse_columns, refuse_later, temporal_split
from avrec_lib.tables import check

START = pd.Timestamp("2026-01-05", tz="UTC")


def log(rows):
    """Rows of (user, clip, kind, day, watch_seconds, rating)."""
    frame = pd.DataFrame(rows, columns=["user_id", "clip_id", "kind", "day", "watch_seconds", "value"])
    frame["time"] = (START + pd.to_timedelta(frame.pop("day"), unit="D")).astype("datetime64[us, UTC]")
    frame["position"] = pd.Series(pd.NA, index=frame.index, dtype="Int8")
    frame["propensity"], frame["session_id"], frame["text"] = np.nan, "s", None
    frame["text"] = frame["text"].astype("str")
    return frame.astype({"watch_seconds": "float64", "value": "float64", "clip_id": "str"})


CLIPS = pd.DataFrame({"clip_id": ["c1", "c2"], "duration_seconds": [6.0, 5.0]})
NOTHING = np.nan


@settings(max_examples=60, deadline=None)
@given(days=st.lists(st.floats(0, 42), min_size=3, max_size=30), cuts=st.tuples(st.floats(1, 41), st.floats(1, 41)))
def test_parts_hold_every_row_once_and_never_a_later_one_before_an_earlier_one(days, cuts):
    days = [0.0, *days, 42.0]
    events = pd.DataFrame({"time": START + pd.to_timedelta(days, unit="D"), "number": range(len(days))})
    early, late = (START + pd.Timedelta(days=day) for day in sorted(cuts))
    try:
        split = temporal_split(events, validation_from=early, test_from=late)
    except ValueError as error:
        assert "empty" in str(error) or "must be before" in str(error)
        return
    assert split.train["time"].max() < early <= split.validation["time"].min()
    assert split.validation["time"].max() < late <= split.test["time"].min()
    whole = pd.concat([split.train, split.validation, split.test])
    assert sorted(whole.index) == list(events.index)
    assert len(split.before_test) == len(split.train) + len(split.validation)


def test_a_row_at_the_very_moment_belongs_to_the_later_part():
    events = log([("u", "c1", "click", day, NOTHING, NOTHING) for day in (0, 1, 2)])
    split = temporal_split(events, validation_from=START + pd.Timedelta(days=1), test_from=START + pd.Timedelta(days=2))
    assert [len(split.train), len(split.validation), len(split.test)] == [1, 1, 1]


def test_moments_out_of_order_empty_parts_and_missing_times_are_refused():
    events = log([("u", "c1", "click", day, NOTHING, NOTHING) for day in (0, 1, 2)])
    one, two, nine = (START + pd.Timedelta(days=d) for d in (1, 2, 9))
    with pytest.raises(ValueError, match="must be before"):
        temporal_split(events, validation_from=two, test_from=one)
    with pytest.raises(ValueError, match="test part is empty"):
        temporal_split(events, validation_from=one, test_from=nine)
    events.loc[1, "time"] = pd.NaT
    with pytest.raises(ValueError, match="row 1 has no time"):
        temporal_split(events, validation_from=one, test_from=two)


def test_a_later_row_among_the_past_is_a_leak_and_is_named():
    events = log([("u", "c1", "click", day, NOTHING, NOTHING) for day in (0, 5)])
    moment = START + pd.Timedelta(days=5)
    with pytest.raises(LeakError, match=r"profiles.*1 of 2.*row 1"):
        refuse_later(events, moment, what="profiles")
    assert refuse_later(events.iloc[:1], moment) is not None


def test_value_is_watched_share_plus_actions_plus_rating():
    events = log(
        [
            ("u", "c1", "impression", 0, NOTHING, NOTHING),
            ("u", "c1", "click", 0, NOTHING, NOTHING),
            ("u", "c1", "watch", 0, 3.0, NOTHING),
            ("u", "c1", "watch", 1, 1.5, NOTHING),
            ("u", "c1", "like", 2, NOTHING, NOTHING),
            ("u", "c1", "rating", 3, NOTHING, 5.0),
            ("v", "c1", "click", 1, NOTHING, NOTHING),
            ("v", "c1", "rating", 1, NOTHING, 1.0),
            ("w", "c2", "impression", 1, NOTHING, NOTHING),
            ("w", None, "search", 1, NOTHING, NOTHING),
        ]
    )
    table, repaired = interactions_from(events, CLIPS)
    check(table, "interactions")
    assert table.set_index(["user_id", "item_id"])["value"].to_dict() == pytest.approx(
        {("u", "c1"): 0.5 + 0.1 + 1.0 + 1.0, ("v", "c1"): 0.0}
    )
    assert table["time"].tolist() == [START + pd.Timedelta(days=1), START + pd.Timedelta(days=3)]
    assert repaired.sum() == 0


def test_impossible_and_repeated_events_are_repaired_and_counted():
    watch = ("u", "c1", "watch", 0, 3.0, NOTHING)
    events = log(
        [
            watch,
            watch,
            ("v", "c1", "watch", 0, 600.0, NOTHING),
            ("w", "c1", "watch", 0, -4.0, NOTHING),
            ("x", "c1", "watch", 0, NOTHING, NOTHING),
            ("y", "c9", "watch", 0, 3.0, NOTHING),
            ("z", "c1", "watch", 0, 6.1, NOTHING),
        ]
    )
    table, repaired = interactions_from(events, CLIPS)
    assert table.set_index("user_id")["value"].to_dict() == {"u": 0.5, "v": 1.0, "z": 1.0}
    assert repaired.to_dict() == {
        "repeated event, removed": 1,
        "unknown clip, removed": 1,
        "watch time missing or negative, removed": 2,
        "watch time longer than the clip, cut": 1,
    }


def test_order_of_events_changes_nothing():
    rng = np.random.default_rng(0)
    kinds = rng.choice(["click", "watch", "like", "rating", "impression"], 200)
    events = log(
        [
            (
                f"u{rng.integers(8)}",
                f"c{rng.integers(1, 3)}",
                kind,
                rng.uniform(0, 40),
                rng.uniform(0, 7) if kind == "watch" else NOTHING,
                float(rng.integers(1, 6)) if kind == "rating" else NOTHING,
            )
            for kind in kinds
        ]
    )
    first, second = (interactions_from(e, CLIPS) for e in (events, events.sample(frac=1.0, random_state=1)))
    pd.testing.assert_frame_equal(first.table, second.table)
    assert not first.table.duplicated(["user_id", "item_id"]).any()


def test_what_is_missing_from_the_tables_is_named():
    events = log([("u", "c1", "watch", 0, 3.0, NOTHING)])
    with pytest.raises(ValueError, match="watch_seconds"):
        interactions_from(events.drop(columns="watch_seconds"), CLIPS)
    with pytest.raises(ValueError, match="c2"):
        interactions_from(events, CLIPS.assign(duration_seconds=[6.0, 0.0]))


def test_nothing_taken_gives_an_empty_table_of_the_right_kind():
    events = log([("u", "c1", "impression", 0, NOTHING, NOTHING)])
    assert interactions_from(events, CLIPS).table.empty


def test_columns_that_the_target_fills_are_refused_by_name():
    assert refuse_columns(["plays", "age"], made_after=["like_count"]) == ["plays", "age"]
    with pytest.raises(LeakError, match="like_count is written when"):
        refuse_columns(["plays", "like_count"], made_after=["liked", "like_count"])
