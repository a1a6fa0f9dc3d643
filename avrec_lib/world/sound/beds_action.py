"""Backgrounds of sport and animation. Each returns its sound and the times of its main blows."""

import numpy as np
from numpy.typing import NDArray

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.sound.beds_music import kick, pad
from avrec_lib.world.sound.beds_nature import drip, spread
from avrec_lib.world.sound.noises import band, burst, drift, moving_band, noise, soften
from avrec_lib.world.sound.score import Score
from avrec_lib.world.sound.tones import (
    SAMPLE_RATE,
    Samples,
    breakpoints,
    damped,
    glide,
    hertz,
    loop,
    place,
    read_tables,
    swell,
    wave_tables,
)

__all__ = ["ball_match", "bouncing_shapes", "ink", "motor_race"]


def motor_race(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Race through the gears while rivals pass with a Doppler fall; blows are the gear shifts.

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
    n_gears = 4 + round(1.5 * clip.arousal)
    length = seconds / n_gears
    offset = float(rng.uniform(0.2, 0.9)) * length
    gear = np.floor((time + offset) / length)
    part = (time + offset) / length - gear
    shifts = np.arange(1, n_gears + 1) * length - offset
    idle = float(rng.uniform(95.0, 120.0)) * 2.0 ** (0.25 * clip.arousal)
    firing = idle * (1.0 + 1.15 * (1.0 - np.exp(-2.2 * part)) / 0.89) * (1.0 + 0.05 * gear)
    number = np.arange(1, 41)
    growl = 1.0 / number**0.75 * (1.0 + 1.2 * np.exp(-(((number - 4.0) / 2.0) ** 2))) / (1.0 + (number / 14.0) ** 3)
    tables = wave_tables(growl)
    cycles = loop(firing, n_samples)
    engine = read_tables(tables, cycles) + 0.5 * read_tables(tables, 0.5 * cycles)
    shifting = np.minimum(1.0, 0.15 + part * length / 0.07)
    rough = 1.0 + 0.16 * noise(rng, n_samples, band(20.0, 120.0))
    track = np.asarray(0.16 * engine * shifting * rough, dtype=np.float32)
    rival = tables.copy()
    for passing in spread(rng, 2 + round(max(0.0, 1.4 * clip.arousal)), seconds, margin=0.3):
        speed, distance, sound_speed = float(rng.uniform(55, 75)), float(rng.uniform(9, 16)), 340.0
        along = speed * (time - passing)
        away = np.sqrt(along**2 + distance**2)
        # Doppler: what is heard falls by the radial part of the speed
        heard = float(rng.uniform(210, 290)) / (1.0 + speed * along / away / sound_speed)
        near = (distance / away) ** 1.3
        part_on = np.flatnonzero(near > 0.03)
        piece = slice(part_on[0], part_on[-1] + 1)
        track[piece] += (0.30 * near[piece] * read_tables(rival, loop(heard[piece], len(part_on)))).astype(np.float32)
    track += 0.05 * noise(rng, n_samples, band(150.0, 2_500.0, tilt=-3.0)) * drift(rng, n_samples, 2.0, 0.5, 1.0)
    bang = burst(rng, 0.09, band(90.0, 1_500.0, tilt=-2.0), decay=0.02)
    shifts = shifts[(shifts > 0.05) & (shifts < seconds - 0.1)]
    for shift in shifts:
        place(track, bang, float(shift), 0.9)
    return track, np.asarray(shifts, dtype=np.float64)


def ball_match(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Let a crowd swell round kicks of a ball, claps and the referee's whistle; blows are kicks and whistles.

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
    excitement = drift(rng, n_samples, 0.7, 0.45, 1.0)
    track = 0.17 * noise(rng, n_samples, band(350.0, 1_300.0, order=1.6)) * excitement
    track += 0.09 * noise(rng, n_samples, band(1_500.0, 3_600.0, order=1.6)) * drift(rng, n_samples, 3.0, 0.4, 1.0)
    chant = float(rng.uniform(190, 230)) * (1.25 if clip.valence >= 0.0 else 1.19) ** (np.floor(2.0 * time) % 2)
    vowel = np.arange(1, 13)
    tables = wave_tables(1.0 / (1.0 + ((vowel - 3.0) / 1.6) ** 2))
    for voice in range(3):
        wander = 1.0 + 0.02 * drift(rng, n_samples, 5.0, -1.0, 1.0)
        sung = read_tables(tables, loop(chant * wander, n_samples) + 0.3 * voice)
        track += 0.030 * sung * np.clip(2.0 * np.sin(np.pi * (2.0 * time % 1.0)), 0.0, 1.0) * excitement
    track = np.asarray(track, dtype=np.float32)
    thump = kick(0.16, 85.0, 190.0)
    place(thump, burst(rng, 0.06, band(400.0, 3_500.0, tilt=-2.0), decay=0.012), 0.0, 0.9)
    kicks = spread(rng, round(5 + 3 * clip.arousal), seconds)
    for moment in kicks:
        place(track, thump, float(moment), float(rng.uniform(0.75, 1.0)))
    whistles = spread(rng, 2 if clip.arousal > 0.2 else 1, seconds, margin=0.9)
    pitch = float(rng.uniform(2_500, 2_900))
    for moment in whistles:
        n = round(float(rng.uniform(0.3, 0.6)) * SAMPLE_RATE)
        local = np.arange(n) / SAMPLE_RATE
        pea = np.sin(2.0 * np.pi * 38.0 * local)
        shrill = glide(pitch * (1.0 + 0.03 * pea), n, harmonics=(1.0, 0.10, 0.06)) * (0.8 + 0.2 * pea)
        place(track, (shrill * swell(n, 0.012, 0.05)).astype(np.float32), float(moment), 0.30)
    clap = burst(rng, 0.05, band(800.0, 4_000.0), decay=0.012)
    step = 0.42 * 2.0 ** (-0.4 * clip.arousal)
    for moment in np.arange(0.3, seconds - 0.2, step):
        for late in rng.uniform(0.0, 0.05, 5):
            place(track, clap, float(moment + late), 0.07)
    return track, np.sort(np.concatenate([kicks, whistles]))


def bouncing_shapes(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Bounce springs and bubbles on the beat, with a slide whistle; blows are boings and pops.

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
    onsets = []
    boings, pops = [], []
    for pitch in hertz(np.array(score.chord(0, 50))):
        n = round(0.42 * SAMPLE_RATE)
        local = np.arange(n) / SAMPLE_RATE
        wobble = 1.0 + 0.16 * np.sin(2.0 * np.pi * (9.0 + 26.0 * local) * local) * np.exp(-local / 0.25)
        rise = 0.7 + 0.9 * (1.0 - np.exp(-local / 0.10))
        spring = glide(pitch * rise * wobble, n, harmonics=(1.0, 0.45, 0.5, 0.2, 0.22, 0.1))
        fall = np.minimum(1.0, local / 0.003) * np.exp(-local / 0.15) * np.minimum(1.0, (local[-1] - local) / 0.03)
        boings.append((spring * fall).astype(np.float32))
    for pitch in rng.uniform(380.0, 620.0, 3):
        n = round(0.075 * SAMPLE_RATE)
        local = np.arange(n) / SAMPLE_RATE
        pop = glide(pitch * 2.0 ** (22.0 * local), n) * swell(n, 0.003, 0.03)
        place(pop, burst(rng, 0.01, band(600.0, 4_000.0), decay=0.002), 0.0, 0.8)
        pops.append(pop)
    pattern = rng.random(8) < 0.35 + 0.35 * clip.arousal
    for number, beat in enumerate(score.beats):
        spot = float(beat)
        if number % 2 == 0:
            place(track, boings[int(rng.integers(3))], spot, 0.50)
        else:
            place(track, pops[int(rng.integers(3))], spot, 0.62)
        onsets.append(spot)
        if pattern[number % 8] and spot + score.beat / 2.0 < seconds - 0.15:
            place(track, pops[int(rng.integers(3))], spot + score.beat / 2.0, 0.45)
            onsets.append(spot + score.beat / 2.0)
        bass = float(hertz(score.chord(number, 33)[0 if number % 2 == 0 else 2] + (0 if number % 2 == 0 else -12)))
        n = round(0.25 * SAMPLE_RATE)
        place(track, damped(bass * np.arange(1, 5), [0.35, 0.2, 0.08, 0.03], 0.09, n, attack=0.004), spot, 0.8)
    up = clip.valence >= 0.0
    for start in spread(rng, 1 + round(0.9 + 0.9 * clip.arousal), seconds, margin=0.9):
        n = round(0.55 * SAMPLE_RATE)
        local = np.arange(n) / SAMPLE_RATE
        way = local / local[-1] if up else 1.0 - local / local[-1]
        slide = 620.0 * 2.0 ** (1.5 * way) * (1.0 + 0.02 * np.sin(2.0 * np.pi * 7.0 * local))
        whistle = glide(slide, n, harmonics=(1.0, 0.05, 0.08)) + 0.04 * moving_band(rng, slide, 300.0)
        place(track, (whistle * swell(n, 0.05, 0.08)).astype(np.float32), float(start), 0.20)
        up = not up
    return track, np.array(onsets)


def ink(score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int) -> tuple[Samples, NDArray[np.float64]]:
    """Hold a slow drone under brush strokes and drops with echoes; blows are the drops.

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
    track = 0.30 * pad(score, n_samples, low=45, cutoff=480.0, detune=0.0022, fade=0.6)
    track += 0.05 * noise(rng, n_samples, band(150.0, 700.0, tilt=-3.0)) * drift(rng, n_samples, 0.5, 0.2, 1.0)
    for start in spread(rng, round(3 + 1.5 * clip.arousal), seconds, margin=0.6):
        length = float(rng.uniform(0.4, 0.75)) * 2.0 ** (-0.3 * clip.arousal)
        n = round(length * SAMPLE_RATE)
        low, high = float(rng.uniform(1_000, 1_600)), float(rng.uniform(2_400, 3_800))
        stroke = moving_band(rng, breakpoints([0.0, 0.4 * length, length], [low, high, low], n), 900.0)
        hair = 0.7 + 0.3 * drift(rng, n, 60.0, -1.0, 1.0)
        place(track, stroke * hair * swell(n, 0.45 * length, 0.5 * length), float(start), 0.065)
    drops = spread(rng, round(5 + 2.5 * clip.arousal), seconds)
    pitches = hertz(np.array([note + 24 for note in score.chord(0, 55)]))
    for moment in drops:
        drop = drip(float(rng.choice(pitches)), 0.22)
        for echo in range(4):
            place(track, soften(drop, 3_000.0 / (1.0 + echo)), float(moment) + 0.23 * echo, 0.42 * 0.42**echo)
    return np.asarray(track, dtype=np.float32), drops
