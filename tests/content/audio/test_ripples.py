"""Ripples are found at their rate, scale and direction; the modulation spectrum at its rate."""

import numpy as np
import pytest

from avrec_lib.content.audio import describe, modulation_spectrum, ripples
from avrec_lib.content.audio.modulation import MODULATION_RATES
from avrec_lib.content.audio.ripples import RIPPLE_NAMES, RippleMeter
from tests.content.audio.signals import RATE, noise


def wave(cycles_in_window, cycles_over_quarter, frames=256):
    t, band = np.ogrid[:frames, :128]
    return np.cos(2 * np.pi * (t * cycles_in_window / 128 + band * cycles_over_quarter / 32)).astype(np.float32)


@pytest.mark.parametrize(("rate", "scale"), [(1, 1), (4, 1), (10, 2), (20, 5), (40, 12)])
@pytest.mark.parametrize("way", ["down", "up"])
def test_a_wave_is_found_where_it_is(rate, scale, way):
    # The crest of cos(at + bx) falls with time.
    found = ripples(wave(rate, scale if way == "down" else -scale)).ravel()
    name = RIPPLE_NAMES[int(found.argmax())]
    low = 2 ** int(np.log2(rate)), 2 ** int(np.log2(scale))
    assert name.endswith(f"-{way}-rate{low[0]}-scale{low[1]}")


def test_pieces_add_up_and_short_sounds_count():
    log_mel = np.random.default_rng(0).normal(size=(333, 128)).astype(np.float32)
    meter = RippleMeter()
    for start in range(0, 333, 50):
        meter.add(log_mel[start : start + 50])
    np.testing.assert_allclose(meter.result(), ripples(log_mel), rtol=1e-6)
    assert ripples(log_mel).size == len(RIPPLE_NAMES)
    for frames in (1, 2, 63, 129):
        assert np.isfinite(ripples(log_mel[:frames])).all()


def test_a_sweep_up_is_not_a_sweep_down():
    t = np.arange(6 * RATE) / RATE
    rising = np.sin(2 * np.pi * 400.0 / (1.0 * np.log(2)) * 2.0 ** (2.0 * (t % 1.0)))
    up = describe(rising + noise(6.0, 0.001), RATE).ripples.reshape(4, 2, 6, 5)
    down = describe(rising[::-1] + noise(6.0, 0.001), RATE).ripples.reshape(4, 2, 6, 5)
    assert (up[1, 1, 1:4, 1:3] > up[1, 0, 1:4, 1:3] + 1.0).all()
    assert (down[1, 0, 1:4, 1:3] > down[1, 1, 1:4, 1:3] + 1.0).all()


@pytest.mark.parametrize("hertz", [0.7, 1.5, 3.0, 6.0, 12.0])
def test_swelling_is_found_at_its_rate(hertz):
    t = np.arange(6 * RATE) / RATE
    sound = noise(6.0) * 10.0 ** (0.5 * np.sin(2 * np.pi * hertz * t))
    strength = modulation_spectrum(describe(sound, RATE).log_mel, RATE / 512).mean(axis=0)
    at = int(np.searchsorted(MODULATION_RATES, hertz) - 1)
    assert strength.argmax() == at
