"""Planted dirt of events and people: all of it is on record, and can be taken back."""

import numpy as np
import pandas as pd
import pytest

from avrec_lib import tables
from avrec_lib.world.behaviour import simulate_log
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.dirt_events import EVENT_DIRT, plant_event_dirt, undo_event_dirt
from avrec_lib.world.dirt_media import read_detail
from avrec_lib.world.people import People, days_since_start, sample_people

Soiled = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def people() -> People:
    return sample_people(400, seed=7)


@pytest.fixture(scope="module")
def clean(people: People) -> pd.DataFrame:
    return simulate_log(people, sample_catalogue(240, seed=7), seed=7)


@pytest.fixture(scope="module")
def soiled(clean: pd.DataFrame, people: People) -> Soiled:
    return plant_event_dirt(clean, people.users, seed=7)


def planted(dirt: pd.DataFrame, kind: str, name: str) -> tuple[np.ndarray, list[str]]:
    rows = dirt[dirt["kind"] == kind]
    ids = rows["id"].to_numpy(dtype=object)
    table = rows["table"].unique().tolist()
    assert len(table) == 1
    return (ids.astype(int) if table == ["events"] else ids), [read_detail(text)[name] for text in rows["detail"]]


def test_what_was_planted_can_be_taken_back_exactly(soiled: Soiled, clean: pd.DataFrame, people: People) -> None:
    events, users = undo_event_dirt(*soiled)
    pd.testing.assert_frame_equal(events, clean)
    pd.testing.assert_frame_equal(users, people.users)


@pytest.mark.parametrize("kind", [kind for kind in EVENT_DIRT if kind not in ("late", "out-of-order")])
def test_no_kind_of_dirt_is_missing_from_the_record(soiled: Soiled, clean: pd.DataFrame, kind: str) -> None:
    # Without its rows in the record, the clean log cannot be had: the record is what undoes it.
    events, users, dirt = soiled
    forgotten, _ = undo_event_dirt(events, users, dirt[dirt["kind"] != kind])
    assert not forgotten.equals(clean)


def test_dirty_tables_still_follow_their_schemas(soiled: Soiled) -> None:
    events, users, dirt = soiled
    tables.check(events, "events")
    tables.check(users, "users")
    assert list(dirt.columns) == ["kind", "table", "id", "detail"]
    assert set(dirt["kind"]) == set(EVENT_DIRT)
    assert dirt.map(lambda cell: isinstance(cell, str)).all(axis=None)
    assert not dirt.duplicated(["kind", "table", "id"]).any()


def test_shares_are_as_asked(soiled: Soiled, clean: pd.DataFrame) -> None:
    count = soiled[2]["kind"].value_counts()
    assert count["duplicate"] / len(clean) == pytest.approx(0.01, abs=0.001)
    assert 0.004 < count["late"] / len(clean) <= 0.0051
    assert 0.005 < count["out-of-order"] / len(clean) <= 0.0101
    assert count["impossible-watch"] / (clean["kind"] == "watch").sum() == pytest.approx(0.02, abs=0.002)
    assert 5 <= count["clock-skew"] <= 8
    assert count["bot"] == 4


def test_a_duplicate_is_equal_to_its_original_and_comes_after_it(soiled: Soiled) -> None:
    events, _, dirt = soiled
    copies, originals = planted(dirt, "duplicate", "of")
    first = np.array(originals, dtype=int)
    assert (copies > first).all()
    pd.testing.assert_frame_equal(events.iloc[copies].reset_index(drop=True), events.iloc[first].reset_index(drop=True))
    # Nothing else in the log is there twice.
    assert set(np.flatnonzero(events.duplicated())) == set(copies.tolist())


def test_late_rows_stand_behind_later_ones_and_others_do_not(soiled: Soiled) -> None:
    events, _, dirt = soiled
    late, waits = planted(dirt, "late", "seconds")
    assert min(map(float, waits)) >= 6 * 3600
    jostled, short = planted(dirt, "out-of-order", "seconds")
    assert 30 <= min(map(float, short)) <= max(map(float, short)) <= 600
    people, shifts = planted(dirt, "clock-skew", "seconds")
    shift = events["user_id"].map(dict(zip(people.tolist(), map(int, shifts), strict=True))).fillna(0).to_numpy()
    happened = events["time"].astype("int64") - np.where(events["kind"] == "impression", 0, shift * 1_000_000)
    behind = set(np.flatnonzero(happened < np.maximum.accumulate(happened)).tolist())
    copies = set(planted(dirt, "duplicate", "of")[0].tolist())
    assert behind - copies == set(late.tolist()) | set(jostled.tolist())


def test_impossible_watches_are_impossible_and_all_others_are_not(soiled: Soiled) -> None:
    events, _, dirt = soiled
    rows, was = planted(dirt, "impossible-watch", "was")
    seconds = events["watch_seconds"].to_numpy()
    assert ((seconds[rows] < 0) | (seconds[rows] > 21)).all()
    assert (seconds[rows] < 0).any()
    assert (seconds[rows] > 21).any()
    rest = np.setdiff1d(np.flatnonzero(events["kind"] == "watch"), rows)
    # Copies of spoilt rows are spoilt too.
    rest = np.setdiff1d(rest, planted(dirt, "duplicate", "of")[0])
    assert ((seconds[rest] >= 0) & (seconds[rest] <= 7)).all()
    assert all(0 <= float(value) <= 7 for value in was)


def test_wrong_clocks_shift_what_the_device_stamps_and_nothing_else(soiled: Soiled, clean: pd.DataFrame) -> None:
    events, _, dirt = soiled
    people, shifts = planted(dirt, "clock-skew", "seconds")
    key = ["user_id", "session_id", "clip_id", "kind"]
    dirty = events.drop_duplicates([*key, "time"]).set_index(key)["time"]
    right = clean.set_index(key)["time"]
    for person, shift in zip(people.tolist(), shifts, strict=True):
        gap = (dirty.loc[person] - right.loc[person].reindex(dirty.loc[person].index)).dt.total_seconds()
        server = gap.index.get_level_values("kind") == "impression"
        assert (gap[server] == 0).all()
        assert (gap[~server] == int(shift)).all()
        assert abs(int(shift)) >= 600


def test_bots_click_hundreds_of_times_at_constant_intervals_and_people_never(soiled: Soiled) -> None:
    events, users, dirt = soiled
    bots, intervals = planted(dirt, "bot", "interval")
    assert set(bots) <= set(users["user_id"])
    clicks = events[events["kind"] == "click"]
    joined = users.set_index("user_id")["joined"]
    for bot, interval in zip(bots.tolist(), intervals, strict=True):
        times = clicks.loc[clicks["user_id"] == bot, "time"]
        gaps = times.diff().dt.total_seconds().dropna()
        assert len(times) >= 150
        np.testing.assert_allclose(gaps, float(interval), atol=0.011)
        assert times.min() > joined[bot]
    human = clicks[~clicks["user_id"].isin(bots)]
    assert human.groupby(["user_id", human["time"].dt.date]).size().max() < 150


def test_bots_click_only_clips_that_were_out(soiled: Soiled) -> None:
    events, _, dirt = soiled
    release = sample_catalogue(240, seed=7).set_index("clip_id")["release_day"]
    of_bots = events[events["user_id"].isin(planted(dirt, "bot", "interval")[0])]
    assert (days_since_start(of_bots["time"]) > release[of_bots["clip_id"]].to_numpy()).all()


def test_same_seed_plants_the_same_dirt_and_leaves_the_clean_tables_alone(clean: pd.DataFrame, people: People) -> None:
    events, users = clean.copy(deep=True), people.users.copy(deep=True)
    first, again, other = (plant_event_dirt(clean, people.users, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(clean, events)
    pd.testing.assert_frame_equal(people.users, users)
    for one, two in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one, two)
    assert not first[2].equals(other[2])


def test_no_dirt_is_planted_where_none_is_asked_for(clean: pd.DataFrame, people: People) -> None:
    none = dict.fromkeys(("duplicates", "late", "out_of_order", "impossible", "skewed", "bots"), 0.0)
    events, users, dirt = plant_event_dirt(clean, people.users, seed=1, **none)
    pd.testing.assert_frame_equal(events, clean)
    pd.testing.assert_frame_equal(users, people.users)
    assert len(dirt) == 0
    undone, _ = undo_event_dirt(events, users, dirt)
    pd.testing.assert_frame_equal(undone, clean)


def test_shares_that_cannot_be_are_refused(clean: pd.DataFrame, people: People) -> None:
    with pytest.raises(ValueError, match="late is a share"):
        plant_event_dirt(clean, people.users, seed=1, late=-0.1)
    with pytest.raises(ValueError, match="sum to"):
        plant_event_dirt(clean, people.users, seed=1, late=0.6, duplicates=0.6)
