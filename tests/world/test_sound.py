"""The sound of the world's clips: the rendered samples, measured, agree with the truth that is kept beside them."""

from dataclasses import replace
from itertools import pairwise

import librosa
import numpy as np
import pytest
from scipy import signal
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.sound import SAMPLE_RATE, render_sound, render_stems
from avrec_lib.world.sound.mix import CEILING, loudness
from avrec_lib.world.sound.score import BEAT_TOPICS, KEY_NAMES
from avrec_lib.world.sound.tones import damped, hertz, read_tables, wave_tables
from avrec_lib.world.topics import INSTRUMENTS, TOPICS

TOPIC_NAMES = [topic.name for topic in TOPICS]
BY_NAME = {topic.name: topic for topic in TOPICS}
HOP = 220


def spec(topic: str, instrument: str = "piano", *, seed: int = 1, **changes) -> ClipSpec:
    about = BY_NAME[topic]
    clip = ClipSpec(
        clip_id="c0000001",
        topic=topic,
        family=about.family,
        instrument=instrument,
        setting="clear",
        valence=about.valence,
        arousal=about.arousal,
        pace=0.5,
        quality=0.7,
        duration_seconds=5.5,
        hue=0.5,
        warmth=0.5,
        seed=seed,
    )
    return replace(clip, **changes)


def rises(samples: np.ndarray) -> np.ndarray:
    """Return how much the sound grows at each hop of 10 ms, over 64 bands."""
    bands = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=1024, hop_length=HOP, n_mels=64)
    level = np.log10(1e-4 * bands.max() + bands)
    return np.maximum(0.0, np.diff(level, axis=1, prepend=level[:, :1])).mean(axis=0)


def centroid(samples: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float((power * np.fft.rfftfreq(len(samples), 1.0 / SAMPLE_RATE)).sum() / power.sum())


@pytest.mark.parametrize("number", range(len(TOPICS)))
def test_every_topic_gives_finite_unclipped_sound_of_the_right_length_with_quiet_edges(number):
    clip = spec(TOPIC_NAMES[number], INSTRUMENTS[number % 6], arousal=1.0, duration_seconds=61 / 12)
    samples, truth = render_sound(clip)
    assert samples.dtype == np.float32 and samples.shape == (round(61 / 12 * SAMPLE_RATE),)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= CEILING + 1e-4
    assert max(np.abs(samples[:20]).max(), np.abs(samples[-20:]).max()) < 5e-3
    assert truth.f0_hz.shape == (round(61 / 12 * 100),) and truth.f0_hz.dtype == np.float32
    assert (np.diff(truth.onset_times) > 0.0).all()
    assert truth.onset_times[0] >= 0.0 and truth.onset_times[-1] < clip.duration_seconds


@pytest.mark.parametrize("topic", TOPIC_NAMES)
def test_the_shortest_clip_and_the_extremes_of_mood_can_be_played(topic):
    for valence, arousal in ((-1.0, -1.0), (1.0, 1.0)):
        samples, truth = render_sound(spec(topic, "flute", duration_seconds=2.0, valence=valence, arousal=arousal))
        assert np.isfinite(samples).all()
        assert truth.onset_times[-1] < 2.0
        assert np.isfinite(truth.f0_hz).mean() > 0.3


def test_the_same_clip_gives_the_same_samples_and_another_seed_gives_others():
    for topic in ("techno", "rainforest", "market"):
        first, truth = render_sound(spec(topic))
        again, same = render_sound(spec(topic))
        assert first.tobytes() == again.tobytes()
        assert truth.f0_hz.tobytes() == same.f0_hz.tobytes()
        other, _ = render_sound(spec(topic, seed=2))
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.5


def test_the_instrument_does_not_change_the_background_and_stems_sum_to_the_clip():
    stems, truth = render_stems(spec("ocean", "piano", quality=1.0))
    samples, _ = render_sound(spec("ocean", "piano", quality=1.0))
    np.testing.assert_array_equal(stems.bed + stems.lead, samples)
    other, _ = render_stems(spec("ocean", "brass", quality=1.0))
    assert np.corrcoef(stems.bed, other.bed)[0, 1] > 0.99
    assert truth.instrument == "piano"


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_the_lead_stem_sounds_at_the_true_fundamental_within_five_cents(instrument):
    off = []
    for seed in range(3):
        stems, truth = render_stems(spec("ink", instrument, seed=seed, valence=0.3 - 0.3 * seed))
        bounds = np.append(np.round(stems.lead_onsets * SAMPLE_RATE).astype(int), len(stems.lead))
        for start, stop in pairwise(bounds):
            first, last = start + 1_500, min(stop - 1_500, start + 9_000)
            frames = np.arange(first * 100 // SAMPLE_RATE, last * 100 // SAMPLE_RATE + 2)
            if last - first < 2_500 or np.isnan(truth.f0_hz[frames]).any():
                continue
            # turning the sound back by the true phase leaves a rotation at the error in hertz
            true = np.interp(np.arange(first, last) / SAMPLE_RATE, frames / 100.0, truth.f0_hz[frames])
            turned = stems.lead[first:last] * np.exp(-2j * np.pi * np.cumsum(true) / SAMPLE_RATE)
            angle = np.unwrap(np.angle(np.convolve(turned, np.hanning(662), "valid")))
            slope = np.polyfit(np.arange(len(angle)) / SAMPLE_RATE, angle, 1)[0] / (2.0 * np.pi)
            off.append(1200.0 * np.log2(1.0 + slope / true.mean()))
    assert len(off) > 10
    assert abs(np.median(off)) < 1.0
    assert np.quantile(np.abs(off), 0.9) < 5.0


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_an_independent_pitch_tracker_follows_the_true_fundamental_frame_by_frame(instrument):
    stems, truth = render_stems(spec("market", instrument, seed=4, arousal=-0.2))
    heard = librosa.yin(stems.lead, fmin=90, fmax=1_900, sr=SAMPLE_RATE, frame_length=1024, hop_length=441)
    true = truth.f0_hz[::2]
    heard = heard[: len(true)]
    settled = np.array([np.isfinite(w).all() and np.ptp(w) < 0.01 * w[0] for w in np.pad(truth.f0_hz, 3, mode="edge")[
        np.arange(len(true))[:, None] * 2 + np.arange(7)]])  # fmt: skip
    cents = np.abs(1200.0 * np.log2(heard[settled] / true[settled]))
    assert settled.sum() > 40
    assert (cents < 12.0).mean() > 0.95


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_the_fundamental_is_nan_exactly_where_the_lead_is_silent(instrument):
    stems, truth = render_stems(spec("ink", instrument, seed=3, arousal=-0.9))
    frames = np.arange(4, len(truth.f0_hz) - 8)
    level = np.sqrt([np.mean(stems.lead[int(i * 220.5) - 110 : int(i * 220.5) + 110] ** 2) for i in frames])
    silent = np.isnan(truth.f0_hz[frames])
    inside = np.convolve(silent, np.ones(5), "same") == 5
    assert not silent.all()
    sounding = np.convolve(~silent, np.ones(5), "same") == 5
    assert level[sounding].min() > 0.006 * level.max()
    if inside.any():
        assert level[inside].max() < 0.06 * level.max()


@pytest.mark.parametrize("topic", TOPIC_NAMES)
def test_energy_rises_at_the_true_onsets_of_each_stem_and_of_the_clip(topic):
    for seed, instrument in ((1, "piano"), (2, "brass")):
        stems, truth = render_stems(spec(topic, instrument, seed=seed))
        cases = ((stems.bed, stems.bed_onsets), (stems.lead, stems.lead_onsets))
        for samples, onsets in (*cases, (stems.bed + stems.lead, truth.onset_times)):
            growth = rises(samples)
            at = np.round(onsets * SAMPLE_RATE / HOP).astype(int)
            best = np.array([growth[max(0, i - 2) : i + 6].max() for i in at])
            # as strong as the strongest moments of windows of the same width anywhere
            usual = np.median([growth[i : i + 8].max() for i in range(len(growth) - 8)])
            assert (best >= np.quantile(growth, 0.6)).all()
            if len(onsets) > 2:
                assert np.median(best) >= 0.98 * usual
    assert len(stems.bed_onsets) > 0 or topic == "ocean"


@pytest.mark.parametrize("topic", sorted(BEAT_TOPICS))
def test_the_background_repeats_with_the_true_tempo(topic):
    for seed in (1, 2, 3):
        stems, truth = render_stems(spec(topic, seed=seed, duration_seconds=7.0))
        beat = 60.0 / truth.tempo_bpm * SAMPLE_RATE / HOP
        growth = rises(stems.bed)
        growth = growth - growth.mean()
        match = np.correlate(growth, growth, "full")[len(growth) - 1 :]
        low, high = int(0.88 * beat), int(1.12 * beat) + 2
        peak = low + int(match[low:high].argmax())
        assert abs(peak - beat) < 0.02 * beat + 1.0
        assert match[peak] > 0.05 * match[0]


def test_tempo_rises_with_arousal_and_is_unknown_where_there_is_no_beat():
    for topic in TOPIC_NAMES:
        tempos = [render_sound(spec(topic, arousal=a, duration_seconds=2.0))[1].tempo_bpm for a in (-0.8, 0.0, 0.8)]
        if topic in BEAT_TOPICS:
            assert tempos[0] < tempos[1] < tempos[2]
        else:
            assert np.isnan(tempos).all()


@pytest.mark.parametrize("topic", TOPIC_NAMES)
def test_loudness_rises_with_arousal(topic):
    levels = [
        loudness(render_sound(spec(topic, "guitar", arousal=a, duration_seconds=3.0))[0]) for a in (-0.9, 0.0, 0.9)
    ]
    assert (np.diff(levels) > 2.0).all()


@pytest.mark.parametrize("valence", [-0.8, -0.2, 0.2, 0.8])
def test_the_lead_plays_the_third_that_valence_asks_for_and_stays_in_its_key(valence):
    for seed in range(4):
        instrument = INSTRUMENTS[seed]
        stems, truth = render_stems(spec("ink", instrument, seed=seed, valence=valence))
        name, mode = truth.key.split()
        assert mode == ("major" if valence >= 0.0 else "minor")
        heard = librosa.yin(stems.lead, fmin=90, fmax=1_900, sr=SAMPLE_RATE, frame_length=1024, hop_length=441)
        voiced = np.isfinite(truth.f0_hz[::2])
        pitch = np.round(12.0 * np.log2(heard[: len(voiced)][voiced] / 440.0) + 69.0).astype(int)
        share = np.bincount((pitch - KEY_NAMES.index(name)) % 12, minlength=12) / voiced.sum()
        third, wrong = (4, 3) if mode == "major" else (3, 4)
        assert share[third] > 0.04 and share[third] > 3.0 * share[wrong]
        scale = [0, 2, 4, 5, 7, 9, 11] if mode == "major" else [0, 2, 3, 5, 7, 8, 10, 11]
        assert share[scale].sum() > 0.85


def test_warmth_darkens_and_poor_quality_adds_hiss():
    for topic in ("techno", "market", "ocean"):
        assert centroid(render_sound(spec(topic, warmth=0.0))[0]) > 1.2 * centroid(
            render_sound(spec(topic, warmth=1.0))[0]
        )
    quiet = {}
    for quality in (0.0, 1.0):
        stems, _ = render_stems(spec("nocturne-piano", quality=quality))
        b, a = signal.butter(4, 8_000.0, "high", fs=SAMPLE_RATE)
        quiet[quality] = np.sqrt(np.mean(signal.lfilter(b, a, stems.bed) ** 2))
    assert quiet[0.0] > 3.0 * quiet[1.0]


@pytest.fixture(scope="module")
def features():
    rows, topics, instruments = [], [], []
    rng = np.random.default_rng(0)
    for number in range(6 * len(TOPICS)):
        topic, instrument = TOPICS[number % 16], INSTRUMENTS[number // 16]
        valence, arousal = np.clip(rng.normal((topic.valence, topic.arousal), 0.4), -1.0, 1.0)
        mood = {"valence": float(valence), "arousal": float(arousal), "warmth": float(rng.random())}
        samples, _ = render_sound(
            spec(topic.name, instrument, seed=100 + number, quality=float(rng.random()), duration_seconds=5.0, **mood)
        )
        mfcc = librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE, n_mfcc=20, n_mels=64, hop_length=512)
        rows.append(np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1), np.diff(mfcc).std(axis=1)]))
        topics.append(topic.name)
        instruments.append(instrument)
    return np.array(rows), np.array(topics), np.array(instruments)


def test_simple_features_tell_topics_and_instruments_apart(features):
    rows, topics, instruments = features
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000))
    assert cross_val_score(model, rows, topics, cv=3).mean() > 0.8
    assert cross_val_score(model, rows, instruments, cv=3).mean() > 0.5


def test_damped_sines_equal_their_formula():
    time = np.arange(5_000) / SAMPLE_RATE
    expected = 0.5 * np.exp(-time / 0.1) * np.sin(2.0 * np.pi * 440.0 * time + 0.3)
    expected += 0.2 * np.exp(-time / 0.02) * np.sin(2.0 * np.pi * 1_234.5 * time + 0.3)
    got = damped([440.0, 1_234.5], [0.5, 0.2], [0.1, 0.02], 5_000, phases=0.3, attack=0.0)
    np.testing.assert_allclose(got, expected, atol=2e-6)
    assert not damped([12_000.0], [1.0], [1.0], 100).any()


def test_a_wave_table_has_the_harmonics_it_was_asked_for():
    phase = np.arange(SAMPLE_RATE) * (441.0 / SAMPLE_RATE)
    spectrum = np.abs(np.fft.rfft(read_tables(wave_tables([1.0, 0.5, 0.0, 0.25]), phase))) * 2.0 / SAMPLE_RATE
    np.testing.assert_allclose(spectrum[[441, 882, 1_323, 1_764]], [1.0, 0.5, 0.0, 0.25], atol=1e-3)
    assert np.delete(spectrum, [441, 882, 1_323, 1_764]).max() < 1e-3


def test_hertz_of_concert_a():
    np.testing.assert_allclose(hertz([57, 69, 60]), [220.0, 440.0, 261.6256], rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"topic": "opera"}, "c0000001.*'opera'.*nocturne-piano"),
        ({"instrument": "kazoo"}, "c0000001.*'kazoo'.*marimba"),
        ({"duration_seconds": 0.5}, "c0000001.*0.5 s.*at least 2 s"),
        ({"duration_seconds": float("nan")}, "c0000001.*nan"),
        ({"valence": 1.5}, r"c0000001.*1.5.*\[-1, 1\]"),
    ],
)
def test_a_clip_that_cannot_be_played_is_named_with_the_reason(changes, message):
    with pytest.raises(ValueError, match=message):
        render_sound(replace(spec("ocean"), **changes))
