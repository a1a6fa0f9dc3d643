import numpy as np
import pytest
import torch

from avrec_lib.content.features import FeatureTable
from avrec_lib.content.fusion import LearnedFusion, WeightedFusion, learned
from avrec_lib.content.fusion.learned import _candidates, _hidden, _parted
from avrec_lib.content.fusion.networks import NETWORKS

from .tables import ranking_auc, world

TABLES, LIKES, LATER = world()
every_network = pytest.mark.parametrize("network", NETWORKS)


@every_network
def test_learned_vectors_rank_better_than_cosines_of_what_was_measured(network):
    plain = WeightedFusion({"sight": 1.0, "sound": 1.0}).fit(TABLES).transform(TABLES)
    learned = LearnedFusion(network, width=16, epochs=15).fit(TABLES, likes=LIKES)
    assert learned.history_[-1] < learned.history_[0]
    assert ranking_auc(learned.transform(TABLES), LIKES, LATER) > ranking_auc(plain, LIKES, LATER) + 0.03


@every_network
def test_what_stands_in_an_absent_row_changes_nothing(network):
    torch.manual_seed(0)
    made = NETWORKS[network]([3, 5], 8)
    blocks = [torch.randn(6, 3), torch.randn(6, 5)]
    present = torch.tensor([[True, True], [True, False], [False, True]] * 2)
    other = [torch.where(there.unsqueeze(1), b, 99.0) for b, there in zip(blocks, present.T, strict=True)]
    for one, two in zip(made(blocks, present), made(other, present), strict=True):
        torch.testing.assert_close(one, two)


@every_network
def test_shares_are_0_where_a_modality_is_not_there_and_1_in_all(network):
    torch.manual_seed(0)
    made = NETWORKS[network]([3, 5, 2], 8)
    present = torch.tensor([[True, True, True], [True, False, True], [False, True, False], [False, False, False]])
    vectors, shares = made([torch.randn(4, 3), torch.randn(4, 5), torch.randn(4, 2)], present)
    assert vectors.shape == (4, 8) and torch.isfinite(vectors).all()
    assert (shares[~present] == 0.0).all() and (shares[present] > 0.0).all()
    torch.testing.assert_close(shares[:3].sum(dim=1), torch.ones(3))


@every_network
def test_every_weight_of_a_network_is_trained(network):
    torch.manual_seed(0)
    made = NETWORKS[network]([3, 5], 8)
    vectors, _ = made([torch.randn(6, 3), torch.randn(6, 5)], torch.ones(6, 2, dtype=torch.bool))
    (vectors * torch.randn(6, 8)).sum().backward()
    assert [name for name, one in made.named_parameters() if one.grad is None] == []


def test_the_product_of_experts_is_the_mean_of_the_product_of_gaussians():
    torch.manual_seed(0)
    made = NETWORKS["experts"]([3, 5], 4)
    blocks = [torch.randn(2, 3), torch.randn(2, 5)]
    grid = torch.linspace(-8.0, 8.0, 4001)
    log = -(grid**2) / 2.0
    for mean, sure, block in zip(made.projections, made.precisions, blocks, strict=True):
        log = log - sure(block).exp()[..., None] * (grid - mean(block)[..., None]) ** 2 / 2.0
    density = torch.softmax(log, dim=-1)
    expected = (density * grid).sum(dim=-1)
    torch.testing.assert_close(made(blocks, torch.ones(2, 2, dtype=torch.bool))[0], expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("network", ["attention", "experts"])
def test_a_modality_of_noise_counts_less(network):
    noise = FeatureTable(TABLES[1].ids, np.random.default_rng(5).normal(size=(120, 8)), np.ones(120, bool), "sound")
    good = LearnedFusion(network, width=16, epochs=15).fit(TABLES, likes=LIKES)
    bad = LearnedFusion(network, width=16, epochs=15).fit([TABLES[0], noise], likes=LIKES)
    assert bad.shares([TABLES[0], noise])["sound"].mean() < good.shares(TABLES)["sound"].mean()


def test_many_clips_get_in_parts_what_they_get_at_once(monkeypatch):
    fusion = LearnedFusion("transformer", width=8, epochs=1).fit(TABLES, likes=LIKES)
    at_once, shares = fusion.transform(TABLES).matrix, fusion.shares(TABLES)
    monkeypatch.setattr(learned, "_CLIPS_AT_ONCE", 50)
    np.testing.assert_allclose(fusion.transform(TABLES).matrix, at_once, atol=1e-5)
    np.testing.assert_allclose(fusion.shares(TABLES), shares, atol=1e-5)
    assert fusion.transform([one.select([]) for one in TABLES]).matrix.shape == (0, 8)


def test_training_without_some_modalities_helps_where_a_strong_one_is_missing():
    both = np.column_stack([one.matrix for one in TABLES])
    weak = both + 1.5 * np.random.default_rng(1).normal(size=both.shape)
    tables = [FeatureTable(TABLES[0].ids, each, TABLES[0].present, name) for name, each in (("a", both), ("b", weak))]

    def weak_alone(chance):
        fusion = LearnedFusion(width=16, epochs=15, modality_dropout=chance).fit(tables, likes=LIKES)
        return ranking_auc(fusion.transform(tables[1:]), LIKES, LATER)

    assert weak_alone(0.3) > weak_alone(0.0) + 0.02


def test_likes_are_parted_into_two_that_are_not_empty_and_share_nothing():
    liked = np.random.default_rng(0).random((200, 12)) < 0.3
    past, rest = _parted(liked, np.random.default_rng(1))
    two = liked.sum(axis=1) >= 2
    assert not (past & rest).any() and ((past | rest) <= liked).all()
    assert (past[two].sum(axis=1) > 0).all() and (rest[two].sum(axis=1) > 0).all()
    np.testing.assert_array_equal((past | rest)[two], liked[two])
    assert not rest[~two].any()


def test_dropout_hides_modalities_at_its_rate_and_never_all():
    present = torch.ones(4000, 3, dtype=torch.bool)
    present[0] = torch.tensor([False, True, False])
    kept = _hidden(present, 0.3, np.random.default_rng(0))
    assert kept.any(dim=1).all() and not (kept & ~present).any()
    expected = 0.7 + 0.3**3  # rows that would lose all keep all
    assert kept[1:].float().mean().item() == pytest.approx(expected, abs=0.02)


def test_another_seed_gives_another_network_and_the_seed_of_others_is_left_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    one, two = (LearnedFusion(width=8, epochs=1, seed=seed).fit(TABLES, likes=LIKES) for seed in (0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert not np.allclose(one.transform(TABLES).matrix, two.transform(TABLES).matrix)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network": "magic"}, "network must be one of"),
        ({"modality_dropout": 1.0}, "modality_dropout"),
        ({"candidates": 1}, "candidates"),
        ({"batch": 1}, "batch"),
        ({"width": 0}, "width"),
        ({"network": "transformer", "width": 6}, "divisible by 4"),
    ],
)
def test_impossible_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        LearnedFusion(**parameters).fit(TABLES, likes=LIKES)
    with pytest.raises(ValueError, match="two people"):
        LearnedFusion().fit(TABLES, likes=LIKES.iloc[:1])


def test_what_people_like_is_among_the_clips_of_a_step_however_many_there_are():
    some, met = np.arange(0, 100_000, 2), np.array([4, 100, 99_998])
    for seed in range(5):
        chosen = _candidates(some, met, 50, np.random.default_rng(seed))
        assert len(set(chosen)) == 50 and set(met) <= set(chosen) <= set(some) and (np.diff(chosen) > 0).all()
    assert len(_candidates(some, met, 2, np.random.default_rng(0))) == 2
    assert _candidates(some, met, len(some), np.random.default_rng(0)) is some


def test_everybody_has_something_to_learn_from_where_few_clips_are_in_a_step(monkeypatch):
    answers = []

    def watched(liked, rng):
        past, rest = _parted(liked, rng)
        answers.append(rest.any(axis=1).all())
        return past, rest

    monkeypatch.setattr(learned, "_parted", watched)
    LearnedFusion(width=8, epochs=2, batch=2, candidates=60).fit(TABLES, likes=LIKES)
    assert all(answers) and len(answers) > 2
