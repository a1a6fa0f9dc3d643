"""The shared sorting gives exactly the running median, as SciPy does."""

import numpy as np
import pytest
from scipy import ndimage

from avrec_lib.content.audio.medians import running_median


@pytest.mark.parametrize("rows", [1, 2, 7, 8, 9, 30, 31, 32, 100, 263])
@pytest.mark.parametrize("columns", [1, 5, 256, 300])
def test_it_is_the_median_with_ties_and_zeros_too(rows, columns):
    rng = np.random.default_rng(rows)
    values = np.round(rng.exponential(size=(rows, columns)), 1).astype(np.float32)
    values[rng.random(values.shape) < 0.3] = 0.0
    mirrored = np.pad(values, ((15, 15), (0, 0)), mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(mirrored, 31, axis=0)
    np.testing.assert_array_equal(running_median(values), np.median(windows, axis=2))
    if rows > 2:  # SciPy mirrors two rows in another way
        scipys = ndimage.median_filter(values, size=(31, 1), mode="reflect")
        np.testing.assert_array_equal(running_median(values), scipys)
