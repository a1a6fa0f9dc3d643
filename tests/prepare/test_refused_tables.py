"""Every step names the column or the clip that makes a table unfit, instead of failing somewhere inside."""

import pandas as pd
import pytest

from avrec_lib.prepare.clocks import arrival_waits, estimate_clock_errors, repair_clocks, sort_by_time
from avrec_lib.prepare.event_cleaning import clean_events
from avrec_lib.prepare.impossible import remove_impossible
from avrec_lib.prepare.item_features import item_features
from avrec_lib.prepare.repeats import remove_repeats
from avrec_lib.prepare.robots import find_robots, remove_robots
from avrec_lib.prepare.splits import interactions_from
from avrec_lib.prepare.user_features import user_features

MOMENT = pd.Timestamp("2026-02-01", tz="UTC")

OF_EVENTS = {
    "repeats": (lambda log, of: remove_repeats(log), "session_id"),
    "robots": (lambda log, of: find_robots(log), "session_id"),
    "robots named": (lambda log, of: remove_robots(log, of.users, of.users.assign(reasons="x").head(1)), "user_id"),
    "clock errors": (lambda log, of: estimate_clock_errors(log), "position"),
    "clocks": (lambda log, of: repair_clocks(log), "kind"),
    "waits": (lambda log, of: arrival_waits(log), "time"),
    "order": (lambda log, of: sort_by_time(log), "position"),
    "impossible": (lambda log, of: remove_impossible(log, of.clips, of.users), "watch_seconds"),
    "chain": (lambda log, of: clean_events(log, of.clips, of.users), "text"),
    "people": (lambda log, of: user_features(log, of.clips, MOMENT), "value"),
    "clips": (lambda log, of: item_features(texts(of.clips), MOMENT, events=log), "user_id"),
    "interactions": (lambda log, of: interactions_from(log, of.clips), "watch_seconds"),
}


def texts(clips):
    return clips.assign(title="t", description=None, tags="x", transcript=None)


@pytest.mark.parametrize("step", OF_EVENTS)
def test_a_column_that_the_log_lacks_is_named(soiled, step):
    run, column = OF_EVENTS[step]
    with pytest.raises(ValueError, match=f"events lacks {column}"):
        run(soiled.events.drop(columns=column), soiled)


OF_CLIPS = {
    "impossible": (lambda clips, of: remove_impossible(of.events, clips, of.users), "release_time"),
    "chain": (lambda clips, of: clean_events(of.events, clips, of.users), "duration_seconds"),
    "people": (lambda clips, of: user_features(of.events, clips, MOMENT), "duration_seconds"),
    "clips": (lambda clips, of: item_features(texts(clips), MOMENT), "creator_id"),
    "interactions": (lambda clips, of: interactions_from(of.events, clips), "duration_seconds"),
}


@pytest.mark.parametrize("step", OF_CLIPS)
def test_a_clip_that_is_listed_twice_and_an_absent_column_are_named(soiled, step):
    run, column = OF_CLIPS[step]
    with pytest.raises(ValueError, match=f"clips lacks {column}"):
        run(soiled.clips.drop(columns=column), soiled)
    twice = soiled.clips["clip_id"].iloc[2]
    with pytest.raises(ValueError, match=f"clips holds clip_id '{twice}' twice"):
        run(pd.concat([soiled.clips, soiled.clips.iloc[[2]]], ignore_index=True), soiled)


def test_a_person_who_is_listed_twice_is_named(soiled):
    users = pd.concat([soiled.users, soiled.users.iloc[[1]]], ignore_index=True)
    for run in (
        lambda: remove_impossible(soiled.events, soiled.clips, users),
        lambda: user_features(soiled.events, soiled.clips, MOMENT, users=users),
    ):
        with pytest.raises(ValueError, match=f"users holds user_id '{users['user_id'].iloc[1]}' twice"):
            run()


def test_a_row_without_a_time_is_named(soiled):
    log = soiled.events.head(100).copy()
    log.loc[log.index[40], "time"] = pd.NaT
    for run in (remove_repeats, arrival_waits, sort_by_time):
        with pytest.raises(ValueError, match=f"row {log.index[40]} has no time"):
            run(log)
