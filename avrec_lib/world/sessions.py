"""The platform in motion: who comes when, what they are shown, what they watch, when they leave."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from avrec_lib.world.people import days_since_start
from avrec_lib.world.policy import Policy, Request
from avrec_lib.world.response import (
    CONCENTRATION,
    EXAMINATION,
    SESSION_MOOD,
    SLATE,
    click_chance,
    continue_chance,
    loyalty_factor,
    search_terms,
    watch_fraction,
)
from avrec_lib.world.tastes import Tastes
from avrec_lib.world.utility import EncodedClips, encode_clips, taste_weights, utility

__all__ = ["MAX_SLATES", "Slates", "run_sessions"]

MAX_SLATES = 6
"""Slates after which everybody has had enough."""

_STREAM = 23
_SECONDS = 86_400.0
_WEEK = np.array([0.92, 0.90, 0.92, 0.96, 1.12, 1.16, 1.02])
"""How busy Monday to Sunday are."""
_LOOK_SECONDS = 1.5
"""Seconds to look at one position."""
_MEMORY = 0.93
"""What a day leaves of the weight of a click in popularity."""
_CELLS = 20_000_000
"""Sessions times clips that are held in memory together."""


@dataclass(frozen=True)
class Slates:
    """Every slate that was shown, one row each, in the order of the sessions.

    Attributes
    ----------
    session : ndarray (m,)
        Number of the session: day * 1,000,000 + number within the day.
    person : ndarray (m,)
        Row number of the person.
    search : ndarray (m, 2)
        What the session began by searching for: columns of
        :func:`avrec_lib.world.utility.taste_weights`; -1 is nothing.
    time : ndarray (m,)
        Seconds since the log began.
    clip : ndarray (m, 10)
        Clip numbers, the top first.
    propensity : ndarray (m, 10)
        Chance of each clip at its place given those above it.
    clicked : ndarray of bool (m, 10)
        Whether it was clicked.
    utility : ndarray (m, 10)
        True utility in this session's mood.
    watched : ndarray (m, 10)
        Seconds watched; 0 where not clicked.
    click_time : ndarray (m, 10)
        Seconds since the log began at which a click fell or would have fallen.
    """

    session: np.ndarray
    person: np.ndarray
    search: np.ndarray
    time: np.ndarray
    clip: np.ndarray
    propensity: np.ndarray
    clicked: np.ndarray
    utility: np.ndarray
    watched: np.ndarray
    click_time: np.ndarray


def _arrivals(
    tastes: Tastes, rate: np.ndarray, joined: np.ndarray, day: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the day's sessions: person (m,) and start (m,) in days, in order of time.

    Who joins opens the app at once; all other sessions fall around the person's hour.
    """
    person = np.repeat(np.arange(len(tastes)), rng.poisson(rate))
    hour = (tastes.clock.astype(np.float64)[person] + rng.normal(0.0, 2.5, len(person))) % 24.0
    start = day + hour / 24.0
    welcome = np.flatnonzero((joined >= day) & (joined < day + 1))
    # Twenty seconds leave room for a search before the first slate.
    kept = start > joined[person] + 20.0 / _SECONDS
    person = np.concatenate([person[kept], welcome])
    start = np.concatenate([start[kept], joined[welcome] + rng.uniform(30.0, 120.0, len(welcome)) / _SECONDS])
    order = np.lexsort((person, start))
    return person[order], start[order]


def _named_in_text(clips: EncodedClips) -> np.ndarray:
    """Return (things + 1, n_clips): 1 where a clip's text names a thing; the last row, for no search, is 0."""
    names = [clips.columns[part] for part in ("topic", "instrument", "setting", "series")]
    # Instruments are only heard and settings only seen: a search for one finds nothing.
    blocks = [names[0], np.zeros_like(names[1]), np.zeros_like(names[2]), names[3]]
    return np.vstack([np.hstack(blocks).T, np.zeros((1, len(clips)), dtype=np.float32)])


def _play_sessions(
    person: np.ndarray,
    start: np.ndarray,
    number: np.ndarray,
    tastes: Tastes,
    clips: EncodedClips,
    durations: np.ndarray,
    popularity: np.ndarray,
    policy: Policy,
    day: int,
    rng: np.random.Generator,
) -> tuple[list[Slates], np.ndarray]:
    """Show slates, round by round, until everybody has left; also return each session's mean satisfaction."""
    mood = rng.normal(0.0, SESSION_MOOD, (len(person), 2))
    here = tastes.take(person)
    liking = utility(here, clips, day, mood_shift=mood)
    search = search_terms(taste_weights(here, day), rng)
    named = _named_in_text(clips)
    wanted = named[search[:, 0]] + named[search[:, 1]]
    available = clips.release_day[None, :] <= start[:, None]
    clock = start * _SECONDS
    active = np.arange(len(person))
    pleased, slates = np.zeros(len(person)), np.zeros(len(person))
    rounds: list[Slates] = []
    for _ in range(MAX_SLATES):
        active = active[available[active].sum(axis=1) >= SLATE]
        if len(active) == 0:
            break
        request = Request(person[active], len(tastes), day, available[active], popularity, wanted[active])
        clip, propensity = policy(request, rng)
        worth = np.take_along_axis(liking[active], clip, axis=1).astype(np.float64)
        clicked = rng.random(clip.shape) < EXAMINATION * click_chance(worth)
        mean = watch_fraction(worth, durations[clip])
        fraction = rng.beta(CONCENTRATION * mean, CONCENTRATION * (1.0 - mean)) * clicked
        watched = fraction * durations[clip]
        # A click costs a second beyond the watching; positions above it are looked at and watched first.
        spent = watched + clicked
        click_time = clock[active][:, None] + _LOOK_SECONDS * np.arange(1, SLATE + 1) + np.cumsum(spent, axis=1) - spent
        who = (number[active], person[active], search[active], clock[active])
        rounds.append(Slates(*who, clip, propensity, clicked, worth, watched, click_time))
        available[active[:, None], clip] = False
        clock[active] += _LOOK_SECONDS * (SLATE + 1) + spent.sum(axis=1) + rng.exponential(4.0, len(active))
        satisfaction = fraction.sum(axis=1)
        pleased[active] += satisfaction
        slates[active] += 1
        active = active[rng.random(len(active)) < continue_chance(satisfaction)]
    return rounds, pleased / np.maximum(slates, 1.0)


def run_sessions(
    policy: Policy,
    users: pd.DataFrame,
    tastes: Tastes,
    catalogue: pd.DataFrame,
    *,
    seed: int,
    first_day: int,
    days: int,
) -> Slates:
    """Let people use the platform for some days.

    A poor slate makes people leave the session; poor sessions make them come
    back less. Days and rounds are loops, people and clips are arrays.

    Parameters
    ----------
    policy : Policy
        Who decides what is shown.
    users : DataFrame (n_people,)
        Row i is the person of row i of `tastes`.
    tastes : Tastes
        Of n_people people.
    catalogue : DataFrame (n_clips,)
        The clips; at least ten must be released for anybody to be served.
    seed : int
        Seed of the world.
    first_day, days : int
        When to begin, in days since the log began, and for how long.

    Returns
    -------
    Slates
        All that was shown and watched.

    Raises
    ------
    ValueError
        If `users` and `tastes` differ in length, or nobody could be served.
    """
    if len(users) != len(tastes):
        raise ValueError(f"{len(users)} users but {len(tastes)} rows of tastes: leave bots out of the simulation")
    clips = encode_clips(catalogue)
    durations = catalogue["duration_seconds"].to_numpy(dtype=np.float64)
    joined = days_since_start(users["joined"])
    activity = tastes.activity.astype(np.float64)
    loyalty = np.ones(len(tastes))
    popularity = np.zeros(len(clips))
    batch = max(1, _CELLS // len(clips))
    played: list[Slates] = []
    for day in range(first_day, first_day + days):
        rng = np.random.default_rng([seed, _STREAM, day])
        person, start = _arrivals(tastes, activity * loyalty * _WEEK[day % 7], joined, day, rng)
        number = day * 1_000_000 + np.arange(len(person))
        popularity *= _MEMORY
        counted = popularity.copy()
        for low in range(0, len(person), batch):
            part = slice(low, low + batch)
            rounds, pleased = _play_sessions(
                person[part], start[part], number[part], tastes, clips, durations, counted, policy, day, rng
            )
            np.multiply.at(loyalty, person[part], loyalty_factor(pleased))
            for shown in rounds:
                popularity += np.bincount(shown.clip[shown.clicked], minlength=len(clips))
            played += rounds
        np.clip(loyalty, 0.1, 2.0, out=loyalty)
    if not played:
        raise ValueError(f"nobody was served: {len(tastes)} people, {len(clips)} clips; at least ten must be released")
    names = list(Slates.__dataclass_fields__)
    return Slates(**{name: np.concatenate([getattr(shown, name) for shown in played]) for name in names})
