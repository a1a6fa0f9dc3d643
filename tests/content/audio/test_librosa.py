"""Every measurement that librosa has too is librosa's, on noise, on tones and on real music."""

from contextlib import nullcontext

import librosa
import numpy as np
import pytest

from avrec_lib.collect.datasets import has_dataset, load_dataset
from avrec_lib.content.audio import describe, harmonic_percussive, istft, stft
from avrec_lib.content.audio.harmony import chroma_filters
from avrec_lib.content.audio.mel import hz_from_mel, mel_filters, mel_from_hz
from avrec_lib.content.audio.pitch import HIGHEST_F0, LOWEST_F0
from avrec_lib.media import read_sound
from tests.content.audio.signals import RATE, clicks, harmonic, noise, tone

SIGNALS = ["noise", "tone", "notes", "clicks", "quiet end", "short", "music"]


@pytest.fixture(scope="module", params=SIGNALS)
def case(request):
    if request.param == "music":
        if not has_dataset("librosa-examples"):
            pytest.skip("the data set is not here; fetch it by: python -m avrec_lib.collect fetch librosa-examples")
        files = load_dataset("librosa-examples").files
        file = next(path for name, path in files.items() if "Fishin" in name and name.endswith(".ogg"))
        samples = read_sound(file, sample_rate=RATE, stop=6.0).samples
    else:
        samples = {
            "noise": noise(),
            "tone": tone(440.0),
            "notes": np.concatenate([harmonic(f, 0.7) for f in (220.0, 330.0, 494.0)]),
            "clicks": clicks(120.0),
            "quiet end": np.concatenate([noise(1.0), np.zeros(RATE, np.float32), 1e-3 * noise(1.0, seed=2)]),
            "short": noise(0.35),
        }[request.param]
    return samples, describe(samples, RATE)


def same(ours, theirs, tolerance=1e-5):
    assert ours.shape == theirs.shape
    scale = np.abs(theirs).max() or 1.0
    np.testing.assert_allclose(ours / scale, theirs / scale, rtol=0, atol=tolerance)


def test_stft(case):
    samples, _ = case
    same(stft(samples), librosa.stft(samples).T)
    same(
        stft(samples, 512, 100),
        librosa.stft(samples, n_fft=512, hop_length=100).T,
    )
    same(istft(stft(samples), length=len(samples)), samples)


def test_log_mel_and_cepstrum(case):
    samples, features = case
    same(features.log_mel, librosa.power_to_db(librosa.feature.melspectrogram(y=samples, sr=RATE)).T)
    cepstrum = librosa.feature.mfcc(y=samples, sr=RATE)
    same(features.mfcc, cepstrum.T)
    if len(features.times) >= 9:
        same(features.mfcc_delta, librosa.feature.delta(cepstrum).T)
        same(features.mfcc_delta2, librosa.feature.delta(cepstrum, order=2).T)


def test_chroma(case):
    samples, features = case
    same(features.chroma, librosa.feature.chroma_stft(y=samples, sr=RATE, tuning=0.0).T)


def test_spectral_shape(case):
    samples, features = case
    same(features.centroid, librosa.feature.spectral_centroid(y=samples, sr=RATE)[0])
    same(features.bandwidth, librosa.feature.spectral_bandwidth(y=samples, sr=RATE)[0])
    same(features.rolloff, librosa.feature.spectral_rolloff(y=samples, sr=RATE)[0])
    same(features.flatness, librosa.feature.spectral_flatness(y=samples)[0])
    same(features.contrast, librosa.feature.spectral_contrast(y=samples, sr=RATE).T)


def test_level_and_zero_crossings(case):
    samples, features = case
    same(features.rms, librosa.feature.rms(y=samples)[0])
    same(features.zero_crossings, librosa.feature.zero_crossing_rate(samples)[0])


def test_onset_strength(case):
    samples, features = case
    same(features.onset_strength, librosa.onset.onset_strength(y=samples, sr=RATE))


def test_fundamental_frequency(case):
    samples, features = case
    theirs = librosa.yin(samples, sr=RATE, fmin=LOWEST_F0, fmax=HIGHEST_F0)
    # In frames that are silent in part the difference is 0 over 0, and either may find anything.
    heard = features.rms > 1e-5
    assert np.mean(np.abs(features.f0 / theirs - 1.0)[heard] > 1e-5) < 0.01


def test_harmonic_and_percussive_parts(case):
    samples, features = case
    spectra = stft(samples)
    tones, blows = harmonic_percussive(np.abs(spectra))
    theirs_tones, theirs_blows = librosa.decompose.hpss(spectra.T)
    same(np.abs(spectra * tones), np.abs(theirs_tones.T))
    same(np.abs(spectra * blows), np.abs(theirs_blows.T))
    power = np.square(np.abs(spectra)).sum(axis=1)
    share = np.square(np.abs(theirs_tones)).sum(axis=0) / np.maximum(power, 1e-30)
    same(features.harmonic[power > 0], share[power > 0])


@pytest.mark.parametrize(("rate", "n_fft"), [(8_000, 1_024), (22_050, 2_048), (44_100, 4_096), (48_000, 1_500)])
def test_filters_at_other_rates(rate, n_fft):
    with pytest.warns() if rate == 8_000 else nullcontext():
        theirs = librosa.filters.mel(sr=rate, n_fft=n_fft, fmax=11_025.0)
    same(mel_filters(rate, n_fft), theirs.T)
    same(chroma_filters(rate, n_fft), librosa.filters.chroma(sr=rate, n_fft=n_fft).T)


def test_the_mel_scale_is_slaneys_and_can_be_undone():
    hertz = np.array([0.0, 20.0, 999.0, 1_000.0, 1_001.0, 11_025.0])
    np.testing.assert_allclose(mel_from_hz(hertz), librosa.hz_to_mel(hertz), rtol=1e-12)
    np.testing.assert_allclose(hz_from_mel(mel_from_hz(hertz)), hertz, rtol=1e-12)


def test_other_sizes_of_frames_and_another_rate():
    samples = noise(2.0, rate=44_100)
    features = describe(samples, 44_100, n_fft=1_024, hop=300)
    theirs = librosa.feature.melspectrogram(y=samples, sr=44_100, n_fft=1_024, hop_length=300, fmax=11_025.0)
    same(features.log_mel, librosa.power_to_db(theirs).T)
    same(features.centroid, librosa.feature.spectral_centroid(y=samples, sr=44_100, n_fft=1_024, hop_length=300)[0])
