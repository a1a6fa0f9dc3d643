"""Backgrounds of the nature family. Each returns its sound and the times of its main blows."""

import numpy as np
from numpy.typing import NDArray

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.sound.noises import band, burst, drift, noise, shower, soften
from avrec_lib.world.sound.score import Score
from avrec_lib.world.sound.tones import SAMPLE_RATE, Samples, breakpoints, damped, glide, place, swell

__all__ = ["birdsong_meadow", "drip", "ocean", "rainforest", "spread", "thunderstorm"]


def spread(rng: np.random.Generator, count: int, seconds: float, *, margin: float = 0.4) -> NDArray[np.float64]:
    """Draw random moments, one in each equal part of a clip.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    count : int
        Number of moments.
    seconds, margin : float
        Length of the clip; how much of its end stays free.

    Returns
    -------
    ndarray of shape (count,)
        Seconds, increasing.
    """
    width = max(seconds - margin - 0.15, 0.1) / count
    return np.asarray(0.15 + (np.arange(count) + rng.uniform(0.1, 0.8, count)) * width, dtype=np.float64)


def drip(pitch: float, seconds: float = 0.16) -> Samples:
    """Return a drop of water: a short sine that rises as its bubble closes.

    Parameters
    ----------
    pitch : float
        First frequency in hertz.
    seconds : float
        Length.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, float32, peak near 1.
    """
    n_samples = round(seconds * SAMPLE_RATE)
    time = np.arange(n_samples) / SAMPLE_RATE
    tone = glide(pitch * (1.0 + 0.77 * time / seconds), n_samples, harmonics=(1.0, 0.08))
    fall = np.exp(-time / (0.22 * seconds)) * np.minimum(1.0, time / 0.0015)
    return np.asarray(tone * fall * np.minimum(1.0, (time[-1] - time) / 0.01), dtype=np.float32)


def rainforest(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Layer soft rain, crickets, frogs, drips and a calling bird; blows are frogs and drips.

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
    time = np.arange(n_samples, dtype=np.float32) / np.float32(SAMPLE_RATE)
    track: Samples = 0.030 * noise(rng, n_samples, band(500.0, 7_000.0, tilt=-2.5))
    for base, rate in ((float(rng.uniform(4_000, 4_600)), 2.6), (float(rng.uniform(5_400, 6_200)), 4.1)):
        rate *= 2.0 ** (0.4 * clip.arousal)
        trill = np.clip(np.sin(2.0 * np.pi * float(rng.uniform(26, 36)) * time), 0.0, None)
        phrase = np.clip(4.0 * np.sin(2.0 * np.pi * (rate * time + rng.random())), 0.0, 1.0)
        track += 0.085 * glide(base, n_samples) * (trill * phrase * drift(rng, n_samples, 0.8, 0.3)).astype(np.float32)
    track += shower(rng, n_samples, 9.0, [0.05 * drip(float(p), 0.05) for p in rng.uniform(1_500, 3_200, 3)])
    onsets = []
    for start in spread(rng, round(5 + 3 * clip.arousal), seconds):
        place(track, drip(float(rng.uniform(750, 1_500)), 0.18), float(start), 0.42)
        onsets.append(float(start))
    croak_rate = float(rng.uniform(38, 55))
    low = float(rng.uniform(260, 420))
    for start in spread(rng, round(3.4 + 1.6 * clip.arousal), seconds, margin=0.7):
        for part, length in ((0.0, 0.13), (0.2, 0.2)):
            n = round(length * SAMPLE_RATE)
            local = np.arange(n) / SAMPLE_RATE
            pulse = np.clip(np.sin(2.0 * np.pi * croak_rate * local), 0.0, None) ** 2
            rise = low * (1.0 + (0.25 if part else 0.0) + 0.4 * local)
            croak = glide(rise, n, harmonics=(0.7, 1.0, 0.7, 0.35)) * (pulse * swell(n, 0.012, 0.05))
            place(track, croak.astype(np.float32), float(start) + part, 0.30)
            onsets.append(float(start) + part)
    for start in spread(rng, 2 if clip.valence > -0.2 else 1, seconds, margin=0.9):
        n = round(0.6 * SAMPLE_RATE)
        curve = breakpoints([0.0, 0.18, 0.3, 0.6], np.array([1.0, 1.7, 1.2, 1.35]) * rng.uniform(900, 1_300), n)
        place(track, glide(curve, n, harmonics=(1.0, 0.15)) * swell(n, 0.05, 0.2), float(start), 0.12)
    return track, np.array(onsets)


def ocean(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Let waves roar, break and hiss back in turn, with gulls when the mood is bright; it has no blows.

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
    time = np.arange(n_samples, dtype=np.float32) / np.float32(SAMPLE_RATE)
    period = 3.4 * 2.0 ** (-0.45 * clip.arousal) * float(rng.uniform(0.92, 1.08))
    cycle = time / period + float(rng.uniform(0.55, 0.85))
    part = cycle % 1.0
    strong = rng.uniform(0.75, 1.0, int(cycle[-1]) + 2).astype(np.float32)[cycle.astype(np.intp)]

    def hump(centre: float, rise: float, fall: float) -> Samples:
        away = (part - centre + 0.5) % 1.0 - 0.5
        wide = np.where(away < 0.0, np.float32(1.0 / rise), np.float32(1.0 / fall))
        return np.asarray(np.exp(-((away * wide) ** 2)) * strong, dtype=np.float32)

    track: Samples = 0.9 * noise(rng, n_samples, band(35.0, 220.0, tilt=-3.0)) * (0.25 + hump(0.45, 0.22, 0.2))
    track += 0.75 * noise(rng, n_samples, band(180.0, 1_400.0, tilt=-3.0)) * (0.10 + hump(0.5, 0.14, 0.16))
    track += 0.34 * noise(rng, n_samples, band(1_500.0, 8_500.0, tilt=-2.0)) * (0.06 + hump(0.6, 0.10, 0.22))
    track += shower(rng, n_samples, 14.0, [0.03 * drip(float(p), 0.06) for p in rng.uniform(600, 1_600, 2)])
    if clip.valence > 0.0:
        for start in spread(rng, 1 + round(1.5 * clip.valence), seconds, margin=0.9):
            base = float(rng.uniform(1_100, 1_500))
            for call in range(int(rng.integers(2, 4))):
                n = round(0.26 * SAMPLE_RATE)
                curve = base * breakpoints([0.0, 0.05, 0.26], [0.85, 1.15, 0.75], n)
                gull = glide(curve, n, harmonics=(0.6, 1.0, 0.5, 0.25)) * swell(n, 0.03, 0.12)
                place(track, gull, float(start) + 0.3 * call, 0.13)
    else:
        howl = noise(rng, n_samples, band(330.0, 420.0, order=5.0)) * drift(rng, n_samples, 0.9)
        track += np.float32(0.25 * -clip.valence) * howl
    return track, np.zeros(0)


def thunderstorm(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Pour heavy rain and wind under thunder that cracks and rolls away; blows are the cracks.

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
    track: Samples = (
        0.16 * noise(rng, n_samples, band(900.0, 9_000.0, tilt=-1.5)) * drift(rng, n_samples, 1.2, 0.75, 1.0)
    )
    patter = [
        burst(rng, 0.012, band(1_500.0, 6_000.0), decay=0.003),
        burst(rng, 0.02, band(500.0, 2_000.0), decay=0.004),
    ]
    track += shower(rng, n_samples, 120.0 * 2.0**clip.arousal, [0.30 * grain for grain in patter])
    whistle = noise(rng, n_samples, band(280.0, 520.0, order=3.0)) * drift(rng, n_samples, 0.8)
    track += np.float32(0.06 + 0.05 * max(0.0, -clip.valence)) * whistle
    cracks = spread(rng, 2 + round(max(0.0, 1.2 * clip.arousal)), seconds, margin=1.6)
    for crack in cracks:
        n = round(3.2 * SAMPLE_RATE)
        time = np.arange(n) / SAMPLE_RATE
        fall = np.exp(-time / 0.9) * np.minimum(1.0, time / 0.008) * np.minimum(1.0, (3.2 - time) / 0.3)
        roll = noise(rng, n, band(28.0, 130.0, tilt=-3.0)) * drift(rng, n, 9.0, 0.3, 1.0) * 1.5
        roll += noise(rng, n, band(110.0, 700.0, tilt=-4.0)) * drift(rng, n, 14.0, 0.1, 1.0) * np.exp(-time / 0.5)
        loud = float(rng.uniform(0.55, 0.85))
        place(track, (roll * fall).astype(np.float32), float(crack), loud)
        for late, strength in ((0.0, 1.0), (0.05, 0.6), (0.13, 0.5)):
            place(
                track,
                burst(rng, 0.3, band(200.0, 5_000.0, tilt=-3.0), decay=0.06),
                float(crack) + late,
                3.0 * loud * strength,
            )
    return np.asarray(track, dtype=np.float32), cracks


def birdsong_meadow(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Let three birds sing their own songs over a light breeze; blows are the notes of the nearest bird.

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
    breeze = noise(rng, n_samples, band(90.0, 900.0, tilt=-4.0)) * drift(rng, n_samples, 0.7, 0.3, 1.0)
    track = np.asarray(0.035 * breeze, dtype=np.float32)
    track += 0.004 * noise(rng, n_samples, band(2_000.0, 7_000.0))
    onsets: list[float] = []
    quick = 2.0 ** (0.4 * clip.arousal)
    for bird, (gain, phrases) in enumerate(((0.42, 3), (0.16, 3), (0.09, 2))):
        base = float(rng.uniform(2_300, 3_600))
        n_kinds = 3
        shapes = rng.uniform(0.72, 1.35, (n_kinds, 4))
        lengths = rng.uniform(0.05, 0.14, n_kinds) / quick
        song = np.repeat(rng.integers(n_kinds, size=4), rng.integers(1, 4, size=4))
        syllables = []
        for shape, length in zip(shapes, lengths, strict=True):
            n = round(length * SAMPLE_RATE)
            curve = base * breakpoints(np.linspace(0.0, length, 4), shape, n)
            wobble = 1.0 + 0.03 * np.sin(2.0 * np.pi * 45.0 * np.arange(n) / SAMPLE_RATE)
            syllables.append(glide(curve * wobble, n, harmonics=(1.0, 0.12)) * swell(n, 0.008, 0.025))
        for start in spread(rng, phrases + round(clip.arousal), seconds, margin=0.5):
            moment = float(start)
            for kind in song:
                if moment > seconds - 0.2:
                    break
                place(track, syllables[kind], moment, gain * float(rng.uniform(0.8, 1.0)))
                if bird == 0:
                    onsets.append(moment)
                moment += lengths[kind] + 0.045 / quick
    if clip.valence > 0.2:
        cuckoo = float(rng.uniform(560, 640))
        for start in spread(rng, 1, seconds, margin=1.0):
            for late, ratio in ((0.0, 1.0), (0.36, 0.8)):
                n = round(0.24 * SAMPLE_RATE)
                place(
                    track,
                    glide(cuckoo * ratio, n, harmonics=(1.0, 0.1)) * swell(n, 0.04, 0.1),
                    float(start) + late,
                    0.10,
                )
    else:
        crow = damped(np.arange(1, 9) * 540.0, 0.08, 0.12, round(0.3 * SAMPLE_RATE), attack=0.03)
        place(track, soften(crow, 2_500.0), float(rng.uniform(0.5, seconds - 1.0)), 0.5)
    return track, np.array(sorted(onsets))
