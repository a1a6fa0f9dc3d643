"""A table that does not fit is refused by a message that names what is wrong."""

import numpy as np
import pandas as pd
import pytest

from avrec_lib.tables import microseconds, require_columns


def test_every_missing_column_is_named_with_its_schema() -> None:
    table = pd.DataFrame({"clip_id": ["c1"]})
    with pytest.raises(ValueError, match=r"clips lacks title, tags; see the clips schema in avrec_lib\.tables"):
        require_columns(table, ["clip_id", "title", "tags"], "clips")
    require_columns(table, ["clip_id"], "clips", unique="clip_id")


def test_a_repeated_id_is_named_with_its_two_rows() -> None:
    table = pd.DataFrame({"clip_id": ["c1", "c2", "c3", "c2", "c3"]}, index=list("abcde"))
    with pytest.raises(ValueError, match=r"clips holds clip_id 'c2' twice \(rows 1 and 3\)"):
        require_columns(table, [], "clips", unique="clip_id")
    with pytest.raises(ValueError, match="lacks user_id"):
        require_columns(table, [], "users", unique="user_id")
    with pytest.raises(ValueError, match=r"twice \(rows 1 and 2\)"):
        require_columns(pd.DataFrame({"clip_id": ["c1", None, None]}), [], "clips", unique="clip_id")


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata"])
def test_moments_of_every_unit_and_zone_are_the_same_microseconds(unit: str, zone: str) -> None:
    moment = pd.Timestamp("2026-03-01 12:00:01", tz="UTC")
    times = pd.Series([moment, moment + pd.Timedelta(days=1)], index=[7, 3]).dt.tz_convert(zone).dt.as_unit(unit)
    found = microseconds(times)
    assert found.dtype == np.int64
    assert found.tolist() == [1_772_366_401_000_000, 1_772_452_801_000_000]


def test_an_absent_moment_is_no_number() -> None:
    times = pd.Series(pd.to_datetime(["2026-03-01", None], utc=True), index=["a", "b"], name="joined")
    with pytest.raises(ValueError, match="row 'b' has no joined"):
        microseconds(times)
