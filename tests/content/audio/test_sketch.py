import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.content.audio import SOUND_FEATURES, describe_sound, describe_sound_file, sketch
from avrec_lib.content.audio.sketch import _describe
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.media import read_sound, write_clip

RATE = 22_050


def tone(hertz, seconds=3.0, level=0.3, rate=RATE):
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def clicks(per_second, seconds=6.0, rate=RATE):
    samples = np.zeros(round(seconds * rate), np.float32)
    burst = np.random.default_rng(0).normal(size=800) * np.exp(-np.arange(800) / 150) * 0.3
    for start in np.arange(0.2, seconds - 0.1, 1.0 / per_second):
        at = round(start * rate)
        samples[at : at + 800] += burst
    return samples + 1e-4 * np.random.default_rng(1).normal(size=len(samples)).astype(np.float32)


def feature(samples, name, rate=RATE):
    return describe_sound(samples, rate)[SOUND_FEATURES.index(name)]


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 30_000), rate=st.sampled_from([16_000, 22_050, 44_100, 48_000]), seed=st.integers(0, 99))
def test_any_length_gives_a_finite_vector_of_the_stated_size(n, rate, seed):
    vector = describe_sound(np.random.default_rng(seed).normal(0, 0.1, n), rate)
    assert vector.shape == (len(SOUND_FEATURES),) and vector.dtype == np.float32
    assert np.isfinite(vector).all()


@pytest.mark.parametrize("hertz", [110.0, 440.0, 1760.0, 5000.0])
def test_centroid_of_a_tone_is_the_tone(hertz):
    assert abs(50.0 * 2.0 ** feature(tone(hertz), "centroid-mean") - hertz) < 0.02 * hertz


@pytest.mark.parametrize(
    ("hertz", "pitch_class"), [(220.0, 0), (440.0, 0), (880.0, 0), (261.63, 3), (659.26, 7), (450.0, 0), (430.0, 0)]
)
def test_pitch_class_of_a_tone_is_right_in_every_octave_and_a_little_out_of_tune(hertz, pitch_class):
    shares = [feature(tone(hertz), f"pitch-class-{i:02d}") for i in range(12)]
    assert int(np.argmax(shares)) == pitch_class
    assert sum(shares) == pytest.approx(1.0)


@pytest.mark.parametrize("per_second", [1.0, 2.0, 4.0, 6.0])
def test_onset_rate_counts_clicks(per_second):
    assert feature(clicks(per_second), "onset-rate") == pytest.approx(per_second, rel=0.15)


def test_a_steady_tone_has_no_onsets():
    assert feature(tone(440.0), "onset-rate") < 0.5


def test_noise_is_flat_and_a_tone_is_not():
    noise = np.random.default_rng(0).normal(0, 0.1, RATE)
    assert feature(noise, "flatness-mean") > -4.0 > -20.0 > feature(tone(440.0), "flatness-mean")


def test_the_same_music_softer_has_the_same_spectrum_and_a_lower_loudness():
    rng = np.random.default_rng(0)
    music = sum(tone(f, level=0.1) for f in (220, 277, 330)) + 0.01 * rng.normal(size=3 * RATE).astype(np.float32)
    loud, soft = describe_sound(music, RATE), describe_sound(music * 0.1, RATE)
    at = SOUND_FEATURES.index("loudness-mean")
    assert loud[at] - soft[at] == pytest.approx(20.0, abs=0.3)
    others = np.arange(len(SOUND_FEATURES)) != at
    np.testing.assert_allclose(loud[others], soft[others], atol=1.0)


def test_the_sampling_rate_hardly_matters():
    names = np.array([not name.startswith("onset") for name in SOUND_FEATURES])
    chord = {rate: sum(tone(f, rate=rate, level=0.1) for f in (220, 550, 3300)) for rate in (22_050, 44_100)}
    low, high = (describe_sound(samples, rate) for rate, samples in chord.items())
    for name in ("centroid-mean", "loudness-mean"):
        at = SOUND_FEATURES.index(name)
        assert low[at] == pytest.approx(high[at], abs=0.2)
    assert np.corrcoef(low[names], high[names])[0, 1] > 0.99


@pytest.mark.parametrize("piece", [997, 10 * RATE, 10**9])
def test_a_sound_in_pieces_is_described_as_the_whole(piece):
    sound = clicks(2.0, 70.0) + tone(440.0, 70.0) * np.linspace(0.01, 1.0, 70 * RATE, dtype=np.float32)
    whole = describe_sound(sound, RATE)
    pieces = [sound[start : start + piece] for start in range(0, len(sound), piece)]
    np.testing.assert_allclose(_describe(lambda: iter(pieces), RATE), whole, rtol=1e-5, atol=1e-5)


def test_a_long_file_is_described_as_its_sound_and_never_held_whole(tmp_path, monkeypatch):
    path, most = tmp_path / "long.flac", []
    write_clip(path, sound=clicks(2.0, 75.0), sample_rate=RATE)
    whole = describe_sound(read_sound(path).samples, RATE)
    framed = sketch.frames_of
    monkeypatch.setattr(sketch, "frames_of", lambda held, *sizes: most.append(len(held)) or framed(held, *sizes))
    np.testing.assert_allclose(describe_sound_file(path), whole, rtol=1e-5, atol=1e-5)
    assert max(most) < 15 * RATE


def test_a_long_silent_file_is_refused(tmp_path):
    write_clip(tmp_path / "quiet.flac", sound=np.zeros(65 * RATE, np.float32), sample_rate=RATE)
    with pytest.raises(NoFeaturesError, match="silent"):
        describe_sound_file(tmp_path / "quiet.flac")


def test_silence_is_not_a_measurement():
    for samples in (np.zeros(RATE), np.full(RATE, 1e-6), np.zeros(0)):
        with pytest.raises(NoFeaturesError):
            describe_sound(samples, RATE)


def test_bad_input_is_refused_in_words():
    with pytest.raises(ValueError, match="one channel"):
        describe_sound(np.zeros((2, 100)), RATE)
    with pytest.raises(ValueError, match="16000"):
        describe_sound(np.ones(100), 8000)
    with pytest.raises(ValueError, match="1 samples are not finite"):
        describe_sound(np.array([0.1, np.nan]), RATE)
