"""A log with every kind of dirt of events and people, and the account of what was planted; no media."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from avrec_lib.world.behaviour import simulate_log
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.dirt_events import plant_event_dirt
from avrec_lib.world.people import START, sample_people


class SoiledLog(NamedTuple):
    events: pd.DataFrame
    users: pd.DataFrame
    clips: pd.DataFrame
    dirt: pd.DataFrame
    clean: pd.DataFrame

    def planted(self, *kinds: str) -> set[str]:
        return set(self.dirt.loc[self.dirt["kind"].isin(kinds), "id"])


@pytest.fixture(scope="session", params=[21, 22])
def soiled(request: pytest.FixtureRequest) -> SoiledLog:
    seed = request.param
    people, clips = sample_people(250, seed=seed), sample_catalogue(150, seed=seed)
    clean = simulate_log(people, clips, seed=seed)
    clips["release_time"] = START + pd.to_timedelta(np.rint(clips["release_day"] * 86_400), unit="s")
    events, users, dirt = plant_event_dirt(clean, people.users, seed=seed, bots=0.02, skewed=0.05)
    return SoiledLog(events, users, clips, dirt, clean)


@pytest.fixture
def small_log():
    """Return a function that makes a log of rows (user, clip, kind, seconds, session, further columns)."""
    start = pd.Timestamp("2026-01-05", tz="UTC")

    def make(rows: list[dict[str, object]]) -> pd.DataFrame:
        nothing = dict.fromkeys(["position", "watch_seconds", "propensity", "value", "text"])
        full = [{"user": "u", "clip": "c", "session": "s", **nothing, **row} for row in rows]
        frame = pd.DataFrame(full).rename(columns={"user": "user_id", "clip": "clip_id", "session": "session_id"})
        frame["time"] = (start + pd.to_timedelta(frame.pop("seconds"), unit="s")).astype("datetime64[us, UTC]")
        floats = dict.fromkeys(["watch_seconds", "propensity", "value"], "float64")
        texts = dict.fromkeys(["user_id", "clip_id", "kind", "session_id", "text"], "str")
        return frame.astype({**floats, **texts, "position": "Int8"})

    return make
