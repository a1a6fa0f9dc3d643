"""The classifier learns curved borders, keeps groups together and never sees what it is tested on."""

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from avrec_lib.collect.datasets import load_dataset
from avrec_lib.content.audio import describe_file
from avrec_lib.content.audio.classify import SoundClassifier, _parts


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


def test_many_groups_are_dealt_into_parts_and_never_split():
    rng = np.random.default_rng(1)
    X = np.repeat(rng.normal(size=(60, 20)), 2, axis=0) + rng.normal(0, 1e-3, (120, 20))
    y, group = np.repeat(rng.integers(0, 3, 60), 2), np.repeat(np.arange(60), 2)
    parts = _parts(X, y, group)
    assert len(parts) == 4 and sum(len(held) for _, held in parts) == 120
    assert all(not set(group[train]) & set(group[held]) for train, held in parts)
    assert SoundClassifier().fit(X, y, groups=group).chosen_["accuracy"] < 0.6


def test_the_same_sounds_give_the_same_weights_on_any_number_of_threads():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(240, 30)), np.arange(240) % 4
    weights = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            weights.append(SoundClassifier().fit(X, y, groups=np.arange(240) % 5).weights_)
    np.testing.assert_array_equal(*weights)


@pytest.mark.parametrize(
    ("X", "groups", "says"),
    [
        (np.full((6, 2), np.nan), None, "NaN"),
        (np.zeros(6), None, "2D array"),
        (np.zeros((6, 2)), np.zeros(6), "two groups"),
        (np.zeros((6, 2)), np.arange(5), "inconsistent"),
    ],
)
def test_tables_that_do_not_fit_are_refused(X, groups, says):
    with pytest.raises(ValueError, match=says):
        SoundClassifier().fit(X, np.arange(6) % 2, groups=groups)
    with pytest.raises(ValueError, match="3 features"):
        SoundClassifier().fit(*rings(30)).predict(np.zeros((1, 3)))


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
