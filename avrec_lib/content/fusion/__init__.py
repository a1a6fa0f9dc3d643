"""Several modalities become one space, or their scores one list."""

from avrec_lib.content.fusion.scaling import FeatureScaler, standardise
from avrec_lib.content.fusion.weighted import fuse, unit_rows

__all__ = ["FeatureScaler", "fuse", "standardise", "unit_rows"]
