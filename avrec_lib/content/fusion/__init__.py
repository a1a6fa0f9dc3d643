"""Several modalities become one space, or their scores one list."""

from avrec_lib.content.fusion.alignment import CCAFusion, ProcrustesFusion
from avrec_lib.content.fusion.base import Fusion
from avrec_lib.content.fusion.concatenation import fuse, unit_rows
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
    "fuse",
    "standardise",
    "unit_rows",
]
