"""The classifier learns curved borders, keeps groups together and never sees what it is tested on."""

import joblib
import numpy as np
import pytest
from sklearn.base import clone

from avrec_lib.collect.datasets import load_dataset
from avrec_lib.content.audio import SoundClassifier, describe_file


def rings(n=300, seed=0):
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 3, n)
    angle = rng.uniform(0, 2 * np.pi, n)
    X = (1.0 + kind)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1) + rng.normal(0, 0.15, (n, 2))
    return 100.0 * X + 7.0, np.array(["inner", "middle", "outer"])[kind]


def test_curved_borders_are_learned_whatever_the_scale():
    X, y = rings()
    model = clone(SoundClassifier(widths=(1.0, 4.0))).fit(X[:200], y[:200])
    assert model.score(X[200:], y[200:]) > 0.9
    assert model.classes_.tolist() == ["inner", "middle", "outer"]
    assert 0.85 < model.chosen_["accuracy"] <= 1.0
    np.testing.assert_array_equal(
        model.decision_function(X).argmax(axis=1), np.searchsorted(model.classes_, model.predict(X))
    )


def test_groups_are_held_out_together():
    # Each pair of sounds is nearly one, with a class that nothing else tells: parted, they would give it away.
    rng = np.random.default_rng(0)
    X = np.repeat(rng.normal(size=(60, 20)), 2, axis=0) + rng.normal(0, 1e-3, (120, 20))
    y, group = np.repeat(rng.integers(0, 3, 60), 2), np.repeat(np.arange(60) % 5, 2)
    assert SoundClassifier().fit(X, y, groups=group).chosen_["accuracy"] < 0.6
    assert SoundClassifier().fit(X, y).chosen_["accuracy"] > 0.6


def test_a_constant_entry_and_a_wild_one_do_no_harm():
    X, y = rings()
    X = np.column_stack([X, np.full(len(X), 3.0)])
    X[5, 0] = 1e9
    assert SoundClassifier(widths=(1.0, 4.0)).fit(X[:200], y[:200]).score(X[200:], y[200:]) > 0.5


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="two classes"):
        SoundClassifier().fit(np.zeros((4, 2)), np.zeros(4))


def test_esc10_is_told_apart(needs_dataset):
    data = load_dataset(needs_dataset("esc10"))
    clips = data.tables["clips"]
    jobs = (joblib.delayed(describe_file)(data.files[file]) for file in clips["file"])
    X = np.stack(joblib.Parallel(n_jobs=2)(jobs))
    y, fold = clips["category"].to_numpy(), clips["fold"].to_numpy()
    right = [
        SoundClassifier().fit(X[fold != f], y[fold != f], groups=fold[fold != f]).score(X[fold == f], y[fold == f])
        for f in range(1, 6)
    ]
    assert np.mean(right) >= 0.92, np.round(right, 3)
