"""Several modalities become one space, or their scores one list."""

from typing import TYPE_CHECKING

from avrec_lib.content.fusion.alignment import CCAFusion, ProcrustesFusion
from avrec_lib.content.fusion.base import Fusion
from avrec_lib.content.fusion.concatenation import fuse, unit_rows
from avrec_lib.content.fusion.late import average_scores, reciprocal_ranks, standardise_scores
from avrec_lib.content.fusion.missing import hide_modalities
from avrec_lib.content.fusion.opinions import pool_opinions, product_of_experts
from avrec_lib.content.fusion.scaling import FeatureScaler, standardise
from avrec_lib.content.fusion.weighted import WeightedFusion

if TYPE_CHECKING:
    from avrec_lib.content.fusion.contrastive import ContrastiveFusion
    from avrec_lib.content.fusion.learned import LearnedFusion

__all__ = [
    "CCAFusion",
    "ContrastiveFusion",
    "FeatureScaler",
    "Fusion",
    "LearnedFusion",
    "ProcrustesFusion",
    "WeightedFusion",
    "average_scores",
    "fuse",
    "hide_modalities",
    "pool_opinions",
    "product_of_experts",
    "reciprocal_ranks",
    "standardise",
    "standardise_scores",
    "unit_rows",
]


def __getattr__(name: str) -> object:
    # torch takes seconds to import, which only those pay who learn a network
    if name == "LearnedFusion":
        from avrec_lib.content.fusion.learned import LearnedFusion

        return LearnedFusion
    if name == "ContrastiveFusion":
        from avrec_lib.content.fusion.contrastive import ContrastiveFusion

        return ContrastiveFusion
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
