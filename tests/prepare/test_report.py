import numpy as np
import pandas as pd
import pytest

from avrec_lib.prepare.report import Report, account, joined_accounts, summary


def test_an_account_holds_text_whatever_the_ids_were():
    table = account(np.array([3, 7]), ["too long", "negative"])
    assert table["id"].tolist() == ["3", "7"]
    assert table["reason"].tolist() == ["too long", "negative"]


def test_an_empty_account_still_has_its_columns():
    table = joined_accounts([])
    assert list(table) == ["id", "reason"]
    assert len(table) == 0


def test_an_account_with_too_few_reasons_is_refused():
    with pytest.raises(ValueError, match="3 ids need as many reasons"):
        account([1, 2, 3], ["one", "two"])


def test_counts_tell_removals_before_changes():
    report = Report("watches", 10, 7, account([1, 2, 3], ["a", "b", "b"]), account([4], "cut"))
    assert report.counts().to_dict() == {"b": 2, "a": 1, "cut": 1}
    assert list(report.counts().index) == ["b", "a", "cut"]


def test_a_report_without_reasons_is_refused():
    with pytest.raises(ValueError, match="removed of step 'x' lacks column reason"):
        Report("x", 1, 0, pd.DataFrame({"id": ["1"]}))
    with pytest.raises(ValueError, match="cannot have"):
        Report("x", -1, 0)


def test_the_summary_has_one_line_a_step_in_their_order():
    table = summary([Report("second", 5, 4, account([1], "late")), Report("first", 4, 4)])
    assert table["step"].tolist() == ["second", "first"]
    assert table["removed"].tolist() == [1, 0]
    assert table["reasons"].tolist() == ["late: 1", ""]


def test_the_summary_tells_rows_that_went_apart_from_what_was_named():
    robots = Report("robots", 97, 57, account(["u1", "u2"], "machine"), named="users")
    copies = Report("copies", 12, 11, account(["c1"], "copy"), unit="clips", named="clips")
    table = summary([robots, copies])
    assert table["unit"].tolist() == ["rows", "clips"]
    assert table["gone"].tolist() == [40, 1]
    assert table["named"].tolist() == ["users", "clips"]
    assert table["removed"].tolist() == [2, 1]


def test_the_summary_of_nothing_is_an_empty_table():
    columns = ["step", "unit", "before", "after", "gone", "named", "removed", "changed", "reasons"]
    assert list(summary([])) == columns
