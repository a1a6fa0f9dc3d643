"""The sound of Tidepool's clips: a background by topic, a lead instrument over it, and the truth of both."""

from avrec_lib.world.sound.render import SoundTruth, Stems, render_sound, render_stems
from avrec_lib.world.sound.tones import SAMPLE_RATE

__all__ = ["SAMPLE_RATE", "SoundTruth", "Stems", "render_sound", "render_stems"]
