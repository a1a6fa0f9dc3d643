"""What a clip's music is written in: key, tempo, beats and chords, all steered by the clip's mood."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avrec_lib.world.catalogue import ClipSpec

__all__ = ["BEAT_TOPICS", "KEY_NAMES", "Score", "write_score"]

KEY_NAMES: tuple[str, ...] = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""Names of the twelve pitch classes, from C."""

BEAT_TOPICS: dict[str, float] = {
    "nocturne-piano": 74.0,
    "techno": 120.0,
    "folk-guitar": 104.0,
    "brass-march": 108.0,
    "night-drive": 94.0,
    "train-ride": 92.0,
    "bouncing-shapes": 116.0,
    "workshop": 98.0,
}
"""Topics whose background keeps a beat, with its beats a minute at neutral arousal."""

_FREE_TEMPO = 92.0
_TEMPO_OCTAVES = 0.35
_PROGRESSIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "major": ((0, 4, 5, 3), (0, 3, 4, 0), (0, 5, 3, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 4, 0), (0, 6, 5, 6)),
}


@dataclass(frozen=True)
class Score:
    """Key, tempo, beats and chords of a clip.

    Attributes
    ----------
    tempo_bpm : float
        Beats a minute that the melody is written in.
    steady : bool
        Whether the background keeps that beat; the melody is free otherwise.
    tonic : int
        Pitch class of the key note, 0 is C.
    mode : str
        ``major`` or ``minor``.
    scale : tuple of int
        The seven steps of the scale in semitones above the tonic.
    progression : tuple of int
        Degrees of the chords, from 0, in turn.
    beats_per_chord : int
        Beats before the next chord.
    tension : float
        In [0, 1]: how much dissonance the accompaniment allows.
    beats : ndarray of shape (n_beats,)
        Times of the beats in seconds.
    """

    tempo_bpm: float
    steady: bool
    tonic: int
    mode: str
    scale: tuple[int, ...]
    progression: tuple[int, ...]
    beats_per_chord: int
    tension: float
    beats: NDArray[np.float64]

    @property
    def beat(self) -> float:
        """Length of a beat in seconds."""
        return 60.0 / self.tempo_bpm

    @property
    def key(self) -> str:
        """Name of the key, such as ``A minor``."""
        return f"{KEY_NAMES[self.tonic]} {self.mode}"

    def degree(self, step: int) -> int:
        """Turn a scale step into semitones.

        Parameters
        ----------
        step : int
            Steps above the tonic; 7 is the octave, negative steps lie below.

        Returns
        -------
        int
            Semitones above the tonic.
        """
        return 12 * (step // 7) + self.scale[step % 7]

    def chord(self, beat: int, low: int) -> list[int]:
        """Return the triad that sounds at a beat.

        Parameters
        ----------
        beat : int
            Number of the beat, from 0.
        low : int
            MIDI note that the root is not below and less than an octave above.

        Returns
        -------
        list of int
            MIDI notes of root, third and fifth, ascending.
        """
        root = self.progression[beat // self.beats_per_chord % len(self.progression)]
        base = low + (self.tonic + self.degree(root) - low) % 12 - self.degree(root)
        return [base + self.degree(root + step) for step in (0, 2, 4)]

    @property
    def chord_starts(self) -> NDArray[np.intp]:
        """Numbers of the beats at which a chord begins."""
        return np.arange(0, len(self.beats), self.beats_per_chord)


def write_score(clip: ClipSpec, rng: np.random.Generator) -> Score:
    """Choose key, tempo and chords from a clip's topic and mood.

    Valence decides between major and minor (its sign), the harmonic minor
    below -0.45, and tension; arousal scales the tempo by up to 0.35 octaves
    either way. A little random spread stays, as no platform measures mood
    exactly.

    Parameters
    ----------
    clip : ClipSpec
        The clip.
    rng : Generator
        Source of randomness.

    Returns
    -------
    Score
        What the melody and the background are written in.
    """
    base = BEAT_TOPICS.get(clip.topic, _FREE_TEMPO)
    tempo = float(base * 2.0 ** (_TEMPO_OCTAVES * clip.arousal + 0.04 * float(np.clip(rng.standard_normal(), -2, 2))))
    mode = "major" if clip.valence >= 0.0 else "minor"
    seventh = 10 if mode == "minor" and clip.valence > -0.45 else 11
    scale = (0, 2, 4, 5, 7, 9, 11) if mode == "major" else (0, 2, 3, 5, 7, 8, seventh)
    first = float(rng.uniform(0.06, 0.14))
    choices = _PROGRESSIONS[mode]
    return Score(
        tempo_bpm=tempo,
        steady=clip.topic in BEAT_TOPICS,
        tonic=int(rng.integers(12)),
        mode=mode,
        scale=scale,
        progression=choices[int(rng.integers(len(choices)))],
        beats_per_chord=2 if tempo < 100.0 else 4,
        tension=max(0.0, -clip.valence),
        beats=np.arange(first, clip.duration_seconds - 0.12, 60.0 / tempo),
    )
