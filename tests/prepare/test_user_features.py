import numpy as np
import pandas as pd
import pytest

from avrec_lib.prepare.user_features import known_before, user_features

START = pd.Timestamp("2026-01-05", tz="UTC")
CLIPS = pd.DataFrame({"clip_id": ["a", "b"], "duration_seconds": [6.0, 5.0]})
DAY = 86_400.0


def history(small_log):
    shown = [{"clip": clip, "kind": "impression", "seconds": 0.0} for clip in ("a", "b", "a", "b")]
    return small_log(
        [
            *shown,
            {"clip": "a", "kind": "click", "seconds": 1.0},
            {"clip": "a", "kind": "watch", "seconds": 4.0, "watch_seconds": 3.0},
            {"clip": "a", "kind": "like", "seconds": 5.0},
            {"clip": "b", "kind": "click", "seconds": 7 * DAY, "session": "t"},
            {"clip": "b", "kind": "watch", "seconds": 7 * DAY, "session": "t", "watch_seconds": 9.0},
            {"clip": "a", "kind": "watch", "seconds": 7 * DAY, "session": "t", "watch_seconds": 6.0},
            {"clip": "a", "kind": "rating", "seconds": 7 * DAY, "session": "t", "value": 4.0},
            {"user": "v", "clip": None, "kind": "search", "seconds": 10.0, "session": "w", "text": "ocean"},
            {"clip": "a", "kind": "like", "seconds": 14 * DAY},
        ]
    )


def test_each_column_counts_what_its_name_says(small_log):
    table = user_features(history(small_log), CLIPS, START + pd.Timedelta("14D"))
    assert table.index.tolist() == ["u", "v"]
    assert (table.dtypes == np.float32).all()
    one = table.loc["u"]
    expected = {
        "n_impression": 4,
        "n_click": 2,
        "n_watch": 3,
        "n_like": 1,
        "n_share": 0,
        "sessions": 2,
        "active_days": 2,
        "clips": 2,
        "click_rate": 0.5,
        "like_rate": 0.5,
        "watch_fraction": (0.5 + 1.0 + 1.0) / 3.0,
        "mean_rating": 4.0,
        "days_since_first": 14.0,
        "days_since_last": 7.0,
        "recent_clicks": 0.75,
        "replays": 1,
    }
    assert one[list(expected)].to_dict() == pytest.approx(expected, abs=1e-4)
    assert np.isnan(table.loc["v", "click_rate"])
    assert table.loc["v", ["n_search", "clips", "recent_clicks"]].tolist() == [1.0, 0.0, 0.0]


def test_nothing_at_the_moment_or_later_changes_a_feature(soiled):
    moment = soiled.clean["time"].quantile(0.5)
    past = soiled.clean[soiled.clean["time"] < moment]
    assert user_features(soiled.clean, soiled.clips, moment).equals(user_features(past, soiled.clips, moment))
    # A row at the very moment is not before it.
    at = past.iloc[-1:].assign(time=moment)
    assert len(known_before(at, moment)) == 0


def test_people_without_events_have_a_row_if_asked_for_and_the_unborn_have_none(small_log):
    users = pd.DataFrame({"user_id": ["u", "new", "later"], "joined": [START, START, START + pd.Timedelta("20D")]})
    table = user_features(history(small_log), CLIPS, START + pd.Timedelta("14D"), users=users)
    assert table.index.tolist() == ["new", "u", "v"]
    assert table.loc["new", ["n_click", "sessions", "recent_clicks"]].tolist() == [0.0, 0.0, 0.0]
    assert table.loc["new", "days_since_joined"] == 14.0
    assert np.isnan(table.loc["new", "click_rate"])


def test_an_empty_past_gives_an_empty_table(soiled):
    table = user_features(soiled.clean, soiled.clips, START - pd.Timedelta("900D"))
    assert len(table) == 0
    assert "recent_clicks" in table


def test_what_has_not_arrived_is_not_known(small_log):
    events = history(small_log)
    arrived = events["time"].copy()
    arrived.iloc[0] += pd.Timedelta("30D")
    assert len(known_before(events, START + pd.Timedelta("1D"), arrived=arrived)) == 7
    assert len(known_before(events, START + pd.Timedelta("1D"))) == 8
    with pytest.raises(ValueError, match="row 0 has no time of arrival"):
        known_before(events, START, arrived=arrived.iloc[1:])


def test_a_half_life_of_nothing_is_refused(small_log):
    with pytest.raises(ValueError, match="above zero"):
        user_features(history(small_log), CLIPS, START, half_life="0D")
