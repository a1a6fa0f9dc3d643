import numpy as np

from avrec_lib.recommend.random import Random

from .conftest import random_features, random_interactions


def test_draws_are_uniform_and_unrelated_between_people_items_and_seeds():
    log, features = random_interactions(200, 300, 5000), random_features(300)
    scores = Random(seed=1).fit(log, items=features).score(np.sort(log["user_id"].unique()))
    assert 0.0 <= scores.min() < 0.001 and 0.999 < scores.max() < 1.0
    counts = np.histogram(scores, bins=20, range=(0, 1))[0]
    expected = scores.size / 20
    assert ((counts - expected) ** 2 / expected).sum() < 45.0  # chi-square, 19 degrees: above 45 once in 1000
    for rows in (scores, scores.T):
        between = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
        assert abs(between.mean()) < 0.005 and abs(between).max() < 0.4
    other = Random(seed=2).fit(log, items=features).score(np.sort(log["user_id"].unique()))
    assert abs(np.corrcoef(scores.ravel(), other.ravel())[0, 1]) < 0.02


def test_over_seeds_people_are_lucky_independently_so_that_a_paired_test_holds():
    log = random_interactions(80, 60, 1500)
    model, people = Random().fit(log), np.sort(log["user_id"].unique())
    wanted = np.random.default_rng(0).random((len(people), 60)) < np.linspace(0.02, 0.5, 60)  # many want the same
    lucky = np.array([(model.set_params(seed=s).score(people) * wanted).sum(axis=1) for s in range(1000)])
    together = lucky.sum(axis=1).var() / lucky.var(axis=0).sum()  # above 1 where people share their luck
    assert abs(together - 1.0) < 4.0 * np.sqrt(2.0 / 1000)
    between = (lucky[1:] - lucky[:-1]).var(axis=0).sum() / lucky.var(axis=0).sum()  # below 2 where seeds share it
    assert abs(between - 2.0) < 0.06


def test_a_persons_list_depends_on_nobody_else():
    log = random_interactions()
    model = Random(seed=5).fit(log)
    alone = model.score(["u003"], ["c001", "c002"])
    np.testing.assert_array_equal(alone, model.score(["u009", "u003"], ["c002", "c001"])[1:, ::-1])
    fewer = Random(seed=5).fit(log[log["item_id"] < "c010"])
    np.testing.assert_array_equal(alone, fewer.score(["u003"], ["c001", "c002"]))


def test_the_seed_fixes_the_bytes():
    model = Random(seed=7).fit(random_interactions())
    assert model.recommend(["u000", "u001"], k=3)["item_id"].tolist() == [
        "c017",
        "c014",
        "c019",
        "c001",
        "c015",
        "c011",
    ]
