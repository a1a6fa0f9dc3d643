"""Tables of made-up modalities, and people who like by what only all of them tell."""

import numpy as np
import pandas as pd

from avrec_lib.content.features import FeatureTable


def table(name, n=30, width=4, seed=0, absent=()):
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{i:02d}" for i in range(n)], dtype=object)
    matrix = rng.normal(5.0, 3.0, (n, width)) * np.logspace(-3, 3, width)
    return FeatureTable(ids, matrix, ~np.isin(ids, list(absent)), name)


def world(n=120, people=150, seed=0, noise=0.3):
    """Each modality knows one of two coordinates of taste, beside five larger ones that say nothing.

    Returns sight and sound, and the first and second half of what each person likes.
    """
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{i:03d}" for i in range(n)], dtype=object)
    hidden = rng.normal(size=(n, 2))
    sight, sound = (
        FeatureTable(
            ids,
            np.column_stack([hidden[:, column], 1.5 * rng.normal(size=(n, 5))]) @ rng.normal(size=(6, 8)),
            np.ones(n, bool),
            name,
        )
        for column, name in enumerate(["sight", "sound"])
    )
    tastes = rng.normal(size=(people, 2))
    utility = tastes @ hidden.T + noise * rng.normal(size=(people, n))
    user, clip = np.nonzero(utility > np.quantile(utility, 0.85, axis=1, keepdims=True))
    likes = pd.DataFrame({"user_id": [f"u{one:03d}" for one in user], "item_id": ids[clip]})
    first = rng.random(len(likes)) < 0.5
    return [sight, sound], likes[first].reset_index(drop=True), likes[~first].reset_index(drop=True)


def ranking_auc(vectors, likes, later):
    """Return the mean area under the curve of later likes by cosine to the mean of the likes."""
    ids = pd.Index(vectors.ids)
    unit = np.nan_to_num(vectors.matrix / np.linalg.norm(vectors.matrix, axis=1, keepdims=True))
    past = pd.crosstab(likes["user_id"], likes["item_id"]).reindex(columns=ids, fill_value=0)
    rest = pd.crosstab(later["user_id"], later["item_id"]).reindex(index=past.index, columns=ids, fill_value=0)
    scores = past.to_numpy() @ unit @ unit.T
    found = []
    for score, met, wanted in zip(scores, past.to_numpy() > 0, rest.to_numpy() > 0, strict=True):
        good, bad = score[wanted & ~met], score[~wanted & ~met]
        if len(good):
            found.append((good[:, None] > bad).mean() + (good[:, None] == bad).mean() / 2)
    return float(np.mean(found))
