"""The lead voice: a melody in the clip's key, played by the clip's instrument, with its truth."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.sound.instruments import HELD, STRUCK, hold, strike
from avrec_lib.world.sound.score import Score
from avrec_lib.world.sound.tones import SAMPLE_RATE, Samples, hertz, place

__all__ = ["CONTROL_RATE", "Lead", "Melody", "play_melody", "write_melody"]

CONTROL_RATE = 100
"""Frames a second of the fundamental frequency's truth."""

_LOWEST: dict[str, int] = {"piano": 60, "guitar": 52, "brass": 53, "synthesiser": 60, "marimba": 58, "flute": 72}
"""Lowest tonic of each instrument at neutral valence, a MIDI note; the tonic lies within the octave above."""

_SILENT_DB = -35.0
_HEADS: tuple[tuple[int, ...], ...] = ((0, 2, 4), (4, 2, 0), (2, 1, 0), (0, 2, 1), (2, 4, 2))


@dataclass(frozen=True)
class Melody:
    """Notes of one voice, none overlapping the next.

    Attributes
    ----------
    starts, lengths : ndarray of shape (n_notes,)
        Seconds.
    midi : ndarray of shape (n_notes,)
        Note numbers.
    velocities : ndarray of shape (n_notes,)
        Strengths in (0, 1].
    """

    starts: NDArray[np.float64]
    lengths: NDArray[np.float64]
    midi: NDArray[np.float64]
    velocities: NDArray[np.float64]


@dataclass(frozen=True)
class Lead:
    """The lead voice as played.

    Attributes
    ----------
    samples : ndarray of shape (n_samples,)
        The sound.
    f0_hz : ndarray of shape (round(100 * duration),)
        Fundamental frequency; frame i belongs to the moment i / 100 s; nan where silent.
    onsets : ndarray of shape (n_notes,)
        Starts of the notes in seconds.
    """

    samples: Samples
    f0_hz: NDArray[np.float32]
    onsets: NDArray[np.float64]


def write_melody(score: Score, clip: ClipSpec, rng: np.random.Generator) -> Melody:
    """Write a melody in a clip's key and mood.

    A rhythm of one bar of eighths is repeated with small changes. The melody
    opens with notes of the key's triad, its third among them, walks along
    the scale with chord notes on strong beats, and ends on the tonic. Arousal
    sets how many notes there are, valence the register and whether the line
    tends up or down.

    Parameters
    ----------
    score : Score
        Key, beats and chords.
    clip : ClipSpec
        The clip, for its mood and instrument.
    rng : Generator
        Source of randomness.

    Returns
    -------
    Melody
        The notes.
    """
    eighth = score.beat / 2.0
    end = clip.duration_seconds - 0.1
    strength = np.array([1.0, 0.15, 0.6, 0.3, 0.8, 0.2, 0.6, 0.35])
    chance = np.clip(strength * (0.75 + 0.45 * clip.arousal) + 0.12 + 0.22 * clip.arousal, 0.02, 1.0)
    bar = rng.random(8) < chance
    bar[0] = True
    n_steps = max(2, int((end - score.beats[0]) / eighth))
    played = np.resize(bar, n_steps) ^ (rng.random(n_steps) < 0.08)
    played[0] = True
    steps = np.flatnonzero(played)
    starts = score.beats[0] + steps * eighth
    if not score.steady:
        starts = starts + np.concatenate([[0.0], np.clip(rng.normal(0.0, 0.05, len(starts) - 1), -0.1, 0.1)]) * eighth
    starts = np.round(starts[starts < end - 0.12] * SAMPLE_RATE) / SAMPLE_RATE
    steps = steps[: len(starts)]

    position = list(_HEADS[int(rng.integers(len(_HEADS)))])[: len(steps)]
    pull = 0.25 * clip.valence
    for step in steps[len(position) :]:
        here = position[-1] + int(rng.choice([-2, -1, 1, 2], p=_lean(pull - 0.06 * (position[-1] - 2))))
        if step % 2 == 0:
            root = score.progression[(step // 2) // score.beats_per_chord % len(score.progression)]
            tones = [root + third + 7 * octave for octave in (-2, -1, 0, 1) for third in (0, 2, 4)]
            here = min(tones, key=lambda tone: (abs(tone - here), tone == position[-1], tone))
        position.append(int(np.clip(here, -4, 8)))
    if len(position) > 3:
        position[-1] = 0 if abs(position[-2]) <= abs(position[-2] - 7) else 7

    # bright moods sing higher: up to a minor third either way
    low = _LOWEST[clip.instrument] + round(3.0 * clip.valence)
    tonic = low + (score.tonic - low) % 12
    gaps = np.diff(np.append(starts, end))
    legato = 0.94 if clip.arousal < 0.3 else 0.82
    return Melody(
        starts=starts,
        lengths=np.minimum(legato * gaps, 2.5 * score.beat),
        midi=np.array([tonic + score.degree(p) for p in position], dtype=np.float64),
        velocities=np.clip(
            0.62 + 0.2 * strength[steps % 8] + 0.12 * clip.arousal + rng.normal(0.0, 0.04, len(steps)), 0.35, 1.0
        ),
    )


def _lean(pull: float) -> NDArray[np.float64]:
    """Return chances of the steps -2, -1, 1, 2 whose mean leans up with ``pull``."""
    up = float(np.clip(0.5 + pull, 0.1, 0.9))
    return np.array([0.3 * (1.0 - up), 0.7 * (1.0 - up), 0.7 * up, 0.3 * up])


def play_melody(
    melody: Melody, instrument: str, n_samples: int, n_frames: int, rng: np.random.Generator, *, bright: float
) -> Lead:
    """Play a melody.

    Parameters
    ----------
    melody : Melody
        The notes.
    instrument : str
        One of the world's instruments.
    n_samples, n_frames : int
        Length of the sound and of the frequency's truth.
    rng : Generator
        Source of randomness.
    bright : float
        In [0, 1].

    Returns
    -------
    Lead
        Sound, frequency and onsets.

    Raises
    ------
    ValueError
        If there is no such instrument.
    """
    if instrument in STRUCK:
        return _play_struck(melody, instrument, n_samples, n_frames, rng, bright)
    if instrument in HELD:
        return _play_held(melody, instrument, n_samples, n_frames, rng, bright)
    raise ValueError(f"no instrument {instrument!r}; there are {', '.join((*STRUCK, *HELD))}")


def _play_struck(
    melody: Melody, instrument: str, n_samples: int, n_frames: int, rng: np.random.Generator, bright: float
) -> Lead:
    sound = np.zeros(n_samples, dtype=np.float32)
    f0 = np.full(n_frames, np.nan, dtype=np.float32)
    hop = SAMPLE_RATE // CONTROL_RATE
    # struck notes ring on until the next one
    ends = np.minimum(np.append(melody.starts[1:], n_samples / SAMPLE_RATE), melody.starts + 2.5 * melody.lengths)
    for start, end, midi, velocity in zip(melody.starts, ends, melody.midi, melody.velocities, strict=True):
        note = strike(instrument, midi, end - start, velocity, rng, bright=bright)
        place(sound, note, start)
        loud = np.sqrt(np.add.reduceat(note**2, np.arange(0, len(note), hop)) / hop)
        heard = np.flatnonzero(loud > loud.max() * 10.0 ** (_SILENT_DB / 20.0))
        last = min(n_frames, int((start + (heard[-1] + 1) * hop / SAMPLE_RATE) * CONTROL_RATE))
        f0[int(np.ceil(start * CONTROL_RATE)) : last] = hertz(midi)
    return Lead(sound, f0, melody.starts)


def _play_held(
    melody: Melody, instrument: str, n_samples: int, n_frames: int, rng: np.random.Generator, bright: float
) -> Lead:
    voice = HELD[instrument]
    starts = np.round(melody.starts * SAMPLE_RATE).astype(np.intp)
    stops = np.minimum(starts + np.round(melody.lengths * SAMPLE_RATE).astype(np.intp), n_samples)
    spans = np.diff(np.append(starts, n_samples))
    note = np.repeat(np.arange(len(starts)), spans)
    here = np.arange(starts[0], n_samples)
    age = ((here - starts[note]) / SAMPLE_RATE).astype(np.float32)
    left = ((stops[note] - here) / SAMPLE_RATE).astype(np.float32)
    rise, fall = np.clip(age / voice.attack, 0.0, 1.0), np.clip(left / voice.release, 0.0, 1.0)
    envelope = (rise * rise * (3.0 - 2.0 * rise) * fall * (0.78 + 0.22 * np.exp(-age / 0.15))).astype(np.float32)
    previous = np.concatenate([melody.midi[:1], melody.midi[:-1]])
    # the pitch arrives from the previous note, or from below where the lips or the breath do so
    slide = np.exp(-age / voice.glide)
    come_from = previous[note] - melody.midi[note] if instrument == "synthesiser" else -voice.scoop_cents / 100.0
    vibrato = np.sin(2.0 * np.pi * voice.vibrato_hz * age)
    grown = np.clip(age / voice.vibrato_delay, 0.0, 1.0) ** 2
    midi = melody.midi[note] + slide * come_from + voice.vibrato_cents / 100.0 * grown * vibrato
    track = hertz(midi)
    envelope *= (1.0 + voice.tremolo * grown * vibrato).astype(np.float32)
    velocity = melody.velocities[note].astype(np.float32)
    sound = np.zeros(n_samples, dtype=np.float32)
    sound[starts[0] :] = hold(instrument, track, envelope, age, velocity, rng, bright=bright)
    f0 = np.full(n_frames, np.nan, dtype=np.float32)
    frames = np.round(np.arange(n_frames) * (SAMPLE_RATE / CONTROL_RATE)).astype(np.intp) - starts[0]
    known = np.flatnonzero((frames >= 0) & (frames < len(track)))
    sounding = envelope[frames[known]] > 10.0 ** (_SILENT_DB / 20.0)
    f0[known[sounding]] = track[frames[known[sounding]]]
    return Lead(sound, f0, melody.starts)
