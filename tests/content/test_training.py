import numpy as np
import pytest
import torch
from torch import nn

from avrec_lib.content.training import AdamW, one_cycle, train_classifier


def small(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def points(n=60, seed=0):
    """Three clouds, and which each point is of."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return (rng.normal(size=(n, 6)) + 2.5 * np.eye(6)[labels]).astype(np.float32), labels


def trained(seed=0, n=60, **changed):
    x, labels = points(n)
    network = small()
    given = {"seed": seed, "epochs": 6, "batch": 16, "rate": 0.02, "decay": 0.01, "progress": False} | changed
    history = train_classifier(network, lambda part, rng: torch.from_numpy(x[part]), labels, **given)
    return network, history


@pytest.mark.parametrize("steps", [2, 3, 10, 57])
def test_rate_and_momentum_are_those_of_torch(steps):
    optimiser = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=0.3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 0.3, total_steps=steps)
    for step in range(steps):
        theirs = optimiser.param_groups[0]
        assert one_cycle(step, steps, 0.3) == pytest.approx((theirs["lr"], theirs["betas"][0]), rel=1e-9), step
        optimiser.step()
        if step < steps - 1:
            schedule.step()


def test_weights_after_many_steps_are_those_of_torch():
    ours, theirs = small(), small()
    steps = 40
    optimiser = AdamW(ours.parameters(), decay=0.05)
    known = torch.optim.AdamW(theirs.parameters(), lr=0.02, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(known, 0.02, total_steps=steps)
    x, labels = points()
    for step in range(steps):
        for network in (ours, theirs):
            nn.functional.cross_entropy(network(torch.from_numpy(x)), torch.from_numpy(labels)).backward()
        optimiser.step(*one_cycle(step, steps, 0.02))
        known.step()
        known.zero_grad()
        if step < steps - 1:
            schedule.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-6)
    assert not torch.equal(ours[0].weight, small()[0].weight)


def test_a_parameter_without_a_slope_stays():
    used, idle = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(2))
    optimiser = AdamW([used, idle], decay=0.5)
    used.sum().backward()
    optimiser.step(0.1, 0.9)
    assert idle.eq(1.0).all() and used.lt(1.0).all() and used.grad is None


def test_training_finds_three_clouds_and_leaves_the_network_ready_for_use():
    network, history = trained(epochs=12)
    assert history.shape == (12,) and history[-1] < 0.5 * history[0] and not network.training
    x, labels = points(seed=1)
    with torch.inference_mode():
        assert (network(torch.from_numpy(x)).argmax(dim=1).numpy() == labels).mean() > 0.9


def test_a_network_in_use_is_trained_like_any_other_and_not_by_old_means():
    x, labels = points()
    network = small().eval()
    train_classifier(
        network,
        lambda part, rng: torch.from_numpy(x[part]),
        labels,
        seed=0,
        epochs=1,
        batch=16,
        rate=0.01,
        decay=0.0,
        progress=False,
    )
    assert network[1].num_batches_tracked == 4 and network[1].running_mean.abs().min() > 0.0


def test_the_loss_of_an_epoch_is_the_mean_over_examples_and_not_over_steps():
    labels, sizes = np.arange(5) % 2, []
    network = nn.Linear(1, 2, bias=False)

    def scores(part, rng):
        sizes.append(len(part))
        return torch.from_numpy(part[:, None].astype(np.float32))

    with torch.no_grad():
        network.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        wanted = nn.functional.cross_entropy(network(torch.arange(5.0)[:, None]), torch.from_numpy(labels)).item()
    (loss,) = train_classifier(network, scores, labels, seed=0, epochs=1, batch=3, rate=1e-9, decay=0.0, progress=False)
    assert sorted(sizes) == [2, 3] and loss == pytest.approx(wanted, rel=1e-4)


def test_the_same_seed_gives_the_same_weights_on_any_number_of_threads():
    before, weights = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            weights.append(trained()[0][0].weight)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*weights)
    assert not torch.equal(trained(1)[0][0].weight, weights[0])


@pytest.mark.parametrize(("n", "batch"), [(2, 2), (3, 2), (7, 2), (33, 16), (60, 59)])
def test_every_example_is_met_once_an_epoch_and_none_is_alone(n, batch):
    met = []
    x, labels = points(n)

    def show(part, rng):
        met.append(part)
        return torch.from_numpy(x[part])

    train_classifier(
        small(), show, labels, seed=0, epochs=2, batch=batch, rate=0.01, decay=0.0, smoothing=0.1, progress=False
    )
    assert min(map(len, met)) >= 2 and max(map(len, met)) <= batch + 1
    for epoch in (met[: len(met) // 2], met[len(met) // 2 :]):
        assert sorted(np.concatenate(epoch)) == list(range(n))


def test_smoothing_keeps_the_network_from_certainty():
    def largest(smoothing):
        network, _ = trained(epochs=30, smoothing=smoothing)
        with torch.inference_mode():
            return network(torch.from_numpy(points()[0])).softmax(dim=1).max(dim=1).values.mean()

    assert largest(0.3) < largest(0.0) - 0.05


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"batch": 1}, "batch"), ({"epochs": 0}, "epochs"), ({"rate": 0.0}, "rate"), ({"smoothing": 1.0}, "smoothing")],
)
def test_training_refuses_numbers_out_of_range(changed, says):
    with pytest.raises(ValueError, match=says):
        trained(**changed)


@pytest.mark.parametrize("labels", [[0], [[0, 1]], 3])
def test_training_refuses_labels_that_are_not_a_row_of_two_or_more(labels):
    with pytest.raises(ValueError, match="labels"):
        train_classifier(
            small(), lambda part, rng: torch.zeros(len(part), 6), labels, seed=0, epochs=1, batch=2, rate=0.1, decay=0.0
        )
