import numpy as np
import pytest

from avrec_lib.content.text.hashing import describe_words


def test_words_go_to_the_same_columns_whatever_else_is_written():
    one = describe_words(["Thunder over the sea", "", "the sea"], width=64)
    alone = describe_words(["thunder over the sea"], width=64)
    np.testing.assert_array_equal(one[0], alone[0])
    assert describe_words([], width=64).shape == (0, 64)
    assert np.isnan(one[1]).all() and np.linalg.norm(one[0]) == pytest.approx(1.0)
    assert not np.allclose(describe_words(["sea the"], width=4096), describe_words(["the sea"], width=4096))
