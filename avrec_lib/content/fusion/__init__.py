"""Several modalities become one space, or their scores one list."""

from avrec_lib.content.fusion.alignment import CCAFusion, ProcrustesFusion
from avrec_lib.content.fusion.base import Fusion
from avrec_lib.content.fusion.concatenation import fuse, unit_rows
from avrec_lib.content.fusion.late import average_scores, reciprocal_ranks, standardise_scores
from avrec_lib.content.fusion.learned import LearnedFusion
from avrec_lib.content.fusion.scaling import FeatureScaler, standardise
from avrec_lib.content.fusion.weighted import WeightedFusion

__all__ = [
    "CCAFusion",
    "FeatureScaler",
    "Fusion",
    "LearnedFusion",
    "ProcrustesFusion",
    "WeightedFusion",
    "average_scores",
    "fuse",
    "reciprocal_ranks",
    "standardise",
    "standardise_scores",
    "unit_rows",
]
