import numpy as np
import pytest
import torch
from transformers.models.bert import BertConfig, BertModel

from avrec_lib.content.text import pad
from avrec_lib.content.text.bert import Bert, BertShape

SMALL = BertShape(pieces=50, width=24, layers=3, heads=4, inner=40, places=12)


@pytest.fixture(scope="module")
def reference():
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=SMALL.pieces,
        hidden_size=SMALL.width,
        num_hidden_layers=SMALL.layers,
        num_attention_heads=SMALL.heads,
        intermediate_size=SMALL.inner,
        max_position_embeddings=SMALL.places,
    )
    model = BertModel(config).eval()
    with torch.no_grad():
        for array in model.parameters():
            array.normal_(std=0.3)  # no weight is zero or one, so that none can be left out unseen
    return model


def test_every_layer_is_that_of_the_reference(reference):
    ours = Bert(SMALL, reference.state_dict())
    lists = [[1, 2, 3], list(range(12)), [49]]
    ids, mask = map(torch.from_numpy, pad(lists))
    with torch.inference_mode():
        wanted = reference(ids, attention_mask=mask.long(), output_hidden_states=True).hidden_states
        found = list(ours.layers(ids, mask))
        last = ours(ids, mask)
    assert len(found) == len(wanted) == SMALL.layers + 1
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one[mask], other[mask], atol=2e-5)
    np.testing.assert_array_equal(last, found[-1])


def test_what_stands_in_filled_places_moves_no_state():
    model = Bert.drawn(SMALL, seed=1)
    ids, mask = map(torch.from_numpy, pad([[5, 6], [7, 8, 9, 10]]))
    other = torch.where(mask, ids, 33)
    np.testing.assert_array_equal(model(ids, mask)[mask], model(other, mask)[mask])


def test_weights_that_lack_an_array_or_have_another_shape_are_refused_by_name(reference):
    weights = dict(reference.state_dict())
    name = "encoder.layer.1.output.dense.weight"
    with pytest.raises(ValueError, match=rf"{name} has shape \(40, 24\) and should have \(24, 40\)"):
        Bert(SMALL, weights | {name: weights[name].T})
    del weights[name]
    with pytest.raises(ValueError, match=f"lack {name}"):
        Bert(SMALL, weights)


def test_an_untrained_model_is_drawn_by_its_seed_as_the_reference_draws_it():
    model, again, other = (Bert.drawn(SMALL, seed=seed) for seed in (1, 1, 2))
    ids, mask = map(torch.from_numpy, pad([[1, 2, 3]]))
    np.testing.assert_array_equal(model(ids, mask), again(ids, mask))
    assert not torch.equal(model(ids, mask), other(ids, mask))
    theirs = BertModel(BertConfig(hidden_size=24, num_attention_heads=4, num_hidden_layers=3, intermediate_size=40))
    for name, array in theirs.state_dict().items():
        if name in SMALL.weights():
            ours = model._weights[name]
            assert float(ours.mean()) == pytest.approx(float(array.mean()), abs=0.005), name
            if array.ndim == 2 and "position" not in name:
                assert float(ours.std()) == pytest.approx(0.02, rel=0.35), name
