import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from avrec_lib.evaluate.answers import refuse_answers, refuse_seen, relevant_pairs
from avrec_lib.prepare.splits import LeakError
from avrec_lib.recommend.popularity import Popularity

START = pd.Timestamp("2026-01-05", tz="UTC")


def table(rows):
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "value", "day"])
    frame["time"] = (START + pd.to_timedelta(frame.pop("day"), unit="D")).astype("datetime64[us, UTC]")
    return frame.astype({"value": "float64"})


TRAIN = table([("a", "i1", 1, 0), ("b", "i1", 1, 0), ("b", "i2", 1, 1), ("c", "i3", 0.2, 1)])
TEST = table([("a", "i2", 1, 5), ("a", "i1", 1, 5), ("b", "i3", 0.8, 6), ("c", "i2", 0.1, 6), ("d", "i1", 1, 6)])


def test_only_new_and_liked_pairs_count():
    pairs = relevant_pairs(TRAIN, TEST)
    assert list(zip(pairs["user_id"], pairs["item_id"], strict=True)) == [("a", "i2"), ("b", "i3"), ("d", "i1")]
    assert set(relevant_pairs(TRAIN, TEST, relevant_from=0.05)["user_id"]) == {"a", "b", "c", "d"}
    assert set(relevant_pairs(TRAIN, TEST, candidates=["i1", "i2"])["user_id"]) == {"a", "d"}


def test_a_test_part_that_begins_before_training_ends_is_a_leak():
    with pytest.raises(LeakError, match="train may hold only rows before"):
        relevant_pairs(pd.concat([TRAIN, TEST]), TEST)


def test_a_row_without_a_time_is_not_known_to_be_earlier():
    with pytest.raises(LeakError, match="NaT"):
        relevant_pairs(TRAIN.assign(time=TRAIN["time"].where(TRAIN.index != 1)), TEST)


def test_who_has_met_an_answer_is_refused_even_where_the_meeting_is_worth_nothing():
    relevant = relevant_pairs(TRAIN, TEST)
    refuse_seen(Popularity().fit(TRAIN), relevant, before=TEST["time"].min())
    met = pd.concat([TRAIN, TEST.iloc[[4]].assign(value=0.0, time=START)])
    with pytest.raises(LeakError, match=r"mine was fitted on 1 of .*\['d', 'i1'\]"):
        refuse_seen(Popularity().fit(met), relevant, name="mine")
    with pytest.raises(NotFittedError):
        refuse_seen(Popularity(), relevant)


def test_who_was_fitted_on_something_as_late_as_the_answers_is_refused_to_the_microsecond():
    relevant, begins = relevant_pairs(TRAIN, TEST), TEST["time"].min()
    tick = pd.Timedelta(microseconds=1)
    last = TRAIN.assign(time=TRAIN["time"].where(TRAIN.index != 3, begins - tick))
    refuse_seen(Popularity().fit(last), relevant, before=begins)
    last["time"] += tick
    with pytest.raises(LeakError, match=r"1 interactions of 2026-01-10 .*\['c', 'i3'\]"):
        refuse_seen(Popularity().fit(last), relevant, before=begins)
    refuse_seen(Popularity().fit(TRAIN.drop(columns="time")), relevant, before=begins)  # nobody can tell


def test_a_history_that_holds_an_answer_is_refused_by_its_row_however_the_table_is_cut():
    given = table([("a", "i5", 1, 0), ("b", "i3", 1, 6)])
    for in_time in (True, False):
        with pytest.raises(LeakError, match=r"row 1 of history is one that .*\['b', 'i3'\]"):
            refuse_answers(given, TEST, in_time=in_time)
        refuse_answers(given.iloc[:1], TEST, in_time=in_time)
        refuse_answers(given.assign(time=START), TEST, in_time=in_time)  # met before, and met again: no answer
    with pytest.raises(LeakError, match="row 1 of history"):
        refuse_answers(given.drop(columns="time"), TEST, in_time=False)
    with pytest.raises(ValueError, match="time"):
        refuse_answers(given.drop(columns="time"), TEST, in_time=True)


def test_a_history_may_run_to_what_its_person_is_asked_first_and_no_further():
    asked = table([("a", "i2", 1, 8), ("b", "i3", 1, 5)])
    given = table([("a", "i4", 1, 8), ("b", "i4", 1, 5), ("nobody", "i4", 1, 90)])
    refuse_answers(given, asked, in_time=True)
    later = given.assign(time=given["time"] + pd.Timedelta(microseconds=1))
    refuse_answers(later, asked, in_time=False)
    with pytest.raises(LeakError, match=r"row 0 of history is later .*\['a', 'i4'\] \(2 of 3 rows\)"):
        refuse_answers(later, asked, in_time=True)
    with pytest.raises(LeakError, match="has no time"):
        refuse_answers(given.assign(time=given["time"].where(given.index != 1)), asked, in_time=True)
