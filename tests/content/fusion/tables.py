"""Tables of made-up modalities."""

import numpy as np

from avrec_lib.content.features import FeatureTable


def table(name, n=30, width=4, seed=0, absent=()):
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{i:02d}" for i in range(n)], dtype=object)
    matrix = rng.normal(5.0, 3.0, (n, width)) * np.logspace(-3, 3, width)
    return FeatureTable(ids, matrix, ~np.isin(ids, list(absent)), name)
