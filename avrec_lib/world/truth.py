"""What is true of the world and no platform could know."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from avrec_lib.world.segments import SEGMENTS
from avrec_lib.world.tastes import Tastes, person_ids

__all__ = ["Truth"]


@dataclass(frozen=True)
class Truth:
    """The truth about a world, read from its folder when it is first asked for.

    Attributes
    ----------
    folder : Path
        Where the tables lie.
    clips : DataFrame
        Indexed by ``clip_id``: the catalogue's columns (topic, mood, instrument, setting, series,
        quality, appeal and so on), the title's ``language``, and of the sound and the picture as made,
        before a fault was planted: ``tempo_bpm`` (nan without a beat), ``key``, ``f0_hz``
        (float32, 100 a second, nan where silent), ``onset_times`` (seconds), ``palette`` (uint8 (k, 3)),
        ``direction_degrees``, ``speed_pixels_per_second``, ``cut_times`` (seconds).
    tastes : Tastes
        Of all people, row by row.
    users : DataFrame
        Indexed by ``user_id``, bots left out: ``segment`` (the one that weighs most), the weight of
        each segment, and ``activity`` (sessions a day).
    dirt : DataFrame
        What was planted: ``kind``, ``table``, ``id``, ``detail``.
    """

    folder: Path

    @cached_property
    def clips(self) -> pd.DataFrame:
        """The true attributes of clips, their sound and their picture."""
        table = pd.read_parquet(self.folder / "clip_truth.parquet").set_index("clip_id")
        palettes = [np.asarray(flat, dtype=np.uint8).reshape(-1, 3) for flat in table["palette"]]
        table["palette"] = pd.Series(palettes, index=table.index, dtype=object)
        return table

    @cached_property
    def tastes(self) -> Tastes:
        """What people like."""
        with np.load(self.folder / "tastes.npz", allow_pickle=False) as arrays:
            return Tastes.from_arrays(dict(arrays))

    @cached_property
    def users(self) -> pd.DataFrame:
        """Which segments people belong to."""
        names = [segment.name for segment in SEGMENTS]
        weights = self.tastes.segments.astype(np.float64)
        table = pd.DataFrame(weights, columns=names, index=pd.Index(person_ids(len(self.tastes)), name="user_id"))
        table.insert(0, "segment", np.array(names, dtype=object)[weights.argmax(axis=1)])
        table["activity"] = self.tastes.activity.astype(np.float64)
        return table

    @cached_property
    def dirt(self) -> pd.DataFrame:
        """The planted dirt."""
        return pd.read_parquet(self.folder / "dirt.parquet")

    def __repr__(self) -> str:
        return f"Truth({self.folder.parent.name}: clips, tastes, users, dirt)"
