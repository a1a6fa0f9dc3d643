import numpy as np
import pytest

from avrec_lib.content.unit_rows import SHORTEST, unit_rows


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_rows_keep_their_direction_and_type_and_zeros_stay_zeros(kind):
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [-1e-12, 0.0], [1e-25, 1e-25]], dtype=kind)
    found = unit_rows(rows)
    assert found.dtype == kind
    np.testing.assert_allclose(found, [[0.6, 0.8], [0.0, 0.0], [-1.0, 0.0], [0.0, 0.0]], rtol=1e-6)


def test_a_row_just_long_enough_has_a_direction():
    assert unit_rows(np.array([[SHORTEST], [0.9 * SHORTEST]])).tolist() == [[1.0], [0.0]]
