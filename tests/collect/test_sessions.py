"""Sessions and the funnel, against slow and plain counting."""

import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from avrec_lib.collect.sessions import funnel, sessionize

START = pd.Timestamp("2026-01-05", tz="UTC")


def events_of(rows):
    frame = pd.DataFrame(rows, columns=["user_id", "minute"])
    return frame.assign(time=START + pd.to_timedelta(frame["minute"].astype("int64"), unit="min"))


def test_a_silence_of_exactly_the_gap_does_not_cut_and_a_longer_one_does():
    events = events_of([("a", 0), ("a", 30), ("a", 61)])
    assert sessionize(events, "30min").tolist() == [0, 0, 1]


def test_people_are_kept_apart_and_rows_may_come_in_any_order():
    events = events_of([("b", 5), ("a", 100), ("b", 0), ("a", 1)]).set_index(pd.Index([9, 3, 5, 1]))
    numbers = sessionize(events)
    assert numbers.to_dict() == {9: 0, 3: 2, 5: 0, 1: 1}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 300)), max_size=40))
def test_sessions_equal_those_of_a_plain_loop(rows):
    events = events_of(rows)
    last: dict[str, tuple[int, int]] = {}
    begins = []
    plain = np.zeros(len(rows), dtype=int)
    for at in sorted(range(len(rows)), key=lambda row: rows[row][1]):
        user, minute = rows[at]
        if user not in last or minute - last[user][1] > 30:
            begins.append((minute, user))
            last[user] = (len(begins) - 1, minute)
        last[user] = (last[user][0], minute)
        plain[at] = last[user][0]
    rank = {begin: number for number, begin in enumerate(sorted(begins))}
    assert sessionize(events).tolist() == [rank[begins[number]] for number in plain]


def test_the_worlds_own_sessions_are_found_again_on_a_clean_log():
    rng = np.random.default_rng(0)
    session = np.repeat(np.arange(200), 10)
    minute = session // 5 * 600 + rng.integers(0, 25, len(session))
    events = events_of({"user_id": np.char.add("u", (session % 5).astype(str)), "minute": minute})
    assert pd.Series(session).groupby(sessionize(events)).nunique().eq(1).all()
    assert sessionize(events).nunique() == 200


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.drop(columns="time"), "events lacks time"),
        (lambda e: e.assign(time=pd.NaT), "row 0 has no time"),
        (lambda e: e.assign(user_id=None), "row 0 has no user_id"),
    ],
)
def test_what_cannot_be_cut_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        sessionize(change(events_of([("a", 0)])))


@pytest.mark.parametrize("gap", ["0s", "-1min"])
def test_a_gap_that_is_none_is_refused(gap):
    with pytest.raises(ValueError, match="gap must be positive"):
        sessionize(events_of([("a", 0)]), gap)


LOG = pd.DataFrame(
    [
        ("s1", "c1", "impression", None),
        ("s1", "c2", "impression", None),
        ("s1", "c3", "impression", None),
        ("s2", "c1", "impression", None),
        ("s1", "c1", "click", None),
        ("s1", "c1", "click", None),  # twice is once
        ("s1", "c2", "click", None),
        ("s9", "c1", "click", None),  # a robot's: there was no slate
        ("s1", "c1", "watch", 10.0),
        ("s1", "c2", "watch", 4.0),
        ("s9", "c1", "watch", 10.0),
        ("s1", "c1", "like", None),
        ("s1", "c3", "like", None),  # without a click
        ("s1", None, "search", None),
    ],
    columns=["session_id", "clip_id", "kind", "watch_seconds"],
)
CLIPS = pd.DataFrame({"clip_id": ["c1", "c2", "c3"], "duration_seconds": [10.0, 10.0, 10.0]})


def test_the_funnel_counts_showings_that_came_through_the_step_before():
    table = funnel(LOG, CLIPS).set_index("step")
    counts = {"impression": 4, "click": 2, "watch": 2, "half": 1, "finish": 1, "like": 1, "share": 0}
    assert table["count"].to_dict() == {**counts, "comment": 0, "rating": 0}
    assert (
        table.loc["click", "share"] == 0.5 and table.loc["half", "passed"] == 0.5 and table.loc["like", "of"] == "click"
    )
    assert np.isnan(table.loc["impression", "passed"])


@pytest.mark.parametrize(
    ("seconds", "half", "finish"), [(4.9, 0, 0), (5.0, 1, 0), (8.9, 1, 0), (9.1, 1, 1), (9_000.0, 0, 0), (-1.0, 0, 0)]
)
def test_finished_means_what_the_signals_mean_and_an_impossible_watch_reaches_nothing(seconds, half, finish):
    log = LOG[LOG["session_id"] == "s1"].assign(watch_seconds=np.nan)
    log.loc[(log["kind"] == "watch") & (log["clip_id"] == "c1"), "watch_seconds"] = seconds
    counts = funnel(log, CLIPS).set_index("step")["count"]
    assert counts[["watch", "half", "finish"]].tolist() == [2, half, finish]


def test_a_clip_that_comes_twice_is_named():
    with pytest.raises(ValueError, match="clips holds clip_id 'c2' twice"):
        funnel(LOG, pd.concat([CLIPS, CLIPS.iloc[1:2]]))


def test_without_lengths_there_is_no_half():
    assert "half" not in funnel(LOG)["step"].tolist()


def test_an_empty_log_has_an_empty_funnel():
    table = funnel(LOG.iloc[:0], CLIPS)
    assert (table["count"] == 0).all() and (table["share"] == 0).all()


def test_a_log_without_sessions_is_refused():
    with pytest.raises(ValueError, match="events lacks session_id"):
        funnel(LOG.drop(columns="session_id"))
