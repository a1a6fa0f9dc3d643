"""Tempo, key and fundamental frequency, on sounds whose truth is known."""

import numpy as np
import pytest

from avrec_lib.content.audio import KEYS, describe, frames_of, onset_strength, tempo, yin
from avrec_lib.world.catalogue import clip_specs, sample_catalogue
from avrec_lib.world.sound import render_sound, render_stems
from avrec_lib.world.sound.score import BEAT_TOPICS
from tests.content.audio.signals import RATE, clicks, harmonic, noise, tone


@pytest.mark.parametrize("beats", [60.0, 90.0, 120.0, 150.0, 165.0])
def test_clicks_have_their_tempo(beats):
    features = describe(clicks(beats), RATE)
    assert features.tempo_bpm == pytest.approx(beats, rel=0.02)
    assert features.beat_regularity > 0.5


def test_without_a_beat_there_is_no_tempo():
    assert describe(tone(440.0, 0.3), RATE).tempo_bpm == 0.0
    assert tempo(np.zeros(300, np.float32), 43.0) == (0.0, 0.0)
    assert describe(noise(6.0), RATE).beat_regularity < 0.3


def test_an_onset_is_where_the_sound_begins():
    sound = np.concatenate([np.zeros(RATE, np.float32), noise(1.0)])
    features = describe(sound, RATE)
    assert features.times[features.onset_strength.argmax()] == pytest.approx(1.0, abs=0.05)
    assert onset_strength(np.zeros((1, 128), np.float32)).tolist() == [0.0]


@pytest.mark.parametrize("hertz", [70.0, 110.0, 261.63, 440.0, 1_000.0, 2_000.0])
def test_a_periodic_sound_has_its_fundamental(hertz):
    f0, aperiodicity = yin(frames_of(harmonic(hertz, 1.0), 2_048, 512), RATE)
    # A period that no whole number of samples holds is placed by a parabola.
    np.testing.assert_allclose(f0, hertz, rtol=0.01)
    assert aperiodicity.max() < 0.1


def test_noise_is_aperiodic_and_a_range_that_does_not_fit_is_refused():
    _, aperiodicity = yin(frames_of(noise(1.0), 2_048, 512), RATE)
    assert np.median(aperiodicity) > 0.5
    with pytest.raises(ValueError, match="cannot be found"):
        yin(np.zeros((2, 64), np.float32), 8_000, low=3_000.0, high=5_000.0)


@pytest.mark.parametrize(
    ("semitones", "key"),
    [((0, 4, 7, 5, 9, 12, 7, 11, 14, 0, 4, 7), "C major"), ((9, 12, 16, 14, 17, 21, 16, 20, 23, 9), "A minor")],
)
def test_a_cadence_has_its_key(semitones, key):
    sound = np.concatenate([harmonic(261.63 * 2.0 ** (s / 12), 0.4) for s in semitones])
    assert describe(sound, RATE).key == key and key in KEYS


def specs(n, topics=None, seed=31):
    wanted = (clip for clip in clip_specs(sample_catalogue(8 * n, seed=seed)) if topics is None or clip.topic in topics)
    return [clip for clip, _ in zip(wanted, range(n), strict=False)]


@pytest.mark.parametrize("seed", [31, 32, 33])
def test_planted_tempo_is_found_and_octave_errors_are_few(seed):
    ratios = []
    for clip in specs(30, BEAT_TOPICS, seed):
        sound, truth = render_sound(clip)
        ratios.append(describe(sound, RATE).tempo_bpm / truth.tempo_bpm)
    away = np.abs(np.log2(ratios))
    right, octave = away < np.log2(1.04), np.abs(away - 1.0) < np.log2(1.04)
    assert right.mean() >= 0.9 and octave.mean() <= 0.1, np.round(np.array(ratios)[~right], 2)


def test_planted_fundamental_is_found_in_the_lead():
    errors = []
    for clip in specs(8):
        stems, truth = render_stems(clip)
        features = describe(stems.lead, RATE)
        there = truth.f0_hz[np.minimum(np.round(100 * features.times).astype(int), len(truth.f0_hz) - 1)]
        # Where one note gives way to the next a frame holds both.
        steady = np.isfinite(there) & (features.aperiodicity < 0.1)
        errors.append(np.abs(1200 * np.log2(features.f0[steady] / there[steady])))
    errors = np.concatenate(errors)
    assert len(errors) > 500
    assert np.mean(errors < 50.0) > 0.9 and np.median(errors) < 10.0
