"""Backgrounds of city and craft. Each returns its sound and the times of its main blows."""

import numpy as np
from numpy.typing import NDArray

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.sound.beds_music import kick, pad, saw_tables
from avrec_lib.world.sound.beds_nature import spread
from avrec_lib.world.sound.noises import band, burst, drift, moving_band, noise, soften
from avrec_lib.world.sound.score import Score
from avrec_lib.world.sound.tones import (
    SAMPLE_RATE,
    Samples,
    breakpoints,
    damped,
    hertz,
    loop,
    place,
    read_tables,
    swell,
    wave_tables,
)

__all__ = ["market", "night_drive", "train_ride", "workshop"]

_VOWELS = np.array(
    [[730, 1_090, 2_440], [530, 1_840, 2_480], [300, 2_200, 2_960], [570, 840, 2_410], [440, 1_020, 2_240]]
)
"""First three formants of five vowels in hertz (after the averages of Peterson and Barney, 1952)."""


def night_drive(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Hum along a road under a synthesiser pad and a pulsing bass; blows are the muffled drums on the beat.

    Parameters
    ----------
    score : Score
        Key, tempo, beats and chords.
    clip : ClipSpec
        The clip, for its mood.
    rng : Generator
        Source of randomness.
    n_samples : int
        Length.

    Returns
    -------
    samples : ndarray of shape (n_samples,)
        The background, float32, not yet at its final loudness.
    blows : ndarray of shape (n_blows,)
        Times of the main blows in seconds.
    """
    seconds = n_samples / SAMPLE_RATE
    time = np.arange(n_samples) / SAMPLE_RATE
    number = np.arange(1, 9)
    hum = (
        float(rng.uniform(58, 70)) * (1.0 + 0.02 * drift(rng, n_samples, 0.6, -1.0, 1.0)) * 2.0 ** (0.2 * clip.arousal)
    )
    track = 0.13 * read_tables(wave_tables(1.0 / number**1.3), loop(hum, n_samples))
    track += 0.17 * noise(rng, n_samples, band(40.0, 260.0, tilt=-4.0)) * drift(rng, n_samples, 1.5, 0.7, 1.0)
    track += 0.30 * pad(score, n_samples, low=50, cutoff=1_100.0, detune=0.004, fade=0.35)
    drum, tick = soften(kick(0.24, 50.0, 110.0), 300.0), burst(rng, 0.10, band(900.0, 3_500.0), decay=0.03)
    length = round(0.42 * score.beat * SAMPLE_RATE)
    shape = swell(length, 0.006, 0.09)
    tables = saw_tables(380.0, lowest=60.0)
    for beat_number, beat in enumerate(score.beats):
        place(track, drum, float(beat), 0.95)
        if beat_number % 2 == 1:
            place(track, tick, float(beat), 0.5)
        note = float(hertz(score.chord(beat_number, 31)[0]))
        for half in (0.0, 0.5):
            place(track, read_tables(tables, loop(note, length)) * shape, float(beat) + half * score.beat, 0.27)
    for passing in spread(rng, 1 + round(max(0.0, 1.0 + clip.arousal)), seconds, margin=0.6):
        near = 1.0 / (1.0 + ((time - passing) / 0.28) ** 2)
        centre = 520.0 - 160.0 * np.tanh((time - passing) / 0.22)
        track += 0.16 * moving_band(rng, centre, 260.0) * near
    return np.asarray(track, dtype=np.float32), score.beats.copy()


def market(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Let many voices babble in vowels among footsteps, coins and a hand bell; blows are bell and footsteps.

    Parameters
    ----------
    score : Score
        Key, tempo, beats and chords.
    clip : ClipSpec
        The clip, for its mood.
    rng : Generator
        Source of randomness.
    n_samples : int
        Length.

    Returns
    -------
    samples : ndarray of shape (n_samples,)
        The background, float32, not yet at its final loudness.
    blows : ndarray of shape (n_blows,)
        Times of the main blows in seconds.
    """
    seconds = n_samples / SAMPLE_RATE
    track = np.zeros(n_samples, dtype=np.float32)
    harmonic = np.arange(1, 37)
    for voice in range(6):
        high = voice % 2 == 1
        base = float(rng.uniform(180, 250) if high else rng.uniform(95, 145))
        frequency = base * harmonic[None, :, None]
        formants = _VOWELS[:, None, :] * (1.15 if high else 1.0)
        peaks = np.exp(-(((frequency - formants) / (70.0 + 0.05 * formants)) ** 2)) * np.array([1.0, 0.55, 0.28])
        tables = wave_tables((peaks.sum(axis=2) + 0.02) / np.sqrt(harmonic) * (frequency[..., 0] < 5_000.0))
        rate = float(rng.uniform(3.8, 5.4)) * 2.0 ** (0.35 * clip.arousal)
        position = np.arange(n_samples) * (rate / SAMPLE_RATE) + float(rng.random())
        syllable = position.astype(np.intp)
        part = (position - syllable).astype(np.float32)
        n_syllables = int(syllable[-1]) + 2
        vowel = rng.integers(len(_VOWELS), size=n_syllables)
        level = np.where(rng.random(n_syllables) < 0.78, rng.uniform(0.4, 1.0, n_syllables), 0.0).astype(np.float32)
        tune = rng.uniform(0.88, 1.2, n_syllables)
        pitch = base * (tune[syllable] + (tune[syllable + 1] - tune[syllable]) * part)
        spoken = read_tables(tables, loop(pitch, n_samples), vowel[syllable])
        track += (0.11 if voice < 2 else 0.06) * spoken * level[syllable] * np.sin(np.float32(np.pi) * part)
    track += 0.035 * noise(rng, n_samples, band(300.0, 3_000.0, tilt=-3.0))
    pace = 0.5 * 2.0 ** (-0.4 * clip.arousal)
    steps = np.arange(float(rng.uniform(0.1, 0.4)), seconds - 0.2, pace)
    tread = burst(rng, 0.09, band(120.0, 1_400.0, tilt=-2.0), decay=0.018)
    for moment in steps:
        place(track, tread, float(moment), float(rng.uniform(0.75, 1.0)))
    bells = spread(rng, 2 + (clip.arousal > 0.4), seconds, margin=0.9)
    ring_pitch = float(rng.uniform(1_900, 2_500))
    ring = damped(
        ring_pitch * np.array([1.0, 1.51, 2.02, 2.74]), [0.30, 0.16, 0.12, 0.06], [0.5, 0.35, 0.25, 0.15], 18_000
    )
    for moment in bells:
        place(track, ring, float(moment), 0.6)
    coin = damped([5_100.0, 6_800.0, 8_300.0], [0.3, 0.25, 0.15], [0.05, 0.04, 0.03], 3_000)
    for moment in spread(rng, 4, seconds):
        for late in (0.0, 0.06, 0.1):
            place(track, coin, float(moment) + late, 0.12)
    return track, np.sort(np.concatenate([steps, bells]))


def train_ride(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Clack over the rail joints, rumble and blow the horn; blows are the clacks, two a beat, and the horn.

    Parameters
    ----------
    score : Score
        Key, tempo, beats and chords.
    clip : ClipSpec
        The clip, for its mood.
    rng : Generator
        Source of randomness.
    n_samples : int
        Length.

    Returns
    -------
    samples : ndarray of shape (n_samples,)
        The background, float32, not yet at its final loudness.
    blows : ndarray of shape (n_blows,)
        Times of the main blows in seconds.
    """
    seconds = n_samples / SAMPLE_RATE
    track = 0.14 * noise(rng, n_samples, band(45.0, 350.0, tilt=-3.0)) * drift(rng, n_samples, 3.0, 0.7, 1.0)
    track += 0.030 * noise(rng, n_samples, band(700.0, 4_500.0, tilt=-2.0)) * drift(rng, n_samples, 5.0, 0.4, 1.0)
    rail = damped([640.0, 1_480.0, 2_350.0, 3_900.0], [0.3, 0.3, 0.2, 0.1], [0.022, 0.018, 0.014, 0.008], 3_300)
    place(rail, burst(rng, 0.09, band(90.0, 1_800.0, tilt=-2.0), decay=0.022), 0.0, 1.1)
    place(rail, kick(0.12, 70.0, 120.0), 0.0, 0.5)
    onsets = []
    for beat in score.beats:
        for late, gain in ((0.0, 1.0), (0.30 * score.beat, 0.72)):
            if float(beat) + late < seconds - 0.1:
                place(track, rail, float(beat) + late, gain * float(rng.uniform(0.9, 1.0)))
                onsets.append(float(beat) + late)
    number = np.arange(1, 13)
    tables = wave_tables(1.0 / number**0.8 / (1.0 + (number / 6.0) ** 2))
    # the horn sounds a chord: bright moods a major sixth, dark ones a diminished seventh
    ratios = (1.0, 1.26, 1.498, 1.682) if clip.valence >= 0.0 else (1.0, 1.189, 1.414, 1.682)
    horn_start = float(rng.uniform(0.8, max(0.9, seconds - 2.6)))
    blow = round(float(rng.uniform(0.9, 1.4)) * SAMPLE_RATE)
    base = float(rng.uniform(270, 320))
    fall = breakpoints([0.0, 0.08, blow / SAMPLE_RATE - 0.15, blow / SAMPLE_RATE], [0.97, 1.0, 1.0, 0.985], blow)
    horn = sum(read_tables(tables, loop(base * ratio * fall.astype(np.float64), blow)) for ratio in ratios)
    place(track, np.asarray(horn, dtype=np.float32) * swell(blow, 0.06, 0.2), horn_start, 0.060)
    onsets.append(horn_start)
    return np.asarray(track, dtype=np.float32), np.array(sorted(onsets))


def workshop(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Hammer on wood and on iron on the beat, saw between; blows are the hammer's.

    Parameters
    ----------
    score : Score
        Key, tempo, beats and chords.
    clip : ClipSpec
        The clip, for its mood.
    rng : Generator
        Source of randomness.
    n_samples : int
        Length.

    Returns
    -------
    samples : ndarray of shape (n_samples,)
        The background, float32, not yet at its final loudness.
    blows : ndarray of shape (n_blows,)
        Times of the main blows in seconds.
    """
    seconds = n_samples / SAMPLE_RATE
    track = np.asarray(0.02 * noise(rng, n_samples, band(80.0, 900.0, tilt=-4.0)), dtype=np.float32)
    wood = damped([210.0, 420.0, 760.0, 1_250.0], [0.5, 0.4, 0.25, 0.15], [0.05, 0.035, 0.02, 0.012], 5_000)
    place(wood, burst(rng, 0.04, band(500.0, 5_000.0), decay=0.006), 0.0, 1.0)
    iron_pitch = float(rng.uniform(1_150, 1_500))
    ratios = np.array([1.0, 1.593, 2.296, 2.917, 3.91, 5.3])
    iron = damped(iron_pitch * ratios, [0.26, 0.22, 0.2, 0.14, 0.1, 0.06], 0.55 / ratios**0.7, 20_000, attack=0.001)
    place(iron, burst(rng, 0.03, band(1_500.0, 8_000.0), decay=0.004), 0.0, 0.9)
    onsets = []
    doubled = rng.random(8) < 0.25 + 0.3 * clip.arousal
    ringing = int(rng.integers(4))
    for number, beat in enumerate(score.beats):
        piece, gain = (iron, 0.55) if number % 4 == ringing else (wood, 0.75)
        for late in (0.0, 0.5) if doubled[number % 8] else (0.0,):
            moment = float(beat) + late * score.beat
            if moment < seconds - 0.1:
                place(track, piece if late == 0.0 else wood, moment, gain * float(rng.uniform(0.88, 1.0)))
                onsets.append(moment)
    rate = 2.1 * 2.0 ** (0.4 * clip.arousal)
    time = np.arange(n_samples) / SAMPLE_RATE
    stroke = (rate * time + float(rng.random())) % 1.0
    there = np.clip(np.sin(2.0 * np.pi * stroke), 0.0, None)
    back = np.clip(-np.sin(2.0 * np.pi * stroke), 0.0, None)
    teeth = 1.0 + 0.7 * np.sin(2.0 * np.pi * 95.0 * np.cumsum(there + 0.6 * back) / SAMPLE_RATE)
    sawing = drift(rng, n_samples, 0.5, -0.3, 1.4).clip(0.25, 1.0)
    blade = (
        noise(rng, n_samples, band(1_100.0, 3_200.0)) * there
        + 0.6 * noise(rng, n_samples, band(1_900.0, 5_500.0)) * back
    )
    track += (0.11 * blade * teeth * sawing).astype(np.float32)
    return track, np.array(onsets)
