"""Loudness is pyloudnorm's, whole and in pieces."""

import numpy as np
import pytest
from pyloudnorm import Meter

from avrec_lib.content.audio import integrated_loudness
from avrec_lib.content.audio.loudness import LoudnessMeter
from tests.content.audio.signals import RATE, clicks, noise, tone


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("seconds", [0.4, 0.45, 1.0, 3.33, 3.37])
def test_it_is_that_of_pyloudnorm(rate, seconds):
    sound = noise(seconds, 0.1, 1, rate) * np.linspace(1e-3, 1.0, round(seconds * rate))
    assert integrated_loudness(sound, rate) == pytest.approx(Meter(rate).integrated_loudness(sound), abs=1e-6)


def test_the_standard_tone_has_the_standard_loudness():
    # BS.1770: a full-scale sine of 997 Hz in one channel is -3.01 LKFS.
    assert integrated_loudness(tone(997.0, 5.0, 1.0, 48_000), 48_000) == pytest.approx(-3.01, abs=0.05)


def test_pauses_do_not_count():
    sound = noise(4.0)
    paused = np.concatenate([sound, np.zeros(8 * RATE)])
    assert integrated_loudness(paused, RATE) == pytest.approx(integrated_loudness(sound, RATE), abs=0.3)


@pytest.mark.parametrize("size", [1, 100, 8_819, 8_820, 8_821, 50_000])
def test_pieces_add_up(size):
    sound = clicks(100.0, 2.0 if size > 1 else 0.9)
    meter = LoudnessMeter(RATE)
    for start in range(0, len(sound), size):
        meter.add(sound[start : start + size])
    assert meter.integrated() == pytest.approx(integrated_loudness(sound, RATE), abs=1e-9)


def test_short_and_silent_sounds_have_a_loudness_too():
    assert integrated_loudness(np.zeros(RATE), RATE) == -70.0
    assert integrated_loudness(tone(997.0, 0.2), RATE) == pytest.approx(integrated_loudness(tone(997.0), RATE), abs=0.5)


@pytest.mark.parametrize(("sound", "says"), [(np.zeros((2, RATE)), "one channel"), (np.r_[0.1, np.nan], "not finite")])
def test_what_is_not_one_channel_of_numbers_has_no_loudness(sound, says):
    with pytest.raises(ValueError, match=says):
        integrated_loudness(sound, RATE)
