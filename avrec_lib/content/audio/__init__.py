"""What the sound of a clip tells: measured frame by frame, and summed up in a vector of fixed length."""

from avrec_lib.content.audio.description import Features, describe, describe_file
from avrec_lib.content.audio.harmony import KEYS, PITCH_CLASSES, chroma_filters, key_scores
from avrec_lib.content.audio.loudness import integrated_loudness
from avrec_lib.content.audio.mel import delta, hz_from_mel, mel_filters, mel_from_hz, mfcc
from avrec_lib.content.audio.modulation import modulation_spectrum
from avrec_lib.content.audio.pitch import yin
from avrec_lib.content.audio.pooling import VECTOR_NAMES
from avrec_lib.content.audio.rhythm import onset_strength, tempo
from avrec_lib.content.audio.ripples import ripples
from avrec_lib.content.audio.separation import harmonic_percussive
from avrec_lib.content.audio.sketch import SOUND_FEATURES, describe_sound, describe_sound_file
from avrec_lib.content.audio.spectrum import FrameGrid, decibels, frame_grid, frames_of, istft, stft

__all__ = [
    "KEYS",
    "PITCH_CLASSES",
    "SOUND_FEATURES",
    "VECTOR_NAMES",
    "Features",
    "FrameGrid",
    "chroma_filters",
    "decibels",
    "delta",
    "describe",
    "describe_file",
    "describe_sound",
    "describe_sound_file",
    "frame_grid",
    "frames_of",
    "harmonic_percussive",
    "hz_from_mel",
    "integrated_loudness",
    "istft",
    "key_scores",
    "mel_filters",
    "mel_from_hz",
    "mfcc",
    "modulation_spectrum",
    "onset_strength",
    "ripples",
    "stft",
    "tempo",
    "yin",
]
