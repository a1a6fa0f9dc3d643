import numpy as np
import pandas as pd
import pytest

from avrec_lib.content.features import FeatureTable


def interactions(rows, start="2026-01-05"):
    """Rows of (user, item, value, day)."""
    table = pd.DataFrame(rows, columns=["user_id", "item_id", "value", "day"])
    table["time"] = (pd.Timestamp(start, tz="UTC") + pd.to_timedelta(table.pop("day"), unit="D")).astype(
        "datetime64[us, UTC]"
    )
    table["value"] = table["value"].astype("float64")
    return table


def random_interactions(n_users=30, n_items=20, n=150, seed=0):
    rng = np.random.default_rng(seed)
    pairs = rng.choice(n_users * n_items, size=n, replace=False)
    return interactions(
        [
            (f"u{p // n_items:03d}", f"c{p % n_items:03d}", v, d)
            for p, v, d in zip(pairs, rng.uniform(0.1, 2.0, n), rng.uniform(0, 30, n), strict=True)
        ]
    )


def random_features(n_items=20, width=5, seed=0, absent=()):
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{i:03d}" for i in range(n_items)], dtype=object)
    return FeatureTable(ids, rng.normal(size=(n_items, width)), ~np.isin(ids, list(absent)), "toy")


@pytest.fixture
def log():
    return random_interactions()


@pytest.fixture
def features():
    return random_features()
