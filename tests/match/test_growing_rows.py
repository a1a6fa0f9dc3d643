import numpy as np
import pytest

from avrec_lib.match.growing_rows import GrowingRows


def test_rows_stand_in_the_order_in_which_they_came_whatever_their_kind():
    wanted = np.arange(300, dtype=np.float32).reshape(100, 3)
    numbers, names = GrowingRows(wanted[:2]), GrowingRows(np.empty(0, dtype=object))
    for start, stop in ((2, 3), (3, 3), (3, 50), (50, 51), (51, 100)):
        numbers.extend(wanted[start:stop])
        names.extend(np.array([f"row {row}" for row in range(start, stop)], dtype=object))
    np.testing.assert_array_equal(numbers.rows, wanted)
    assert len(numbers) == 100 and numbers.rows.dtype == np.float32
    assert names.rows.tolist() == [f"row {row}" for row in range(2, 100)]


def test_rows_that_come_one_by_one_are_seldom_moved():
    grown, moved, places = GrowingRows(np.zeros((1, 2))), 0, set()
    for row in range(1, 3000):
        grown.extend(np.full((1, 2), float(row)))
        place = grown.rows.ctypes.data
        moved += 0 if place in places else row
        places.add(place)
    assert moved < 3 * 3000
    np.testing.assert_array_equal(grown.rows[:, 1], np.arange(3000.0))


def test_the_first_rows_are_not_copied_and_never_written_over():
    first = np.zeros((4, 2))
    grown = GrowingRows(first[:3])
    assert np.shares_memory(grown.rows, first)
    grown.extend(np.ones((1, 2)))
    assert not first.any() and grown.rows[3].all()


@pytest.mark.parametrize("shape", [(2,), (2, 1), (2, 4), (2, 3, 1)])
def test_rows_of_another_shape_are_refused_and_change_nothing(shape):
    grown = GrowingRows(np.zeros((5, 3)))
    with pytest.raises(ValueError, match="those that are here"):
        grown.extend(np.ones(shape))
    assert grown.rows.shape == (5, 3)
