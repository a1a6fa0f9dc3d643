"""The whole description: its shape at every length and rate, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.content.audio import VECTOR_NAMES, describe
from avrec_lib.content.features import NoFeaturesError

RATE = 22_050


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 40_000),
    rate=st.sampled_from([8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000]),
    seed=st.integers(0, 99),
)
def test_any_length_and_rate_gives_a_finite_vector_of_the_stated_size(n, rate, seed):
    features = describe(np.random.default_rng(seed).normal(0, 0.1, n), rate)
    assert features.vector.shape == (len(VECTOR_NAMES),) and features.vector.dtype == np.float32
    assert np.isfinite(features.vector).all()
    assert features.names == VECTOR_NAMES and len(set(VECTOR_NAMES)) == len(VECTOR_NAMES)


def test_silence_is_not_a_measurement():
    for samples in (np.zeros(RATE), np.full(RATE, 1e-6), np.zeros(0)):
        with pytest.raises(NoFeaturesError):
            describe(samples, RATE)


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match="one channel"):
        describe(np.zeros((2, 100)), RATE)
    with pytest.raises(ValueError, match="8000"):
        describe(np.ones(100), 4_000)
    with pytest.raises(ValueError, match="1 samples are not finite"):
        describe(np.array([0.1, np.nan]), RATE)
