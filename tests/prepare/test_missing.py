import numpy as np
import pandas as pd
import pytest

from avrec_lib.prepare.missing import MissingPolicy, people_lost

TRAIN = pd.DataFrame({"user_id": ["a", "b", "c"], "plays": [1.0, 2.0, 30.0], "region": ["x", "x", "y"]})
LATER = pd.DataFrame(
    {"user_id": ["a", "b", "c", "d"], "plays": [np.nan, 5.0, 900.0, 900.0], "region": ["y", None, "y", "y"]},
    index=[10, 11, 12, 13],
)


def test_fills_come_from_the_training_rows_alone():
    policy = MissingPolicy({"plays": "impute", "region": "impute"}).fit(TRAIN)
    table, report = policy.transform(LATER)
    assert table.loc[10, "plays"] == 2.0
    assert table.loc[11, "region"] == "x"
    assert report.changed["id"].tolist() == ["10", "11"]
    assert report.removed.empty


def test_a_dropped_row_is_named_with_the_column_that_it_lacked():
    table, report = MissingPolicy({"plays": "drop", "region": "drop"}).fit(TRAIN).transform(LATER)
    assert table.index.tolist() == [12, 13]
    assert report.removed.set_index("id")["reason"].to_dict() == {
        "10": "plays absent, row dropped",
        "11": "region absent, row dropped",
    }
    assert (report.before, report.after, report.unit) == (4, 2, "rows")
    assert MissingPolicy({"plays": "drop"}, unit="clips").fit(TRAIN).transform(LATER)[1].unit == "clips"
    assert people_lost(LATER, table) == ["a", "b"]


def test_a_person_with_another_row_is_not_lost():
    before = pd.DataFrame({"user_id": ["a", "a", "b"]})
    assert people_lost(before, before.iloc[1:]) == []


def test_a_flag_tells_absence_apart_from_the_value_put_in():
    table, _ = MissingPolicy({"region": "flag", "plays": "flag"}).fit(TRAIN).transform(LATER)
    assert table["region_missing"].tolist() == [False, True, False, False]
    assert table["plays_missing"].tolist() == [True, False, False, False]
    assert table.loc[11, "region"] == ""
    assert table.loc[10, "plays"] == 2.0


def test_whole_numbers_and_unnamed_columns_survive():
    train = pd.DataFrame({"n": pd.array([1, 4, None], dtype="Int64"), "other": [None, None, 1.0]})
    table, _ = MissingPolicy({"n": "impute"}).fit(train).transform(train)
    assert table["n"].tolist() == [1.0, 4.0, 2.5]
    assert table["other"].isna().sum() == 2


def test_input_is_not_changed():
    before = LATER.copy(deep=True)
    MissingPolicy({"plays": "impute", "region": "flag"}).fit(TRAIN).transform(LATER)
    pd.testing.assert_frame_equal(LATER, before)


def test_wrong_rules_columns_and_orders_are_refused():
    with pytest.raises(ValueError, match="drop, impute, flag, not 'guess'"):
        MissingPolicy({"plays": "guess"}).fit(TRAIN)
    with pytest.raises(ValueError, match="'nothing' is not in the training rows"):
        MissingPolicy({"nothing": "drop"}).fit(TRAIN)
    with pytest.raises(ValueError, match="no value in the 3 training rows"):
        MissingPolicy({"plays": "impute"}).fit(TRAIN.assign(plays=np.nan))
    with pytest.raises(RuntimeError, match="fit the policy"):
        MissingPolicy({"plays": "impute"}).transform(TRAIN)
    with pytest.raises(ValueError, match="'plays' is not in the table"):
        MissingPolicy({"plays": "impute"}).fit(TRAIN).transform(TRAIN[["region"]])
