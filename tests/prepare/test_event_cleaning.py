from itertools import pairwise

import numpy as np
import pandas as pd

from avrec_lib.prepare.event_cleaning import clean_events
from avrec_lib.prepare.report import summary
from avrec_lib.tables import check


def test_the_chain_gives_back_the_log_before_it_was_soiled(soiled):
    cleaned = clean_events(soiled.events, soiled.clips, soiled.users, mend=True)
    log = cleaned.events.reset_index(drop=True)
    assert len(log) == len(soiled.clean)
    gap = (log["time"] - soiled.clean["time"]).dt.total_seconds().abs()
    assert gap.max() < 5.0
    assert gap.median() == 0.0
    by = ["user_id", "clip_id", "kind", "session_id"]
    ours, theirs = (table.sort_values([*by, "time"], ignore_index=True) for table in (log, soiled.clean))
    assert ours[by].equals(theirs[by])
    assert np.allclose(ours["watch_seconds"], theirs["watch_seconds"], atol=1e-4, equal_nan=True)


def test_the_reports_follow_each_other_without_a_gap(soiled):
    reports = clean_events(soiled.events, soiled.clips, soiled.users).reports
    assert reports[0].before == len(soiled.events)
    assert all(one.after == other.before for one, other in pairwise(reports))
    table = summary(reports)
    assert table["step"].tolist() == ["repeats", "robots", "clocks", "order", "impossible"]
    assert table["named"].tolist() == ["rows", "users", "users", "rows", "rows"]
    assert set(table["unit"]) == {"rows"}
    # Where rows are named, as many are named as went; eight machines take far more rows with them.
    rows = table["named"] == "rows"
    assert table.loc[rows, "gone"].tolist() == table.loc[rows, "removed"].tolist()
    assert table.loc[1, "gone"] > 10 * table.loc[1, "removed"] > 0


def test_clean_tables_follow_their_schemas_and_keep_their_labels(soiled):
    cleaned = clean_events(soiled.events, soiled.clips, soiled.users)
    check(cleaned.events, "events")
    check(cleaned.users, "users")
    same = soiled.events.loc[cleaned.events.index]
    assert cleaned.events["user_id"].equals(same["user_id"])


def test_cleaning_changes_nothing_in_a_clean_log_and_nothing_in_its_input(soiled):
    people = soiled.users[~soiled.users["user_id"].isin(soiled.planted("bot"))]
    before = soiled.clean.copy(deep=True)
    cleaned = clean_events(soiled.clean, soiled.clips, people)
    pd.testing.assert_frame_equal(cleaned.events, soiled.clean)
    pd.testing.assert_frame_equal(soiled.clean, before)
    assert all(len(report.removed) == len(report.changed) == 0 for report in cleaned.reports)
