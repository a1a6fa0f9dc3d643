"""From a clip's specification to its sound and the truth about it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avrec_lib.world.catalogue import ClipSpec
from avrec_lib.world.sound import beds_action, beds_music, beds_nature, beds_place
from avrec_lib.world.sound.lead import CONTROL_RATE, play_melody, write_melody
from avrec_lib.world.sound.mix import mix
from avrec_lib.world.sound.score import Score, write_score
from avrec_lib.world.sound.tones import SAMPLE_RATE, Samples
from avrec_lib.world.topics import INSTRUMENTS

__all__ = ["BEDS", "SoundTruth", "Stems", "render_sound", "render_stems"]

Bed = Callable[[Score, ClipSpec, np.random.Generator, int], tuple[Samples, NDArray[np.float64]]]

BEDS: dict[str, tuple[Bed, float]] = {
    "nocturne-piano": (beds_music.nocturne_piano, 2.0),
    "techno": (beds_music.techno, 1.0),
    "folk-guitar": (beds_music.folk_guitar, 2.0),
    "brass-march": (beds_music.brass_march, 2.0),
    "rainforest": (beds_nature.rainforest, 1.0),
    "ocean": (beds_nature.ocean, 1.0),
    "thunderstorm": (beds_nature.thunderstorm, 0.0),
    "birdsong-meadow": (beds_nature.birdsong_meadow, 1.0),
    "motor-race": (beds_action.motor_race, 1.0),
    "ball-match": (beds_action.ball_match, 1.0),
    "night-drive": (beds_place.night_drive, 0.0),
    "market": (beds_place.market, 1.0),
    "train-ride": (beds_place.train_ride, 1.0),
    "bouncing-shapes": (beds_action.bouncing_shapes, 1.0),
    "ink": (beds_action.ink, 1.0),
    "workshop": (beds_place.workshop, 1.0),
}
"""The background of each topic, and the loudness of the lead above it in decibels."""

_STREAM = 11
_SAME_MOMENT = 0.02


@dataclass(frozen=True)
class SoundTruth:
    """What was played.

    Attributes
    ----------
    tempo_bpm : float
        Beats a minute; nan where the background keeps no beat and the melody is free.
    key : str
        Key of melody and chords, such as ``A minor``.
    instrument : str
        The lead instrument.
    f0_hz : ndarray of shape (round(100 * duration),)
        Fundamental frequency of the lead, float32; frame i belongs to the
        moment i / 100 s; nan where the lead is silent (35 dB below its note).
    onset_times : ndarray of shape (n_onsets,)
        Seconds, increasing: the starts of the lead's notes and of the main
        blows of the background, which each background's docstring names.
        Events within 20 ms of each other are one onset.
    """

    tempo_bpm: float
    key: str | None
    instrument: str
    f0_hz: NDArray[np.float32]
    onset_times: NDArray[np.float64]


@dataclass(frozen=True)
class Stems:
    """The two layers of a clip's sound.

    Attributes
    ----------
    bed, lead : ndarray of shape (n_samples,)
        Background and lead, float32, as loud as in the clip: the clip is their sum.
    lead_onsets, bed_onsets : ndarray
        Starts in seconds of the lead's notes and of the background's main blows.
    """

    bed: Samples
    lead: Samples
    lead_onsets: NDArray[np.float64]
    bed_onsets: NDArray[np.float64]


def render_stems(clip: ClipSpec) -> tuple[Stems, SoundTruth]:
    """Synthesise the layers of a clip's sound.

    Parameters
    ----------
    clip : ClipSpec
        The clip. Its seed is the only source of randomness.

    Returns
    -------
    tuple of Stems and SoundTruth
        The layers and what was played.

    Raises
    ------
    ValueError
        If the clip's topic or instrument is unknown, its mood is out of range or it is shorter than 2 s.
    """
    if clip.topic not in BEDS:
        raise ValueError(f"clip {clip.clip_id}: no sound for topic {clip.topic!r}; there are {', '.join(BEDS)}")
    if clip.instrument not in INSTRUMENTS:
        raise ValueError(
            f"clip {clip.clip_id}: no sound for instrument {clip.instrument!r}; there are {', '.join(INSTRUMENTS)}"
        )
    if not 2.0 <= clip.duration_seconds < float("inf"):
        raise ValueError(f"clip {clip.clip_id}: lasts {clip.duration_seconds} s; a clip lasts at least 2 s")
    if not (-1.0 <= clip.valence <= 1.0 and -1.0 <= clip.arousal <= 1.0):
        raise ValueError(f"clip {clip.clip_id}: mood ({clip.valence}, {clip.arousal}) leaves [-1, 1]")
    n_samples = round(clip.duration_seconds * SAMPLE_RATE)
    n_frames = round(clip.duration_seconds * CONTROL_RATE)
    # a stream for each part: a change in one leaves the others' draws alone
    for_score, for_melody, for_lead, for_bed, for_mix = (
        np.random.default_rng([clip.seed, _STREAM, part]) for part in range(5)
    )
    score = write_score(clip, for_score)
    melody = write_melody(score, clip, for_melody)
    lead = play_melody(melody, clip.instrument, n_samples, n_frames, for_lead, bright=1.0 - clip.warmth)
    play_bed, lead_db = BEDS[clip.topic]
    bed, blows = play_bed(score, clip, for_bed, n_samples)
    bed_stem, lead_stem = mix(bed, lead.samples, clip, for_mix, lead_db=lead_db)
    blows = np.sort(blows[blows < clip.duration_seconds - 0.05])
    onsets = np.sort(np.concatenate([lead.onsets, blows]))
    truth = SoundTruth(
        tempo_bpm=score.tempo_bpm if score.steady else float("nan"),
        key=score.key,
        instrument=clip.instrument,
        f0_hz=lead.f0_hz,
        onset_times=onsets[np.diff(onsets, prepend=-1.0) > _SAME_MOMENT],
    )
    return Stems(bed_stem, lead_stem, lead.onsets, blows), truth


def render_sound(clip: ClipSpec) -> tuple[Samples, SoundTruth]:
    """Synthesise a clip's sound.

    Parameters
    ----------
    clip : ClipSpec
        The clip. Its seed is the only source of randomness.

    Returns
    -------
    samples : ndarray of shape (round(22050 * duration),)
        Mono, float32, in [-1, 1].
    truth : SoundTruth
        What was played.

    Raises
    ------
    ValueError
        If the clip's topic or instrument is unknown, its mood is out of range or it is shorter than 2 s.
    """
    stems, truth = render_stems(clip)
    return stems.bed + stems.lead, truth
