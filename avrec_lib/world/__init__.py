"""Tidepool, the simulated streaming platform whose truth is known."""

from avrec_lib.world.load import load_world
from avrec_lib.world.profiles import PROFILES, Profile
from avrec_lib.world.store import World
from avrec_lib.world.truth import Truth

__all__ = ["PROFILES", "Profile", "Truth", "World", "load_world"]
