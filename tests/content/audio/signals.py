"""Sounds that several tests listen to."""

import numpy as np

RATE = 22_050


def tone(hertz, seconds=3.0, level=0.3, rate=RATE):
    t = np.arange(round(seconds * rate)) / rate
    return (level * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def noise(seconds=3.0, level=0.1, seed=0, rate=RATE):
    return np.random.default_rng(seed).normal(0, level, round(seconds * rate)).astype(np.float32)


def harmonic(hertz, seconds=3.0, rate=RATE):
    return sum(tone(k * hertz, seconds, 0.3 / k, rate) for k in range(1, 9)).astype(np.float32)


def clicks(per_minute, seconds=6.0, rate=RATE):
    samples = 1e-4 * noise(seconds, 1.0, 1, rate)
    burst = np.random.default_rng(0).normal(size=800) * np.exp(-np.arange(800) / 150) * 0.3
    for start in np.arange(0.2, seconds - 0.1, 60.0 / per_minute):
        at = round(start * rate)
        samples[at : at + 800] += burst
    return samples
