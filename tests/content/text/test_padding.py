import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from avrec_lib.content.text import masked_mean, pad

LISTS = st.lists(st.lists(st.integers(1, 99), max_size=6), max_size=5)


@given(LISTS)
def test_padding_keeps_every_token_and_masks_the_rest(lists):
    ids, mask = pad(lists)
    assert [ids[row][mask[row]].tolist() for row in range(len(lists))] == lists
    assert (ids[~mask] == 0).all()
    assert ids.shape == mask.shape == (len(lists), max(map(len, lists), default=0))


@given(LISTS.filter(any), st.integers(1, 9), st.sampled_from([0.0, 1e9, np.nan, np.inf]))
def test_padding_never_changes_a_pooled_vector(lists, more, junk):
    ids, mask = pad(lists)
    states = np.random.default_rng(0).normal(size=(100, 3))[ids]
    wider = np.concatenate([np.where(mask[..., None], states, junk), np.full((len(lists), more, 3), junk)], axis=1)
    longer = np.concatenate([mask, np.zeros((len(lists), more), dtype=bool)], axis=1)
    alone = [states[row, : len(part)].mean(axis=0) if part else np.zeros(3) for row, part in enumerate(lists)]
    for pooled in (
        masked_mean(states, mask),
        masked_mean(wider, longer),
        masked_mean(torch.from_numpy(wider), torch.from_numpy(longer)).numpy(),
    ):
        np.testing.assert_allclose(pooled, alone, rtol=1e-12, atol=1e-12)


def test_a_plain_mean_would_fail_that_test():
    ids, mask = pad([[1, 2, 3], [4]])
    states = np.random.default_rng(0).normal(size=(100, 3))[ids]
    assert np.abs(states.mean(axis=1) - masked_mean(states, mask)).max() > 0.1


def test_the_type_stays():
    states = np.ones((1, 2, 3), dtype=np.float32)
    assert masked_mean(states, np.array([[True, False]])).dtype == np.float32
    half = torch.ones(1, 2, 3, dtype=torch.float16)
    assert masked_mean(half, torch.tensor([[1, 0]])).dtype == torch.float16


def test_misuse_is_told():
    with pytest.raises(ValueError, match="do not agree"):
        masked_mean(np.zeros((2, 3, 4)), np.zeros((2, 4), dtype=bool))
    assert pad([])[0].shape == (0, 0)
