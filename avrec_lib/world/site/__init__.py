"""Tidepool's web site and API as a real HTTP server on this machine, with the faults that real sites have."""

from avrec_lib.world.site.faults import FAULT_KINDS, LOST_KINDS
from avrec_lib.world.site.server import Site, serve_site

__all__ = ["FAULT_KINDS", "LOST_KINDS", "Site", "serve_site"]
