import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from avrec_lib.content.training import one_cycle
from avrec_lib.content.unit_rows import unit_rows
from avrec_lib.match.attention import AttentionSimilarity
from avrec_lib.match.bilinear import BilinearSimilarity
from avrec_lib.match.exact import nearest
from avrec_lib.match.measures import cosine, inner_product


def rank_of_right(scores):
    """Mean rank, from 0 at best to 1, of the item on the diagonal."""
    return (scores > np.diag(scores)[:, None]).sum(axis=1).mean() / scores.shape[1]


def planted_spaces(seed, n=400):
    """Two spaces of unlike width in which a hidden map says who wants what, beside coordinates that say nothing."""
    rng, world = np.random.default_rng(seed), np.random.default_rng(77)
    hidden = rng.normal(size=(n, 4))
    queries = np.hstack([hidden @ world.normal(size=(4, 6)), 2 * rng.normal(size=(n, 3))])
    items = np.hstack([2 * rng.normal(size=(n, 5)), hidden @ world.normal(size=(4, 7))])
    return queries, items, (hidden @ hidden.T > 3).astype(float)


def test_bilinear_finds_a_planted_map_between_two_spaces():
    model = BilinearSimilarity(10.0, 10.0).fit(*planted_spaces(0))
    queries, items, taken = planted_spaces(1)
    scores = model(queries, items)
    liked, other = scores[taken > 0].mean(), scores[taken == 0]
    assert (other < liked).mean() > 0.9
    assert scores.dtype == np.float32 and model.weights_.shape == (9, 12)


def test_bilinear_minimises_what_it_says():
    rng = np.random.default_rng(2)
    queries, items, taken = rng.normal(size=(30, 3)), rng.normal(size=(20, 4)), rng.random((30, 20)) < 0.3
    model = BilinearSimilarity(0.7, 2.5).fit(queries, items, sparse.csr_matrix(taken))

    def cost(weights):
        terms = [queries @ weights @ items.T - taken, weights @ items.T, queries @ weights, weights]
        return sum(w * (term**2).sum() for w, term in zip((1.0, 0.7, 2.5, 0.7 * 2.5), terms, strict=True))

    weights = model.weights_.astype(np.float64)
    for _ in range(20):
        step = 0.01 * rng.normal(size=(3, 4))
        ahead, back = cost(weights + step) - cost(weights), cost(weights - step) - cost(weights)
        assert ahead > 0 and back > 0 and abs(ahead - back) < 0.01 * (ahead + back)  # no slope in any direction


def test_a_projected_query_searches_the_items_own_vectors():
    queries, items, taken = planted_spaces(3)
    model = BilinearSimilarity().fit(queries, items, taken)
    found, scores = nearest(model.project(queries), items, 5, metric="inner")
    everything = model(queries, items)
    np.testing.assert_allclose(np.take_along_axis(everything, found, 1), scores, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(scores[:, 0], everything.max(axis=1), rtol=1e-4, atol=1e-5)


def two_interests(seed, n=600, d=8):
    """Pasts of two interests; what is wanted next is near one of them in four coordinates, the others are noise."""
    rng = np.random.default_rng(seed)
    topics = rng.normal(size=(n, 2, 4))
    which = rng.integers(0, 2, (n, 6))
    seen = np.take_along_axis(topics, which[:, :, None], axis=1) + 0.2 * rng.normal(size=(n, 6, 4))
    past = np.concatenate([seen, 1.5 * rng.normal(size=(n, 6, d - 4))], axis=2)
    present = rng.random((n, 6)) < 0.8
    present[:, 0] = True
    past[~present] = np.nan
    goal = topics[np.arange(n), which[:, 0]] + 0.2 * rng.normal(size=(n, 4))
    return past, present, np.concatenate([goal, 1.5 * rng.normal(size=(n, d - 4))], axis=1)


def test_attention_learns_which_likeness_matters_and_beats_the_mean():
    model = AttentionSimilarity(rank=8, epochs=15, batch=100).fit(*two_interests(0))
    past, present, wanted = two_interests(1, n=300)
    mean = np.nansum(unit_rows(np.nan_to_num(past.reshape(-1, 8))).reshape(past.shape), axis=1)
    by_mean, untaught = (
        rank_of_right(cosine(mean, wanted)),
        rank_of_right(AttentionSimilarity(rank=8, epochs=0).fit(past, present, wanted)(past, present, wanted)),
    )
    learnt = rank_of_right(model(past, present, wanted))
    assert learnt < 0.6 * by_mean and learnt < 0.6 * untaught
    assert model.losses_[-1] < model.losses_[0]


@pytest.mark.parametrize(("n", "batch", "parts"), [(60, 25, 3), (60, 20, 3), (5, 2, 2), (7, 100, 1)])
def test_the_learning_rate_of_attention_is_planned_for_the_steps_that_are_made(monkeypatch, n, batch, parts):
    made = []

    def recorded(step, steps, rate):
        made.append((step, steps))
        return one_cycle(step, steps, rate)

    monkeypatch.setattr("avrec_lib.content.training.one_cycle", recorded)
    AttentionSimilarity(rank=4, epochs=3, batch=batch).fit(*two_interests(4, n=n))
    assert made == [(step, 3 * parts) for step in range(3 * parts)]


def test_attention_without_sharpness_is_the_product_with_the_mean_and_sharp_is_the_nearest():
    past, present, wanted = two_interests(2, n=20)
    model = AttentionSimilarity(rank=8, epochs=0).fit(past, present, wanted)
    directions = np.where(present[:, :, None], past, 0.0)
    directions = unit_rows(directions.reshape(-1, 8)).reshape(past.shape)
    model.sharpness_ = 0.0
    mean = directions.sum(axis=1) / present.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model(past, present, wanted), inner_product(mean, unit_rows(wanted)), atol=1e-5)
    model.sharpness_ = 1e5
    alike = np.einsum("ntd,md->ntm", directions, unit_rows(wanted))
    best = np.where(present[:, :, None], alike, -np.inf).max(axis=1)
    np.testing.assert_allclose(model(past, present, wanted), best, atol=1e-5)


def test_absent_items_and_blocks_change_no_answer(monkeypatch):
    past, present, wanted = two_interests(3, n=40)
    model = AttentionSimilarity(rank=4, epochs=2, batch=10, seed=5).fit(past, present, wanted)
    whole = model(past, present, wanted)
    assert np.isfinite(whole).all()
    monkeypatch.setattr("avrec_lib.match.attention._AT_ONCE", 300)
    filled = np.where(np.isnan(past), 9.0, past)
    np.testing.assert_allclose(model(filled, present, wanted), whole, atol=1e-6)


def test_the_same_seed_learns_the_same_and_clones_start_alike():
    data = two_interests(4, n=60)
    first = AttentionSimilarity(rank=4, epochs=2, batch=20, seed=3)
    second = clone(first)
    np.testing.assert_array_equal(first.fit(*data).keys_, second.fit(*data).keys_)
    assert not np.array_equal(first.keys_, clone(first).set_params(seed=4).fit(*data).keys_)


def test_an_item_wanted_by_many_is_not_its_own_wrong_answer():
    past, present, wanted = two_interests(5, n=40)
    same = np.tile(wanted[:1], (40, 1))
    model = AttentionSimilarity(rank=4, epochs=2, batch=40).fit(past, present, same)
    np.testing.assert_allclose(model.losses_, 0.0, atol=1e-6)


PAST, PRESENT, WANTED = np.ones((3, 2, 4)), np.ones((3, 2), bool), np.ones((3, 4))
FITTED = AttentionSimilarity(rank=2, epochs=0).fit(PAST, PRESENT, WANTED)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: BilinearSimilarity(0.0).fit(np.ones((2, 2)), np.ones((3, 2)), np.ones((2, 3))), "penalties"),
        (lambda: BilinearSimilarity().fit(np.ones((2, 2)), np.ones((3, 2)), np.ones((3, 2))), "taken must"),
        (lambda: BilinearSimilarity().fit(np.ones((1, 2)), np.ones((1, 2)), [[np.nan]]), "finite"),
        (lambda: AttentionSimilarity(2).fit(PAST, PRESENT, WANTED[:2]), "wanted must"),
        (lambda: AttentionSimilarity(5).fit(PAST, PRESENT, WANTED), "rank must"),
        (lambda: AttentionSimilarity(2).fit(PAST, ~PRESENT, WANTED), "history 0 is empty"),
        (lambda: AttentionSimilarity(2).fit(PAST, PRESENT * 1.0, WANTED), "present bool"),
        (lambda: AttentionSimilarity(2).fit(PAST * np.nan, PRESENT, WANTED), "not finite"),
        (lambda: FITTED(PAST, PRESENT, WANTED[:, :3]), "columns"),
    ],
)
def test_wrong_input_is_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_widths_of_another_space_are_refused_by_a_fitted_similarity():
    model = BilinearSimilarity().fit(np.ones((2, 2)), np.ones((3, 4)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="queries have 4"):
        model(np.ones((1, 4)), np.ones((1, 4)))
    with pytest.raises(ValueError, match="items have 2"):
        model(np.ones((1, 2)), np.ones((1, 2)))


@pytest.mark.parametrize(
    "act", [lambda: BilinearSimilarity()([[1.0]], [[1.0]]), lambda: AttentionSimilarity()(PAST, PRESENT, WANTED)]
)
def test_asking_before_learning_is_refused(act):
    with pytest.raises(NotFittedError, match="call fit"):
        act()
