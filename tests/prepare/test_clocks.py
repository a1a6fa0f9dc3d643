import numpy as np
import pandas as pd
import pytest

from avrec_lib.prepare.clocks import arrival_waits, estimate_clock_errors, repair_clocks, sort_by_time
from avrec_lib.prepare.repeats import remove_repeats
from avrec_lib.prepare.robots import remove_robots
from avrec_lib.world.behaviour import sort_events
from avrec_lib.world.dirt_media import read_detail


def without_copies_and_robots(soiled):
    events, _ = remove_repeats(soiled.events)
    return remove_robots(events, soiled.users)[0]


def true_errors(soiled):
    rows = soiled.dirt[soiled.dirt["kind"] == "clock-skew"]
    return pd.Series([float(read_detail(text)["seconds"]) for text in rows["detail"]], index=rows["id"].to_numpy())


def test_exactly_the_wrong_clocks_are_found_and_set_right_to_the_second(soiled):
    events = without_copies_and_robots(soiled)
    _, report = repair_clocks(events)
    wrong = true_errors(soiled)
    assert len(wrong) >= 10
    assert set(report.changed["id"]) == set(wrong.index)
    estimated = estimate_clock_errors(events)["seconds"].reindex(wrong.index)
    assert (estimated - wrong).abs().max() < 5.0


def test_what_the_server_stamped_is_never_moved(soiled):
    events = without_copies_and_robots(soiled)
    repaired, _ = repair_clocks(events)
    shown = events["kind"] == "impression"
    assert repaired.loc[shown, "time"].equals(events.loc[shown, "time"])
    moved = repaired["time"] != events["time"]
    assert set(events.loc[moved, "user_id"]) <= set(true_errors(soiled).index)
    assert moved.sum() > 0
    assert repaired["time"].dtype == events["time"].dtype


def answers(small_log, people, error, *, slates=6, jitter=0.0):
    rng = np.random.default_rng(5)
    rows = []
    for person in range(people):
        for slate in range(slates):
            begin, who = slate * 5_000.0, {"user": f"u{person}", "session": f"s{person}-{slate}"}
            rows += [{**who, "clip": f"c{p}", "kind": "impression", "seconds": begin, "position": p} for p in (1, 2, 3)]
            wrong = (error if person == 0 else 0.0) + jitter * rng.standard_normal() * (person == 0)
            click = {**who, "clip": "c2", "kind": "click", "position": 2}
            rows.append({**click, "seconds": begin + rng.exponential(4.0) + wrong})
    return small_log(rows)


def test_a_slow_person_is_not_a_wrong_clock(small_log):
    events = answers(small_log, 20, error=60.0)
    repaired, report = repair_clocks(events, least="2min")
    assert len(report.changed) == 0
    assert repaired.equals(events)


def test_hesitating_people_are_still_set_right_within_seconds(small_log):
    events = answers(small_log, 20, error=-3_600.0)
    errors = estimate_clock_errors(events)
    assert abs(errors.loc["u0", "seconds"] + 3_600.0) < 8.0
    assert repair_clocks(events)[1].changed["reason"].tolist() == ["device clock behind, set right"]


def test_a_clock_without_a_constant_error_is_left_alone(small_log):
    events = answers(small_log, 20, error=3_600.0, jitter=2_000.0)
    assert len(repair_clocks(events)[1].changed) == 0


def test_one_slow_answer_is_taken_for_a_clock_unless_more_readings_are_asked_for(small_log):
    events = answers(small_log, 20, error=600.0, slates=1)
    assert repair_clocks(events)[1].changed["id"].tolist() == ["u0"]
    assert len(repair_clocks(events, least_readings=2)[1].changed) == 0
    assert len(repair_clocks(answers(small_log, 20, error=600.0, slates=2), least_readings=2)[1].changed) == 1
    with pytest.raises(ValueError, match="at least 1, got 0"):
        repair_clocks(events, least_readings=0)


def test_people_who_only_search_are_judged_by_their_searches(small_log):
    rows = []
    for person in range(9):
        who = {"user": f"u{person}", "session": f"s{person}"}
        rows.append({**who, "kind": "search", "clip": None, "seconds": 994.0 + (7_200.0 if person == 4 else 0.0)})
        rows.append({**who, "kind": "impression", "seconds": 1_000.0, "position": 1})
    assert repair_clocks(small_log(rows))[1].changed["id"].tolist() == ["u4"]


def test_a_log_without_device_events_is_returned_as_it_is(soiled):
    shown = soiled.events[soiled.events["kind"] == "impression"]
    assert repair_clocks(shown)[0].equals(shown)
    assert len(repair_clocks(soiled.events.iloc[:0])[0]) == 0


def test_waits_are_lower_bounds_counted_from_the_latest_event_seen(small_log):
    events = small_log([{"kind": "like", "seconds": at} for at in (10, 5, 30, 29, 31)])
    assert arrival_waits(events).tolist() == [0.0, 5.0, 0.0, 1.0, 0.0]


def test_late_rows_are_told_from_rows_out_of_order(soiled):
    events, _ = repair_clocks(without_copies_and_robots(soiled))
    _, report = sort_by_time(events)
    late = set(report.changed.loc[report.changed["reason"] != "out of order", "id"])
    jostled = set(report.changed["id"]) - late
    for found, planted in ((late, soiled.planted("late")), (jostled, soiled.planted("out-of-order"))):
        assert len(found & planted) >= 0.97 * len(found)
        assert len(found & planted) >= 0.97 * len(planted)


def test_the_sorted_log_is_in_the_order_in_which_things_happened(soiled):
    ordered, report = sort_by_time(repair_clocks(without_copies_and_robots(soiled))[0])
    assert ordered["time"].is_monotonic_increasing
    assert report.before == report.after == len(ordered)
    # The world's own order of a log is the same.
    assert ordered.reset_index(drop=True).equals(sort_events(ordered))


def test_the_order_of_arrival_leaves_no_trace(soiled):
    ordered, _ = sort_by_time(soiled.events)
    again, _ = sort_by_time(soiled.events.sample(frac=1.0, random_state=1))
    pd.testing.assert_frame_equal(ordered.drop_duplicates(ignore_index=True), again.drop_duplicates(ignore_index=True))


def test_small_waits_within_the_slack_are_not_reported(small_log):
    events = small_log([{"kind": "like", "seconds": at} for at in (10.0, 9.5, 4.0)])
    _, report = sort_by_time(events, slack="1s", late="1h")
    assert report.changed["id"].tolist() == ["2"]
