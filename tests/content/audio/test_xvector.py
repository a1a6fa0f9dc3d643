import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from avrec_lib.content.audio.xvector import (
    AttentionPooling,
    ClipNetwork,
    MeanPooling,
    StatisticsPooling,
    embed,
    equal_error_rate,
    logits,
    tdnn,
    train_network,
)

BANDS = 8


def network(n_classes=2, seed=0):
    torch.manual_seed(seed)
    return ClipNetwork(tdnn(BANDS, 16), StatisticsPooling(), 32, n_classes, size=12)


def clips(n=24, seed=0):
    """Noise, louder in the upper half of the bands for every second clip; lengths differ."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    spectra = [rng.normal(size=(BANDS, int(rng.integers(30, 60)))).astype(np.float32) for _ in labels]
    for spectrum, label in zip(spectra, labels, strict=True):
        spectrum[BANDS // 2 :] += 2.0 * label - 1.0
    return spectra, labels


@pytest.mark.parametrize(
    ("scores", "same", "rate"),
    [
        ([4, 3, 2, 1], [1, 1, 0, 0], 0.0),
        ([1, 2, 3, 4], [1, 1, 0, 0], 1.0),
        ([5, 5, 5, 5], [1, 0, 1, 0], 0.5),
        ([4, 3, 2, 1], [1, 0, 1, 0], 0.5),
        ([6, 5, 4, 3, 2, 1], [1, 1, 0, 1, 0, 0], 1 / 3),
    ],
)
def test_equal_error_rate_of_small_cases_is_right(scores, same, rate):
    assert equal_error_rate(scores, np.array(same, dtype=bool)) == pytest.approx(rate)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), shift=st.floats(0.0, 3.0))
def test_equal_error_rate_lies_where_both_errors_meet(seed, shift):
    rng = np.random.default_rng(seed)
    same = rng.random(400) < 0.3
    scores = rng.normal(size=400) + shift * same
    rate = equal_error_rate(scores, same)
    thresholds = np.sort(scores)
    refused = (scores[same][None] < thresholds[:, None]).mean(axis=1)
    accepted = (scores[~same][None] >= thresholds[:, None]).mean(axis=1)
    assert np.abs(np.maximum(refused, accepted).min() - rate) < 1.0 / min(same.sum(), (~same).sum())
    assert equal_error_rate(np.exp(scores), same) == pytest.approx(rate)


@pytest.mark.parametrize(
    ("scores", "same", "says"),
    [
        ([1.0, 2.0], [True], "one shape"),
        ([1.0, np.nan], [True, False], "not finite"),
        ([1.0, 2.0], [True, True], "pairs that do not"),
    ],
)
def test_equal_error_rate_refuses_what_has_none(scores, same, says):
    with pytest.raises(ValueError, match=says):
        equal_error_rate(scores, same)


def test_statistics_are_mean_and_spread_and_blind_to_order():
    frames = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 5, 40)))
    pooled = StatisticsPooling()(frames).numpy()
    np.testing.assert_allclose(pooled[:, :5], frames.numpy().mean(axis=2))
    np.testing.assert_allclose(pooled[:, 5:], frames.numpy().std(axis=2), atol=1e-4)
    shuffled = frames[:, :, torch.randperm(40, generator=torch.Generator().manual_seed(1))]
    np.testing.assert_allclose(StatisticsPooling()(shuffled).numpy(), pooled)
    np.testing.assert_allclose(MeanPooling()(frames).numpy(), pooled[:, :5])


def test_a_unit_that_never_fires_leaves_finite_slopes():
    frames = torch.zeros(2, 4, 10, requires_grad=True)
    StatisticsPooling()(frames).sum().backward()
    assert torch.isfinite(frames.grad).all()


def test_attention_that_knows_nothing_is_statistics_and_weights_sum_to_one():
    torch.manual_seed(0)
    frames, pool = torch.randn(3, 5, 40), AttentionPooling(5)
    assert torch.allclose(pool.weights(frames).sum(dim=2), torch.ones(3, 1))
    torch.nn.init.zeros_(pool.score.weight)
    assert torch.allclose(pool(frames), StatisticsPooling()(frames), atol=1e-5)


def test_attention_takes_the_frame_that_scores_high():
    pool, frames = AttentionPooling(2), torch.zeros(1, 2, 6)
    frames[0, :, 4] = torch.tensor([50.0, 3.0])
    pool.score.weight.data = torch.tensor([[[1.0], [0.0]]])
    assert torch.allclose(pool(frames)[0, :2], torch.tensor([50.0, 3.0]), atol=1e-3)


def test_a_frame_of_the_tdnn_sees_fifteen_frames_and_no_more():
    torch.manual_seed(0)
    layers, spectrum = tdnn(BANDS, 16).eval(), torch.randn(1, BANDS, 40)
    before = layers(spectrum)
    assert before.shape == (1, 16, 26)
    for changed, reaches in ((10, True), (24, True), (9, False), (25, False)):
        other = spectrum.clone()
        other[0, :, changed] += 100.0
        assert bool((layers(other)[0, :, 10] != before[0, :, 10]).any()) is reaches


def test_a_clips_vector_does_not_depend_on_the_clips_beside_it():
    spectra, labels = clips()
    net = network()
    train_network(net, spectra, labels, seed=0, epochs=2, crop=24)
    together = embed(net, spectra)
    assert together.shape == (24, 12) and together.dtype == np.float32
    alone = np.concatenate([embed(net, [spectrum]) for spectrum in spectra])
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_no_step_is_left_with_a_single_clip():
    spectra, labels = clips(7)
    for n in (2, 3, 7):
        train_network(network(), spectra[:n], labels[:n], seed=0, epochs=1, crop=24, batch=2)
    with pytest.raises(ValueError, match="batch must be at least 2"):
        train_network(network(), spectra, labels, seed=0, epochs=1, batch=1)


def test_training_finds_the_difference_between_two_kinds_of_clip():
    spectra, labels = clips()
    net = network()
    history = train_network(net, spectra, labels, seed=0, epochs=10, crop=24, batch=4)
    assert history.shape == (10,) and history[-1] < history[0]
    new, right = clips(seed=1)
    assert (logits(net, new).argmax(axis=1) == right).mean() > 0.9


def test_the_same_seed_trains_the_same_network_and_another_does_not():
    spectra, labels = clips()
    runs = []
    for seed in (0, 0, 1):
        net = network()
        train_network(net, spectra, labels, seed=seed, epochs=2, crop=24)
        runs.append(embed(net, spectra))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.allclose(runs[0], runs[2])


def test_a_clip_shorter_than_a_stretch_is_repeated():
    spectra, labels = clips()
    history = train_network(network(), spectra, labels, seed=0, epochs=1, crop=100)
    assert np.isfinite(history).all()


@pytest.mark.parametrize("labels", [[0], [0] * 25, [[0] * 24]])
def test_training_refuses_labels_that_do_not_fit(labels):
    spectra, _ = clips()
    with pytest.raises(ValueError, match="one label each"):
        train_network(network(), spectra, labels, seed=0, epochs=1)
