"""Backgrounds of the music family. Each returns its sound and the times of its main blows."""

import numpy as np
from numpy.typing import NDArray

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.sound.instruments import hold, strike
from avrec_lib.world.sound.noises import band, burst, soften
from avrec_lib.world.sound.score import Score
from avrec_lib.world.sound.tones import (
    SAMPLE_RATE,
    Samples,
    glide,
    hertz,
    loop,
    place,
    read_tables,
    swell,
    wave_tables,
)

__all__ = ["brass_march", "folk_guitar", "kick", "nocturne_piano", "pad", "saw_tables", "techno"]


def kick(seconds: float = 0.28, low: float = 48.0, high: float = 170.0) -> Samples:
    """Return a bass drum: a sine whose pitch falls quickly.

    Parameters
    ----------
    seconds : float
        Length.
    low, high : float
        Last and first frequency in hertz.

    Returns
    -------
    ndarray of shape (n_samples,)
        The sound, float32, peak near 1.
    """
    n_samples = round(seconds * SAMPLE_RATE)
    time = np.arange(n_samples) / SAMPLE_RATE
    body = glide(low + (high - low) * np.exp(-time / 0.03), n_samples, harmonics=(1.0, 0.12))
    fall = np.exp(-time / (0.45 * seconds)) * np.minimum(1.0, time / 0.001) * np.minimum(1.0, (time[-1] - time) / 0.02)
    return np.asarray(body * fall, dtype=np.float32)


def saw_tables(cutoff: float, *, n_harmonics: int = 40, lowest: float = 55.0) -> Samples:
    """Return the wave table of a muffled sawtooth.

    Parameters
    ----------
    cutoff : float
        Hertz above which harmonics fall away when the table is played at ``lowest``.
    n_harmonics : int
        Number of harmonics; the caller keeps the highest below the Nyquist frequency.
    lowest : float
        Hertz.

    Returns
    -------
    ndarray of shape (1, 2049)
        A table for :func:`read_tables`.
    """
    number = np.arange(1, n_harmonics + 1)
    return wave_tables(1.0 / number / (1.0 + (number * lowest / cutoff) ** 3))


def pad(score: Score, n_samples: int, *, low: int, cutoff: float, detune: float = 0.003, fade: float = 0.25) -> Samples:
    """Hold the score's chords on soft detuned sawtooths.

    Parameters
    ----------
    score : Score
        Chords and tension: a tense score adds a semitone above the fifth.
    n_samples : int
        Length.
    low : int
        MIDI note above which the chords are built.
    cutoff : float
        Hertz above which the sound is muffled.
    detune : float
        Relative frequency distance of the two sawtooths of a note.
    fade : float
        Seconds of the cross-fade between chords.

    Returns
    -------
    ndarray of shape (n_samples,)
        The pad, float32.
    """
    track = np.zeros(n_samples, dtype=np.float32)
    tables = saw_tables(cutoff, n_harmonics=16, lowest=float(hertz(low + 6)))
    starts = np.append(score.beats[score.chord_starts], n_samples / SAMPLE_RATE)
    starts[0] = 0.0
    for start, stop, beat in zip(starts[:-1], starts[1:], score.chord_starts, strict=True):
        length = min(round((stop - start + fade) * SAMPLE_RATE), n_samples)
        chord = np.zeros(length, dtype=np.float32)
        notes = [(float(note), 1.0) for note in score.chord(int(beat), low)]
        if score.tension > 0.25:
            notes.append((notes[-1][0] + 1.0, 0.6 * score.tension))
        for number, (note, gain) in enumerate(notes):
            for side in (-detune, detune):
                cycles = loop(float(hertz(note)) * (1.0 + side), length) + 0.37 * number + 0.5 * (side > 0.0)
                chord += np.float32(0.18 * gain) * read_tables(tables, cycles)
        place(track, chord * swell(length, fade, fade), start)
    return track


def techno(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Play kicks on every beat, claps, hats, a pumping bass and chord stabs; blows are kicks and open hats.

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
    drums = np.zeros(n_samples, dtype=np.float32)
    beat = score.beat
    boom = kick()
    clap = burst(rng, 0.16, band(900.0, 4_500.0), decay=0.045)
    for delay in (0.012, 0.024):
        place(clap, clap[: 12 * SAMPLE_RATE // 1000].copy(), delay, 0.7)
    open_hat = burst(rng, 0.14, band(6_500.0, 10_000.0, order=3.0), decay=0.05)
    closed = burst(rng, 0.05, band(7_500.0, 10_500.0, order=3.0), decay=0.012)
    busy = rng.random(4) < 0.55 + 0.4 * clip.arousal
    end = n_samples / SAMPLE_RATE - 0.1
    offbeats = score.beats + beat / 2.0
    for number, start in enumerate(score.beats):
        place(drums, boom, start, 1.0)
        if number % 2 == 1:
            place(drums, clap, start, 0.55)
        place(drums, open_hat, start + beat / 2.0, 0.42)
        for sixteenth in np.flatnonzero(busy):
            place(drums, closed, start + sixteenth * beat / 4.0, 0.22)
    pattern = rng.choice([0, 0, 12, 7], size=4)
    track = np.zeros(n_samples, dtype=np.float32)
    tables = saw_tables(420.0 + 500.0 * max(0.0, clip.arousal), lowest=50.0)
    length = round(0.23 * beat * SAMPLE_RATE)
    shape = swell(length, 0.004, 0.05)
    stab_shape = swell(round(0.2 * SAMPLE_RATE), 0.004, 0.15)
    stab_tables = saw_tables(1_500.0, n_harmonics=24, lowest=260.0)
    for number, start in enumerate(score.beats):
        chord = score.chord(number, 33)
        for slot in (1, 2, 3):
            cycles = loop(float(hertz(chord[0] + pattern[slot])), length)
            place(track, read_tables(tables, cycles) * shape, start + slot * beat / 4.0, 0.5)
        if number % 4 in (0, 3):
            stab = sum(read_tables(stab_tables, loop(float(hertz(note + 24)), len(stab_shape))) for note in chord)
            place(
                track,
                np.asarray(stab, np.float32) * stab_shape,
                start + (0.75 if number % 4 == 0 else 0.5) * beat,
                0.12,
            )
    # everything ducks under the kick, the pumping by which this music is known
    since = (np.arange(n_samples) / SAMPLE_RATE - score.beats[0]) % beat
    track *= np.minimum(1.0, 0.25 + since / (0.5 * beat)).astype(np.float32)
    track += drums
    track += 0.25 * pad(score, n_samples, low=52, cutoff=900.0)
    return track, np.concatenate([score.beats, offbeats[offbeats < end]])


def nocturne_piano(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Play soft broken chords under a pedal; blows are all its notes.

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
    track = np.zeros(n_samples, dtype=np.float32)
    per_beat = 3 if clip.arousal > -0.35 else 2
    shape = {3: (0, 3, 4, 5, 4, 3), 2: (0, 3, 4, 5)}[per_beat]
    onsets = []
    for number, beat in enumerate(score.beats):
        low = score.chord(number, 34)
        tones = [*low, *(note + 12 for note in low), low[0] + 24]
        for slot in range(per_beat):
            start = float(beat) + slot * score.beat / per_beat + (float(rng.normal(0.0, 0.006)) if slot else 0.0)
            if start > n_samples / SAMPLE_RATE - 0.15:
                break
            index = (number * per_beat + slot) % len(shape)
            velocity = (0.62 if index == 0 else 0.42) + float(rng.normal(0.0, 0.03)) + 0.12 * clip.arousal
            place(track, strike("piano", tones[shape[index]], 1.9, velocity, rng, bright=0.15), start)
            onsets.append(start)
    return soften(track, 2_400.0), np.array(onsets)


def folk_guitar(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Strum open chords down and up, with a foot on the beat; blows are the strums.

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
    track = np.zeros(n_samples, dtype=np.float32)
    pattern = np.array([1.0, 0.0, 0.75, 0.55, 0.0, 0.55, 0.8, 0.5])
    if clip.arousal > 0.2:
        pattern[[1, 4]] = (0.45, 0.5)
    if clip.arousal < -0.4:
        pattern[[3, 5]] = 0.0
    strums: dict[tuple[int, bool], Samples] = {}
    stomp = soften(burst(rng, 0.12, band(60.0, 300.0), decay=0.03), 500.0)
    onsets = []
    end = n_samples / SAMPLE_RATE - 0.12
    for number, beat in enumerate(score.beats):
        place(track, stomp, float(beat), 0.5)
        for half in (0, 1):
            loud = pattern[(2 * number + half) % 8]
            start = float(beat) + half * score.beat / 2.0
            if loud == 0.0 or start > end:
                continue
            down = half == 0
            chord = score.chord(number, 40)
            key = (chord[0], down)
            if key not in strums:
                strings = [chord[0], chord[2], chord[0] + 12, chord[1] + 12, chord[2] + 12][:: 1 if down else -1]
                strum = np.zeros(round(1.1 * SAMPLE_RATE), dtype=np.float32)
                for order, note in enumerate(strings if down else strings[:4]):
                    pluck = strike("guitar", note, 1.1 - 0.014 * order, 0.8, rng, bright=0.55)
                    place(strum, pluck, 0.014 * order, 0.6)
                strums[key] = strum
            place(track, strums[key], start, loud * float(rng.uniform(0.92, 1.0)))
            onsets.append(start)
    return track, np.array(onsets)


def brass_march(
    score: Score, clip: ClipSpec, rng: np.random.Generator, n_samples: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Play tuba and horns in oom-pah, bass drum, snare and cymbals; blows are drums, on beats and half beats.

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
    track = np.zeros(n_samples, dtype=np.float32)
    length = round(min(0.42 * score.beat, 0.3) * SAMPLE_RATE)
    age = (np.arange(length) / SAMPLE_RATE).astype(np.float32)
    shape = swell(length, 0.02, 0.09)
    hits: dict[int, Samples] = {}

    def horn(note: int) -> Samples:
        if note not in hits:
            full = np.full(length, 0.75, dtype=np.float32)
            hits[note] = hold("brass", np.full(length, float(hertz(note))), shape, age, full, rng, bright=0.4)
        return hits[note]

    drum = kick(0.22, 58.0, 120.0)
    snare = burst(rng, 0.15, band(1_200.0, 7_500.0), decay=0.045)
    place(snare, kick(0.08, 190.0, 260.0), 0.0, 0.35)
    roll = snare[: round(0.07 * SAMPLE_RATE)] * swell(round(0.07 * SAMPLE_RATE), 0.001, 0.03)
    cymbal = burst(rng, 0.5, band(4_000.0, 9_500.0), decay=0.14, attack=0.004)
    half = score.beat / 2.0
    end = n_samples / SAMPLE_RATE - 0.1
    offbeats = score.beats + half
    for number, beat in enumerate(score.beats):
        chord = score.chord(number, 33)
        place(track, horn(chord[0] if number % 2 == 0 else chord[2] - 12), float(beat), 1.5)
        for note in chord:
            place(track, horn(note + 24), float(beat) + half, 0.55)
        place(track, drum, float(beat), 0.7 if number % 2 == 0 else 0.4)
        place(track, snare, float(beat) + half, 0.6)
        if number % 2 == 1 or clip.arousal > 0.5:
            for slot in (0.5, 0.75, 1.5, 1.75):
                place(track, roll, float(beat) + slot * half, 0.32)
        if number % 4 == 0:
            place(track, cymbal, float(beat), 0.45)
    return track, np.concatenate([score.beats, offbeats[offbeats < end]])
