"""The whole description: its shape at every length and rate, what it leaves out of account, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from scipy.io import wavfile

from avrec_lib.content.audio import VECTOR_NAMES, describe, describe_file, frame_grid
from avrec_lib.content.audio.description import _describe_stream
from avrec_lib.content.audio.rhythm import TEMPO_LAGS
from avrec_lib.content.audio.stretches import stretches
from avrec_lib.content.features import NoFeaturesError
from avrec_lib.media import MediaError, MissingStreamError, read_sound, write_clip
from tests.content.audio.signals import RATE, clicks, harmonic, noise, tone

RATES = [8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 96_000]


def entry(features, name):
    return float(features.vector[VECTOR_NAMES.index(name)])


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 40_000), rate=st.sampled_from(RATES), seed=st.integers(0, 99))
def test_any_length_and_rate_gives_a_finite_vector_of_the_stated_size(n, rate, seed):
    features = describe(np.random.default_rng(seed).normal(0, 0.1, n), rate)
    assert features.vector.shape == (len(VECTOR_NAMES),) and features.vector.dtype == np.float32
    assert np.isfinite(features.vector).all()
    assert features.names == VECTOR_NAMES and len(set(VECTOR_NAMES)) == len(VECTOR_NAMES)


@pytest.mark.parametrize(
    "samples",
    [np.full(30_000, 0.5), np.sign(tone(100.0)), np.r_[np.zeros(40_000), 1.0, np.zeros(40_000)], 1e3 * noise()],
    ids=["constant", "clipped", "one click", "far beyond full scale"],
)
def test_strange_sounds_have_finite_numbers(samples):
    features = describe(samples, RATE)
    assert np.isfinite(features.vector).all()
    assert all(np.isfinite(value).all() for value in vars(features).values() if isinstance(value, np.ndarray))


@pytest.mark.parametrize("rate", RATES)
def test_frames_come_at_the_same_pace_at_every_rate(rate):
    grid = frame_grid(rate)
    assert grid.frames_per_second == pytest.approx(22_050 / 512, rel=0.003)
    assert grid.n_fft / rate == pytest.approx(2_048 / 22_050, rel=0.02)
    assert len(describe(noise(2.0, rate=rate), rate).times) == grid.n_frames(2 * rate)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_the_sampling_rate_hardly_matters(rate):
    music = np.concatenate([harmonic(f, 1.5) for f in (220.0, 294.0)]) + 0.05 * clicks(120.0, 3.0)
    music = signal.sosfiltfilt(signal.butter(8, 6_000, fs=RATE, output="sos"), music)
    here, there = (describe(signal.resample_poly(music, up, down), r) for up, down, r in _rates(rate))
    # What is above half the lower rate is not there: names that say so are left out.
    names = [n for n in VECTOR_NAMES if n.startswith(("band-0", "band-1", "level", "f0", "chroma", "active", "loud"))]
    away = [abs(entry(here, name) - entry(there, name)) / (1.0 + abs(entry(here, name))) for name in names]
    assert np.median(away) < 0.02 and max(away) < 0.4, dict(zip(names, away, strict=True))


def _rates(rate):
    yield 1, 1, RATE
    divisor = np.gcd(rate, RATE)
    yield rate // divisor, RATE // divisor, rate


def test_every_entry_of_the_vector_is_what_its_name_says():
    # All frames are equally loud, so that they count alike.
    sound = np.sign(np.sin(np.cumsum(np.linspace(0.02, 0.4, 4 * RATE)))) * np.float32(0.3)
    f = describe(sound, RATE)
    level = 20.0 * np.log10(f.rms)
    weight = np.clip(level - level.max() + 40.0, 0.0, None)
    tables = {
        "band": f.log_mel.reshape(-1, 32, 4).mean(axis=2),
        "mfcc": f.mfcc,
        "mfcc-delta": f.mfcc_delta,
        "contrast": f.contrast,
        "chroma": f.chroma,
    }
    columns = {f"{name}-{i:02d}": row for name, table in tables.items() for i, row in enumerate(table.T)}
    for name in ("centroid", "bandwidth", "rolloff", "f0"):
        columns[f"{name}-octaves"] = np.log2(np.maximum(getattr(f, name), 50.0) / 50.0)
    columns |= {"flatness-log10": np.log10(f.flatness + 1e-6), "zero-crossings": f.zero_crossings, "level": level}
    columns |= {"onset-strength": f.onset_strength, "harmonic": f.harmonic, "aperiodicity": f.aperiodicity}
    wanted = {}
    for name, row in columns.items():
        mean = np.average(row, weights=weight)
        wanted[f"{name}-mean"] = mean
        wanted[f"{name}-spread"] = np.sqrt(np.average(np.square(row - mean), weights=weight))
        if name[:5] == "mfcc-" and name[5].isdigit():
            wanted |= {f"{name}-plain-mean": row.mean(), f"{name}-plain-spread": row.std()}
    names = ("down", "up")
    for (q, rate, scale), value in np.ndenumerate(f.ripples):
        cycles = 2 ** (rate % 6), (0, 1, 2, 4, 8)[scale]
        wanted[f"ripple-quarter{q}-{names[rate // 6]}-rate{cycles[0]}-scale{cycles[1]}"] = value
    wanted |= {f"active-{db}db": np.mean(level >= level.max() - db) for db in (10, 20, 30, 50)}
    wanted |= {"tempo": f.tempo_bpm, "beat-regularity": f.beat_regularity, "loudness": f.loudness_lufs}
    away = f.onset_strength - f.onset_strength.mean()
    for lag in TEMPO_LAGS:
        wanted[f"onset-likeness-{lag}"] = away[lag:] @ away[:-lag] / (away @ away)
    assert set(wanted) == set(VECTOR_NAMES)
    for name, value in wanted.items():
        assert entry(f, name) == pytest.approx(value, rel=2e-3, abs=5e-3), name


def test_silence_before_and_after_changes_the_weighted_statistics_little():
    sound = noise(2.0) * np.repeat([1.0, 0.3, 1.0, 0.3], RATE // 2)
    padded = np.concatenate([np.zeros(RATE), sound, np.zeros(2 * RATE)])
    alone, among = describe(sound, RATE), describe(padded, RATE)
    for name in ("band-10-mean", "band-20-mean", "level-mean", "flatness-log10-mean", "mfcc-03-mean"):
        assert entry(among, name) == pytest.approx(entry(alone, name), abs=1.0)
    assert entry(among, "mfcc-00-plain-mean") < entry(alone, "mfcc-00-plain-mean") - 100.0
    assert entry(among, "active-30db") == pytest.approx(0.4, abs=0.05)


@pytest.mark.parametrize("piece", [997, 30_000, 10**9])
def test_a_sound_in_pieces_has_the_vector_of_the_whole(piece):
    seconds = 60.0
    sound = noise(seconds) * np.linspace(0.05, 1.0, round(seconds * RATE), dtype=np.float32) + clicks(100.0, seconds)
    whole = describe(sound, RATE).vector
    pieces = [sound[start : start + piece] for start in range(0, len(sound), piece)]
    streamed = _describe_stream(lambda: iter(pieces), RATE)
    np.testing.assert_allclose(streamed, whole, rtol=1e-4, atol=2e-4)


@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 1_300_000), size=st.integers(1_000, 400_000))
def test_stretches_own_every_frame_once_and_hold_its_samples(n, size):
    grid = frame_grid(RATE)
    sound = np.arange(1, n + 1, dtype=np.float32)
    padded = np.pad(sound, grid.n_fft // 2)
    first = 0
    for stretch in stretches((sound[i : i + size] for i in range(0, n, size)), grid):
        own = range(stretch.inner.start, stretch.inner.stop)
        for frame in (own[0], own[-1]):
            at = (first + frame - own[0]) * grid.hop
            mine = stretch.padded[frame * grid.hop : frame * grid.hop + grid.n_fft]
            np.testing.assert_array_equal(mine, padded[at : at + grid.n_fft])
        first += len(own)
    assert first == grid.n_frames(n)


def test_a_file_has_the_vector_of_its_sound(tmp_path):
    path = tmp_path / "sound.flac"
    write_clip(path, sound=clicks(120.0, 3.0), sample_rate=RATE)
    np.testing.assert_array_equal(describe_file(path), describe(read_sound(path).samples, RATE).vector)


def test_a_long_file_is_streamed_to_the_same_vector(tmp_path):
    path = tmp_path / "long.flac"
    write_clip(path, sound=clicks(120.0, 75.0) + noise(75.0, 0.01, 3), sample_rate=RATE)
    whole = describe(read_sound(path).samples, RATE).vector
    np.testing.assert_allclose(describe_file(path), whole, rtol=1e-4, atol=2e-4)


def test_files_without_sound_are_refused(tmp_path):
    quiet, mute = tmp_path / "quiet.flac", tmp_path / "mute.mp4"
    write_clip(quiet, sound=np.zeros(65 * RATE, np.float32), sample_rate=RATE)
    write_clip(mute, frames=np.zeros((5, 16, 16, 3), np.uint8))
    with pytest.raises(NoFeaturesError, match="silent"):
        describe_file(quiet)
    with pytest.raises(MissingStreamError):
        describe_file(mute)


def test_a_file_with_broken_samples_is_a_damaged_file(tmp_path):
    samples = noise(1.0)
    samples[500] = np.nan
    wavfile.write(tmp_path / "broken.wav", RATE, samples)
    with pytest.raises(MediaError, match="no sound"):
        describe_file(tmp_path / "broken.wav")


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
    with pytest.raises(ValueError, match="hop"):
        describe(np.ones(100), RATE, hop=0)
    with pytest.raises(ValueError, match="n_fft"):
        describe(np.ones(100), RATE, n_fft=101)
