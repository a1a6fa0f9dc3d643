import numpy as np
import pytest

from avrec_lib.prepare.repeats import remove_repeats
from avrec_lib.prepare.robots import find_robots, remove_robots


def test_every_planted_robot_is_found_and_no_person(soiled):
    events, users, report = remove_robots(remove_repeats(soiled.events)[0], soiled.users)
    bots = soiled.planted("bot")
    assert len(bots) >= 5
    assert set(report.removed["id"]) == bots
    assert not events["user_id"].isin(bots).any()
    assert len(users) == len(soiled.users) - len(bots)


def clicker(small_log, gaps, *, shown=False):
    seconds = np.cumsum(gaps)
    rows = [{"kind": "click", "seconds": at, "clip": f"c{i}"} for i, at in enumerate(seconds)]
    if shown:
        rows += [{"kind": "impression", "seconds": 0, "clip": f"c{i}"} for i in range(len(seconds))]
    return small_log(rows)


def test_each_rule_names_itself(small_log):
    rng = np.random.default_rng(0)
    steady, wild = np.full(50, 40.0), rng.exponential(40.0, 50)
    reasons = find_robots(clicker(small_log, steady, shown=True), rules=1)["reasons"].tolist()
    assert reasons == ["constant intervals between clicks"]
    reasons = find_robots(clicker(small_log, wild), rules=1)["reasons"].tolist()
    assert reasons == ["clicks on clips that were not shown"]
    reasons = find_robots(clicker(small_log, rng.exponential(40.0, 200), shown=True), rules=1)["reasons"].tolist()
    assert reasons == ["120 clicks or more on one day"]


def test_one_broken_rule_is_not_enough(small_log):
    # An eager person clicks 200 times in a day on what was shown: one rule only.
    eager = clicker(small_log, np.random.default_rng(1).exponential(100.0, 200), shown=True)
    assert len(find_robots(eager)) == 0
    assert len(find_robots(clicker(small_log, np.full(200, 40.0), shown=True))) == 1


@pytest.mark.parametrize(
    ("gaps", "shown", "strict", "lax", "reason"),
    [
        (np.random.default_rng(2).exponential(40.0, 100), True, {"clicks_a_day": 100}, {"clicks_a_day": 101}, "100 cl"),
        (np.tile([39.0, 40.0, 41.0], 20), True, {"interval_spread": 0.06}, {"interval_spread": 0.04}, "constant"),
        (np.full(40, 40.0), True, {"least_clicks": 40}, {"least_clicks": 41}, "constant"),
        (
            np.random.default_rng(3).exponential(40.0, 40),
            False,
            {"unseen_share": 1.0},
            {"unseen_share": 1.01},
            "not sh",
        ),
    ],
)
def test_each_threshold_decides_its_own_rule(small_log, gaps, shown, strict, lax, reason):
    events = clicker(small_log, gaps, shown=shown)
    (found,) = find_robots(events, rules=1, **strict)["reasons"]
    assert reason in found
    assert not find_robots(events, rules=1, **lax)["reasons"].str.contains(reason).any()


def test_clicks_at_one_instant_are_constant_intervals(small_log):
    found = find_robots(clicker(small_log, np.zeros(400)), rules=1)
    assert found["reasons"].str.contains("constant intervals").any()


def test_few_clicks_say_nothing(small_log):
    assert len(find_robots(clicker(small_log, np.full(10, 40.0)), rules=1)) == 0


def test_lost_order_does_not_hide_a_robot(small_log):
    events = clicker(small_log, np.full(60, 40.0)).sample(frac=1.0, random_state=3)
    assert len(find_robots(events)) == 1


def test_robots_named_by_hand_are_the_ones_removed(soiled):
    robots = soiled.users.head(2).assign(reasons="known to the office")[["user_id", "reasons"]]
    events, users, report = remove_robots(soiled.events, soiled.users, robots)
    assert not events["user_id"].isin(robots["user_id"]).any()
    assert len(users) == len(soiled.users) - 2
    assert report.removed["reason"].unique().tolist() == ["known to the office"]


def test_bad_input_is_refused_and_empty_logs_hold_no_robot(soiled):
    with pytest.raises(ValueError, match="three rules"):
        find_robots(soiled.events, rules=4)
    assert len(find_robots(soiled.events.iloc[:0])) == 0
