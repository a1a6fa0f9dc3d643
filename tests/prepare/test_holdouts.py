import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.prepare.holdouts import (
    cold_clips,
    cold_people,
    first_rows,
    future_share,
    leave_last_out,
    random_split,
    user_split,
)
from avrec_lib.prepare.splits import LeakError, temporal_split

START = pd.Timestamp("2026-01-05", tz="UTC")


def day(number):
    return START + pd.Timedelta(days=number)


def table(n=2_000, people=60, clips=40, seed=0):
    rng = np.random.default_rng(seed)
    days = np.sort(rng.uniform(0.0, 40.0, n))
    return pd.DataFrame(
        {
            # People and clips come one after the other, as on a platform.
            "user_id": [f"u{int(rng.integers(5 + at / 40 * (people - 5)))}" for at in days],
            "item_id": [f"c{int(rng.integers(5 + at / 40 * (clips - 5)))}" for at in days],
            "time": (START + pd.to_timedelta(days, unit="D")).as_unit("us"),
            "value": rng.random(n),
        },
        index=rng.permutation(n) + 1000,
    )


def whole(parts):
    return sorted([*parts.train.index, *parts.validation.index, *parts.test.index])


@pytest.mark.parametrize("split", [random_split, user_split])
def test_every_row_is_in_one_part_and_the_seed_decides_which(split):
    rows = table()
    parts = split(rows, validation=0.2, test=0.3, seed=4)
    assert whole(parts) == sorted(rows.index)
    assert parts.test.equals(rows.loc[parts.test.index])
    again, other = split(rows, validation=0.2, test=0.3, seed=4), split(rows, validation=0.2, test=0.3, seed=5)
    assert parts.test.equals(again.test)
    assert not parts.test.index.equals(other.test.index)
    assert len(parts.before_test) == len(parts.train) + len(parts.validation)


def test_shares_are_kept():
    parts = random_split(table(), validation=0.2, test=0.3)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (1000, 400, 600)
    held = user_split(table(), validation=0.2, test=0.3)
    assert held.test["user_id"].nunique() == round(0.3 * table()["user_id"].nunique())


def test_a_random_split_refuses_copies_of_one_row():
    rows = table()
    twice = pd.concat([rows, rows.iloc[:1].set_axis([5])])
    with pytest.raises(LeakError, match=r"repeat an earlier row: 1 \(2 rows with those"):
        random_split(twice)
    with pytest.raises(LeakError, match="rows that repeat an earlier row"):
        random_split(rows, key=["user_id", "item_id"])
    assert random_split(rows, key=["user_id", "item_id", "time"]) is not None


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), column=st.sampled_from(["user_id", "item_id"]))
def test_nobody_is_on_two_sides_of_a_split_by_people(seed, column):
    parts = user_split(table(n=300), seed=seed, column=column)
    sides = [set(part[column]) for part in (parts.train, parts.validation, parts.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert all(sides)


def test_the_last_row_of_each_person_is_the_test():
    rows = table(n=300)
    parts = leave_last_out(rows)
    assert whole(parts) == sorted(rows.index)
    counts = rows["user_id"].value_counts()
    assert set(parts.test["user_id"]) == set(counts.index[counts >= 3])
    for person, own in rows.groupby("user_id"):
        ordered = own.sort_values("time", kind="stable").index.tolist()
        if len(own) >= 3:
            assert parts.test.index[parts.test["user_id"] == person].tolist() == ordered[-1:]
            assert parts.validation.index[parts.validation["user_id"] == person].tolist() == ordered[-2:-1]


def test_of_rows_at_one_instant_the_later_in_the_table_is_last():
    rows = pd.DataFrame({"user_id": ["a"] * 4, "time": [day(2), day(1), day(2), day(2)]})
    parts = leave_last_out(rows)
    assert parts.test.index.tolist() == [3]
    assert parts.validation.index.tolist() == [2]


@pytest.mark.parametrize(("split", "column"), [(cold_people, "user_id"), (cold_clips, "item_id")])
def test_what_is_cold_was_never_met_before(split, column):
    rows = table()
    parts = split(rows, validation_from=day(20), test_from=day(30))
    first = rows.groupby(column)["time"].min()
    assert parts.train.equals(rows[rows["time"] < day(20)])
    assert (first[parts.validation[column]] >= day(20)).all()
    assert (first[parts.test[column]] >= day(30)).all()
    newcomers = set(first.index[first >= day(30)])
    assert set(parts.test[column]) == newcomers
    assert parts.test["time"].min() >= day(30) > parts.validation["time"].max()


def test_cold_clips_finds_the_column_of_events_too():
    rows = table().rename(columns={"item_id": "clip_id"})
    assert len(cold_clips(rows, validation_from=day(20), test_from=day(30)).test) > 0


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_what_a_new_person_shows_is_the_first_of_their_rows_and_at_least_one(share):
    rows = user_split(table()).test
    shown, asked = first_rows(rows, share=share)
    assert sorted([*shown.index, *asked.index]) == sorted(rows.index)
    for person, own in rows.groupby("user_id"):
        ordered = own.sort_values("time", kind="stable").index.tolist()
        n = max(1, int(share * len(own)))
        assert sorted(shown.index[shown["user_id"] == person]) == sorted(ordered[:n])
    with pytest.raises(ValueError, match="two rows"):
        first_rows(rows.drop_duplicates("user_id"))
    with pytest.raises(ValueError, match="share"):
        first_rows(rows, share=1.0)


def test_the_future_share_tells_a_random_split_from_a_cut_in_time():
    rows = table()
    cut = temporal_split(rows, validation_from=day(20), test_from=day(30))
    assert future_share(cut.train, cut.test) == 0.0
    dealt = random_split(rows)
    assert 0.4 < future_share(dealt.train, dealt.test) < 0.6
    last = leave_last_out(rows)
    assert 0.0 < future_share(last.train, last.test) < 0.4
    two = rows.iloc[[0, 1]]
    assert future_share(two.iloc[1:], two.iloc[:1]) == 1.0
    assert future_share(two, two) == 0.25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rows: random_split(rows, validation=0.0), "shares above 0"),
        (lambda rows: random_split(rows, validation=0.6, test=0.4), "together below 1"),
        (lambda rows: random_split(rows.iloc[:4]), "too few"),
        (lambda rows: user_split(rows, column="nobody"), "no column 'nobody'"),
        (lambda rows: user_split(rows.assign(user_id=None)), "has no user_id"),
        (lambda rows: leave_last_out(rows, least=2), "3 or more"),
        (lambda rows: leave_last_out(rows.drop_duplicates("user_id")), "longest history has 1"),
        (lambda rows: leave_last_out(rows.assign(time=pd.NaT)), "has no time"),
        (lambda rows: leave_last_out(pd.concat([rows, rows])), "not unique"),
        (lambda rows: cold_people(rows.assign(user_id="u"), validation_from=day(20), test_from=day(30)), "no new"),
        (lambda rows: cold_people(rows, validation_from=day(30), test_from=day(20)), "must be before"),
        (lambda rows: future_share(rows.iloc[:0], rows), "train needs rows"),
    ],
)
def test_what_cannot_be_split_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(table())
