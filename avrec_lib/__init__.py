"""The small library behind *Audio-Video Recommendation with Large Models*."""

__version__ = "0.1.0"
