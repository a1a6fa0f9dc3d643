import pandas as pd
import pytest

from avrec_lib.prepare.clocks import repair_clocks
from avrec_lib.prepare.impossible import remove_impossible
from avrec_lib.prepare.repeats import remove_repeats
from avrec_lib.prepare.robots import remove_robots

START = pd.Timestamp("2026-01-05", tz="UTC")
CLIPS = pd.DataFrame(
    {"clip_id": ["c", "new"], "duration_seconds": [6.0, 6.0], "release_time": [START, START + pd.Timedelta("1D")]}
)
USERS = pd.DataFrame({"user_id": ["u", "guest"], "joined": [START, START + pd.Timedelta("1D")]})


def test_every_planted_impossible_watch_is_found_and_nothing_else(soiled):
    events, users, _ = remove_robots(remove_repeats(soiled.events)[0], soiled.users)
    kept, report = remove_impossible(repair_clocks(events)[0], soiled.clips, users)
    assert set(report.removed["id"]) == soiled.planted("impossible-watch")
    assert len(kept) == report.after == report.before - len(report.removed)


def test_mended_watches_have_the_length_that_they_had(soiled):
    events, users, _ = remove_robots(remove_repeats(soiled.events)[0], soiled.users)
    kept, report = remove_impossible(repair_clocks(events)[0], soiled.clips, users, mend=True)
    rows = soiled.dirt[soiled.dirt["kind"] == "impossible-watch"]
    was = pd.Series(rows["detail"].str.removeprefix("was=").astype(float).to_numpy(), index=rows["id"].astype(int))
    assert set(report.changed["id"]) == set(rows["id"])
    assert (kept["watch_seconds"].reindex(was.index) - was).abs().max() < 1e-5


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"clip": "c9", "kind": "click"}, "clip is not in the catalogue"),
        ({"user": "nobody", "kind": "click"}, "person is not in the list"),
        ({"clip": "new", "kind": "click"}, "before the clip was released"),
        ({"user": "guest", "kind": "click"}, "before the person joined"),
        ({"kind": "watch"}, "watch without a length"),
        ({"kind": "watch", "watch_seconds": -0.5}, "watch of negative length"),
        ({"kind": "watch", "watch_seconds": 6.4}, "watch far longer than its clip"),
        ({"kind": "watch", "watch_seconds": float("inf")}, "watch far longer than its clip"),
    ],
)
def test_each_impossible_event_is_named_by_its_reason(small_log, row, reason):
    good = [{"kind": "watch", "watch_seconds": 6.2, "seconds": 0.0}, {"kind": "search", "clip": None, "seconds": 1.0}]
    kept, report = remove_impossible(small_log([*good, {"seconds": 2.0, **row}]), CLIPS, USERS)
    assert report.removed.to_dict("list") == {"id": ["2"], "reason": [reason]}
    assert kept.index.tolist() == [0, 1]


def test_clocks_that_differ_by_seconds_do_not_put_an_event_before_the_release(small_log):
    day = 86_400.0
    events = small_log([{"clip": "new", "kind": "click", "seconds": day - gap} for gap in (30.0, 90.0)])
    assert remove_impossible(events, CLIPS, tolerance="1min")[0].index.tolist() == [0]


def test_a_watch_with_two_clicks_or_none_cannot_be_mended(small_log):
    click = {"kind": "click", "seconds": 0.0, "session": "two"}
    watch = {"kind": "watch", "seconds": 3.0, "watch_seconds": -3.0}
    events = small_log(
        [
            click,
            {**click, "seconds": 1.0},
            {**watch, "session": "two"},
            watch,
            {**click, "session": "one"},
            {**watch, "session": "one"},
        ]
    )
    kept, report = remove_impossible(events, CLIPS, mend=True)
    assert report.changed["id"].tolist() == ["5"]
    assert report.removed["id"].tolist() == ["2", "3"]
    assert kept.loc[5, "watch_seconds"] == 3.0


def test_slack_below_one_is_refused(small_log):
    with pytest.raises(ValueError, match="at least 1"):
        remove_impossible(small_log([{"kind": "click", "seconds": 0}]), CLIPS, slack=0.5)
