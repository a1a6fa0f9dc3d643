import numpy as np
import pytest
import torch

from avrec_lib.content.visual.network import FrameNet, embed_frames, frame_tensor, predict_frames, train_frame_net

BLOCKS = ("plain", "residual", "inception")


def stripes(n=96, size=32, seed=0):
    """Frames with stripes that run across or upright, and which they are: no colour or mean tells them apart."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    wave = np.sin(np.arange(size) * 1.2 + rng.uniform(0, 6, (n, 1)))
    pictures = np.where(labels[:, None, None] == 1, wave[:, None, :], wave[:, :, None])
    noisy = 128 + 60 * pictures[..., None] + rng.normal(0, 25, (n, size, size, 3))
    return noisy.clip(0, 255).astype(np.uint8), labels


@pytest.mark.parametrize("block", BLOCKS)
def test_each_kind_of_block_learns_stripes_and_knows_new_ones(block):
    model = FrameNet(2, block, (8, 8, 16), seed=0)
    losses = train_frame_net(model, *stripes(256), epochs=6, seed=0, progress=False)
    images, labels = stripes(96, seed=1)
    assert losses[-1] < 0.5 * losses[0]
    assert (predict_frames(model, images).argmax(axis=1) == labels).mean() > 0.95


@pytest.mark.parametrize("block", BLOCKS)
def test_the_same_seed_gives_the_same_network_and_another_does_not(block):
    images, labels = stripes(24)

    def trained(seed):
        model = FrameNet(2, block, (8, 8, 8), seed=seed)
        train_frame_net(model, images, labels, epochs=1, seed=seed, progress=False)
        return predict_frames(model, images)

    np.testing.assert_array_equal(trained(3), trained(3))
    assert not np.array_equal(trained(3), trained(4))


def test_building_a_network_leaves_the_global_randomness_alone():
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    FrameNet(2, seed=5)
    assert torch.equal(torch.rand(3), wanted)


def test_depths_have_their_widths_and_the_last_is_what_the_head_reads():
    images, _ = stripes(5)
    model = FrameNet(4, "residual", (8, 12, 16), seed=0)
    levels = embed_frames(model, images)
    assert [level.shape for level in levels] == [(5, 8), (5, 8), (5, 12), (5, 16)]
    with torch.inference_mode():
        scores = model.head(torch.from_numpy(levels[-1])).softmax(dim=1).numpy()
    np.testing.assert_allclose(scores, predict_frames(model, images), rtol=1e-4)


def test_frames_are_brought_to_plus_minus_one():
    tensor = frame_tensor(np.array([0, 255], np.uint8).repeat(12).reshape(2, 2, 2, 3))
    assert tensor.shape == (2, 3, 2, 2) and tensor[0].eq(-1).all() and tensor[1].eq(1).all()


def test_an_unknown_block_is_refused():
    with pytest.raises(ValueError, match="plain"):
        FrameNet(2, "dense", seed=0)


@pytest.mark.parametrize("widths", [(), (8, 10), (0, 4), (6,)])
def test_widths_that_no_block_can_split_in_four_are_refused(widths):
    with pytest.raises(ValueError, match="multiples of 4"):
        FrameNet(2, "inception", widths, seed=0)


def test_mirrors_are_drawn_so_that_left_and_right_cannot_be_told_apart():
    images = np.zeros((64, 16, 16, 3), np.uint8)
    labels = np.arange(64) % 2
    images[labels == 1, :, :8] = 200  # bright on the left
    images[labels == 0, :, 8:] = 200  # bright on the right: the first, in a mirror
    model = FrameNet(2, widths=(8,), seed=0)
    losses = train_frame_net(model, images, labels, epochs=10, seed=0, progress=False)
    assert losses[-1] > 0.6


def test_frames_and_labels_of_other_numbers_are_refused():
    images, labels = stripes(5)
    for wrong in (labels[:4], 3):
        with pytest.raises(ValueError, match="one label each"):
            train_frame_net(FrameNet(2, seed=0), images, wrong, epochs=1, seed=0)
