"""Timbres: three that are struck or plucked note by note, three that are held as one line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avrec_lib.world.sound.noises import band, burst, noise
from avrec_lib.world.sound.tones import (
    NYQUIST_GUARD,
    SAMPLE_RATE,
    Samples,
    damped,
    hertz,
    loop,
    place,
    read_tables,
    wave_tables,
)

__all__ = ["HELD", "STRUCK", "Held", "hold", "strike"]

STRUCK: tuple[str, ...] = ("piano", "guitar", "marimba")
"""Instruments whose notes start with a blow and die away."""


@dataclass(frozen=True)
class Held:
    """How a held instrument speaks.

    Attributes
    ----------
    attack, release : float
        Seconds.
    scoop_cents : float
        How far below its pitch a note starts.
    glide : float
        Seconds in which the pitch gets from note to note, to 1/e.
    vibrato_hz, vibrato_cents, vibrato_delay : float
        Rate, depth to either side, and seconds until it is full.
    tremolo : float
        Depth of the loudness vibrato.
    """

    attack: float
    release: float
    scoop_cents: float
    glide: float
    vibrato_hz: float
    vibrato_cents: float
    vibrato_delay: float
    tremolo: float


HELD: dict[str, Held] = {
    "brass": Held(0.045, 0.05, 45.0, 0.012, 5.2, 9.0, 0.35, 0.03),
    "synthesiser": Held(0.006, 0.06, 0.0, 0.028, 0.0, 0.0, 1.0, 0.0),
    "flute": Held(0.055, 0.06, 15.0, 0.012, 5.6, 16.0, 0.18, 0.30),
}
"""Instruments whose notes last as long as they are held."""

_LEVELS = 8


def strike(
    instrument: str, midi: float, seconds: float, velocity: float, rng: np.random.Generator, *, bright: float = 0.5
) -> Samples:
    """Play one note of a struck or plucked instrument.

    The guitar is the modal form of the plucked-string loop of Karplus and
    Strong (1983): its harmonics die at the rates that the loop's averaging
    filter gives them, and its pitch is exact rather than rounded to samples.

    Parameters
    ----------
    instrument : str
        One of :data:`STRUCK`.
    midi : float
        Note number.
    seconds : float
        Length; the last 25 ms fade out.
    velocity : float
        Strength in [0, 1]; stronger is brighter.
    rng : Generator
        Source of randomness of the blow's noise.
    bright : float
        In [0, 1].

    Returns
    -------
    ndarray of shape (n_samples,)
        The note, float32, peak near 0.5.
    """
    f0 = float(hertz(midi))
    n_samples = max(256, round(seconds * SAMPLE_RATE))
    colour = 0.6 * bright + 0.4 * velocity
    if instrument == "piano":
        # stiff strings sharpen high partials; two strings a hair apart beat and give the double decay
        number = np.arange(1, 1 + min(18, int(NYQUIST_GUARD / f0)))
        stiff = number * np.sqrt((1.0 + 2e-4 * number**2) / (1.0 + 2e-4))
        tilt = 1.55 - 0.4 * colour
        strength = number**-tilt * (0.15 + np.abs(np.sin(np.pi * number / 8.0))) * np.where(number == 1, 0.8, 1.0)
        decay = 3.2 * (261.6 / f0) ** 0.6 / (1.0 + 0.35 * (number - 1.0))
        sound = damped(
            np.concatenate([f0 * stiff * 0.9998, f0 * stiff * 1.0002]),
            np.concatenate([0.26 * strength, 0.13 * strength]),
            np.concatenate([0.35 * decay, decay]),
            n_samples,
            phases=rng.uniform(0.0, 2.0 * np.pi, 2 * len(number)) * (np.tile(number, 2) > 1),
            attack=0.004,
        )
        place(sound, burst(rng, 0.05, band(120.0, 900.0), decay=0.012), 0.0, 0.10 * velocity)
    elif instrument == "guitar":
        number = np.arange(1, 1 + min(40, int(NYQUIST_GUARD / f0)))
        plucked_at = 0.13
        strength = np.abs(np.sin(np.pi * plucked_at * number)) / number ** (1.05 - 0.35 * colour)
        body = 1.0 + 0.8 * np.exp(-(((f0 * number - 230.0) / 120.0) ** 2))
        # averaging two neighbours loses cos(pi f / fs) at each of the loop's f0 rounds a second; the loop
        # runs at 3.2 times the clip's rate, as at the clip's own the string would sound dull
        lost = -f0 * np.log(np.clip(0.9975 * np.cos(np.pi * f0 * number / (3.2 * SAMPLE_RATE)), 1e-3, None))
        sound = damped(f0 * number, 0.42 * strength * body, 1.0 / (lost + 1.2), n_samples, attack=0.0015)
        place(sound, burst(rng, 0.03, band(1_500.0, 6_000.0), decay=0.006), 0.0, 0.22 * (0.5 + colour))
    elif instrument == "marimba":
        ratios = np.array([1.0, 3.97, 9.6, 16.5])
        strength = np.array([0.62, 0.20 + 0.12 * colour, 0.05 + 0.07 * colour, 0.02 * colour])
        decay = np.array([0.26, 0.07, 0.03, 0.015]) * (330.0 / f0) ** 0.5
        sound = damped(f0 * ratios, strength, decay, n_samples, attack=0.0015)
        place(sound, burst(rng, 0.03, band(700.0, 2_600.0), decay=0.005), 0.0, 0.35)
    else:
        raise ValueError(f"no struck instrument {instrument!r}; there are {', '.join(STRUCK)}")
    fade = min(n_samples, round(0.025 * SAMPLE_RATE))
    sound[-fade:] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)
    return np.asarray(velocity * sound, dtype=np.float32)


def hold(
    instrument: str,
    f0: NDArray[np.float64],
    envelope: Samples,
    age: Samples,
    velocity: Samples,
    rng: np.random.Generator,
    *,
    bright: float = 0.5,
    breath: bool = True,
) -> Samples:
    """Play a line on a held instrument.

    Parameters
    ----------
    instrument : str
        One of :data:`HELD`.
    f0 : ndarray of shape (n_samples,)
        Frequency in hertz at each sample, vibrato included.
    envelope, age, velocity : ndarray of shape (n_samples,)
        Loudness in [0, 1]; seconds since the note's start; strength in [0, 1].
    rng : Generator
        Source of randomness of the breath.
    bright : float
        In [0, 1].
    breath : bool
        Whether the flute's air is heard.

    Returns
    -------
    ndarray of shape (n_samples,)
        The line, float32.
    """
    if instrument not in HELD:
        raise ValueError(f"no held instrument {instrument!r}; there are {', '.join(HELD)}")
    n_samples = len(f0)
    # one set of tables a third of an octave: within it the same harmonics stay below the guard
    step = np.ceil(3.0 * np.log2(np.maximum(f0, 20.0) / 20.0)).astype(np.intp)
    pitches, pitch = np.unique(step, return_inverse=True)
    top = 20.0 * 2.0 ** (pitches / 3.0)
    number = np.arange(1, 1 + min(64, int(NYQUIST_GUARD / top.min())))
    frequency = top[:, None, None] * number
    audible = (frequency < NYQUIST_GUARD).astype(np.float64)
    level = (np.arange(_LEVELS) / (_LEVELS - 1.0))[None, :, None]
    if instrument == "brass":
        # brass grows brighter as it is blown harder
        cut = 500.0 + 2_600.0 * level * (0.6 + 0.8 * bright)
        formant = 1.0 + 1.6 * np.exp(-(((frequency - 1_150.0) / 500.0) ** 2))
        amplitude = number**-0.35 * formant / (1.0 + (frequency / cut) ** 3)
        lit = envelope * (0.45 + 0.55 * velocity)
    elif instrument == "synthesiser":
        # a sawtooth through a resonant filter that opens with each note and then wobbles
        cut = 700.0 * 2.0 ** (3.4 * level * (0.8 + 0.4 * bright))
        ring = 2.6 * np.exp(-((np.log2(frequency / cut) / 0.22) ** 2))
        amplitude = number**-0.8 * (1.0 / (1.0 + (frequency / cut) ** 4) + ring) + 0.3 / number
        lit = (0.3 + 0.55 * (1.0 - np.exp(-age / 0.07)) + 0.15 * np.sin(2.0 * np.pi * 6.5 * age)) * (
            0.7 + 0.3 * velocity
        )
    else:
        amplitude = np.broadcast_to(
            np.where(
                number == 1, 1.0, np.where(number == 2, 0.10 + 0.18 * level, 0.16 * level * 0.4 ** (number - 3.0))
            ),
            (len(top), _LEVELS, len(number)),
        )
        lit = envelope * (0.3 + 0.5 * velocity + 0.2 * np.float32(bright))
    tables = wave_tables(amplitude * audible)
    tables /= np.sqrt(np.mean(tables[:, :-1] ** 2, axis=1, keepdims=True)) + 1e-9
    position = np.clip(lit, 0.0, 1.0) * np.float32(_LEVELS - 1.0)
    low = np.minimum(position.astype(np.intp), _LEVELS - 2)
    blend = (position - low).astype(np.float32)
    cycles = loop(f0, n_samples)
    row = pitch * _LEVELS + low
    dark = read_tables(tables, cycles, row)
    sound = dark + blend * (read_tables(tables, cycles, row + 1) - dark)
    if instrument == "synthesiser":
        for detuned in (0.9955, 1.0045):
            sound += 0.3 * read_tables(tables, cycles * detuned + 0.3, row)
    if instrument == "flute" and breath:
        flutter = noise(rng, n_samples, band(20.0, 160.0))
        sound *= 1.0 + 0.10 * flutter
        chiff = 0.14 + 0.45 * np.exp(-age / np.float32(0.04))
        sound += chiff * noise(rng, n_samples, band(1_400.0, 6_500.0, tilt=-2.0))
    return np.asarray(0.25 * sound * envelope * (0.4 + 0.6 * velocity), dtype=np.float32)
