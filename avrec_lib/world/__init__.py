"""Tidepool, the simulated streaming platform whose truth is known."""
