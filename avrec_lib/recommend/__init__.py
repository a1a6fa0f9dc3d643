"""Recommenders, one family a module, all with the interface of :mod:`avrec_lib.recommend.base`."""

from avrec_lib.recommend.base import Recommender
from avrec_lib.recommend.bilinear import BilinearContent
from avrec_lib.recommend.cold_start import ColdStartError
from avrec_lib.recommend.content import ContentBased
from avrec_lib.recommend.content_neighbours import ContentNeighbours
from avrec_lib.recommend.ease import EASE
from avrec_lib.recommend.late import LateFusion
from avrec_lib.recommend.neighbours import ItemNeighbours
from avrec_lib.recommend.popularity import Popularity
from avrec_lib.recommend.random import Random
from avrec_lib.recommend.sar import SAR

__all__ = [
    "EASE",
    "SAR",
    "BilinearContent",
    "ColdStartError",
    "ContentBased",
    "ContentNeighbours",
    "ItemNeighbours",
    "LateFusion",
    "Popularity",
    "Random",
    "Recommender",
]
