import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.content.features import FeatureTable


def table(n=5, width=3, absent=(1,)):
    present = ~np.isin(np.arange(n), absent)
    return FeatureTable(np.array([f"c{i}" for i in range(n)]), np.arange(n * width).reshape(n, width), present, "toy")


def test_an_absent_clip_is_never_a_row_that_looks_measured():
    features = table()
    assert features.matrix.dtype == np.float32
    assert np.isnan(features.matrix[1]).all() and np.isfinite(features.matrix[[0, 2, 3, 4]]).all()


@settings(max_examples=50, deadline=None)
@given(st.permutations(range(5)), st.integers(1, 5))
def test_selected_rows_stay_with_their_ids(order, n):
    features = table()
    chosen = features.select([f"c{i}" for i in order[:n]])
    for row, number in enumerate(order[:n]):
        assert chosen.ids[row] == f"c{number}"
        assert chosen.present[row] == (number != 1)
        np.testing.assert_array_equal(chosen.matrix[row], features.matrix[number])


def test_rows_cannot_be_changed_behind_the_tables_back():
    features = table()
    with pytest.raises(ValueError, match="read-only"):
        features.matrix[0, 0] = 9.0
    source = np.zeros((2, 2), np.float32)
    kept = FeatureTable(np.array(["a", "b"]), source, np.ones(2, bool), "toy")
    source[:] = 7.0
    assert kept.matrix.sum() == 0.0


@pytest.mark.parametrize(
    ("ids", "matrix", "present", "message"),
    [
        (["a", "b"], np.zeros((3, 2)), [True, True], "agree in n"),
        (["a", "b"], np.zeros(2), [True, True], "agree in n"),
        (["a", "a"], np.zeros((2, 2)), [True, True], "'a' occurs more than once"),
        (["a", "b"], [[1.0, np.nan], [0.0, 0.0]], [True, True], "row of 'a'"),
        (["a", "b"], np.zeros((2, 2)), [1, 0], "bool"),
    ],
)
def test_tables_that_contradict_themselves_are_refused(ids, matrix, present, message):
    with pytest.raises(ValueError, match=message):
        FeatureTable(np.array(ids), np.asarray(matrix), np.array(present), "toy")


def test_an_id_that_is_not_there_is_named():
    with pytest.raises(KeyError, match="c9"):
        table().select(["c0", "c9"])
