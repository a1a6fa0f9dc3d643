"""What a chapter needs to speak to its readers: claims, players, figures, exercises.

The build itself (running chapters, the record, the pages) lives in the other
modules of this package, and no chapter imports it.
"""

from avrec_lib.publish.exercises import check_answer
from avrec_lib.publish.glance import at_a_glance
from avrec_lib.publish.graph import draw_pipeline
from avrec_lib.publish.ledger import claim, claim_better
from avrec_lib.publish.players import player, players
from avrec_lib.publish.plots import COLOURS, set_style, show, show_sheet, spectrogram_picture, waveform_picture
from avrec_lib.publish.recorded import claims_on_record, real_data

__all__ = [
    "COLOURS",
    "at_a_glance",
    "check_answer",
    "claim",
    "claim_better",
    "claims_on_record",
    "draw_pipeline",
    "player",
    "players",
    "real_data",
    "set_style",
    "show",
    "show_sheet",
    "spectrogram_picture",
    "waveform_picture",
]
