import subprocess
import sys
import tracemalloc

import faiss
import numpy as np
import pandas as pd
import pytest

from avrec_lib.match import index as index_module
from avrec_lib.match.indexes import ExactIndex, HNSWIndex, IVFIndex, PQIndex, SimHashIndex, load_index
from avrec_lib.match.recall import recall

WIDTH = 16
MAKERS = {
    "exact": lambda metric="cosine": ExactIndex(metric),
    "simhash": lambda metric="cosine": SimHashIndex(metric, bits=512),
    "hnsw": lambda metric="cosine": HNSWIndex(metric),
    "ivf": lambda metric="cosine": IVFIndex(metric, cells=20, probes=10),
    "pq": lambda metric="cosine": PQIndex(metric, parts=8),
    "ivfpq": lambda metric="cosine": PQIndex(metric, parts=8, cells=20, probes=10),
}
HOLD_VECTORS = ("exact", "hnsw", "ivf")


def clustered(count, seed=0, width=WIDTH):
    rng = np.random.default_rng(seed)
    middles = np.random.default_rng(99).normal(size=(30, width))
    return (middles[rng.integers(0, 30, count)] + 0.4 * rng.normal(size=(count, width))).astype(np.float32)


def names(count, first=0):
    return [f"clip-{number}" for number in range(first, first + count)]


@pytest.fixture(scope="module")
def vectors():
    return clustered(2000)


@pytest.fixture(params=MAKERS)
def kind(request):
    return request.param


@pytest.fixture
def built(kind, vectors):
    return MAKERS[kind]().build(vectors, names(len(vectors)))


def test_finds_most_of_what_exact_search_finds(built, kind, vectors):
    exact = ExactIndex().build(vectors, names(len(vectors)))
    queries = clustered(100, seed=1)
    share = recall(built.search(queries, 10).ids, exact.search(queries, 10).ids)
    least = {"exact": 1.0, "simhash": 0.35, "hnsw": 0.99, "ivf": 0.99, "pq": 0.5, "ivfpq": 0.5}[kind]
    assert share.mean() >= least


@pytest.mark.parametrize(
    ("kind", "metric"),
    [(kind, metric) for kind in MAKERS for metric in ("cosine", "inner", "euclidean")[: 1 if kind == "simhash" else 3]],
)
def test_scores_are_the_metrics_and_fall(kind, metric, vectors):
    index = MAKERS[kind](metric).build(vectors, np.arange(len(vectors)))
    queries = clustered(20, seed=2)
    ids, scores = index.search(queries, 5)
    assert scores.dtype == np.float32 and (np.diff(scores, axis=1) <= 0).all()
    near = vectors[ids.astype(int)].astype(np.float64)
    right = {
        "inner": lambda: np.einsum("nd,nkd->nk", queries, near),
        "euclidean": lambda: -np.linalg.norm(queries[:, None] - near, axis=2),
        "cosine": lambda: (
            np.einsum("nd,nkd->nk", queries, near)
            / np.linalg.norm(queries, axis=1)[:, None]
            / np.linalg.norm(near, axis=2)
        ),
    }[metric]()
    if kind in HOLD_VECTORS:
        np.testing.assert_allclose(scores, right, rtol=1e-4)
    else:
        assert np.abs(scores - right).mean() < 0.15 * np.abs(right).mean()  # estimates
    exact = ExactIndex(metric).build(vectors, np.arange(len(vectors)))
    assert recall(ids, exact.search(queries, 5).ids).mean() > (0.8 if kind in HOLD_VECTORS else 0.3)


def test_added_items_are_found_and_removed_ones_are_not(built):
    new = clustered(3, seed=5) * 2
    built.add(new, ["a", 7, "c"])
    assert len(built) == 2003 and "a" in built and 7 in built
    assert (built.search(new, 20).ids == np.array([["a"], [7], ["c"]], dtype=object)).any(axis=1).all()
    built.remove([7, "clip-0"])
    assert len(built) == 2001 and 7 not in built
    everything = built.search(new[1:2], 2003).ids[0].tolist()
    assert 7 not in everything and "clip-0" not in everything
    assert len({name for name in everything if name is not None}) == 2001 and everything[2001:] == [None, None]
    built.add(new[1:2], [7])
    assert 7 in built.search(new[1:2], 20).ids[0]


def test_items_that_come_one_by_one_are_held_as_those_that_come_together(kind, vectors):
    index = MAKERS[kind]().build(vectors[:300], range(300))
    for row in range(300, 330):
        index.add(vectors[row : row + 1], [row])
    together = MAKERS[kind]().build(vectors[:300], range(300))
    together.add(vectors[300:330], range(300, 330))
    for one, other in zip(index.search(vectors[:50], 10), together.search(vectors[:50], 10), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["exact", "simhash"])
def test_a_vector_that_comes_alone_moves_none_of_those_that_are_held(kind):
    held = clustered(30_000)
    index = MAKERS[kind]().build(held, range(len(held)))
    taken = []
    tracemalloc.start()
    try:
        for number in range(len(held), len(held) + 15):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            index.add(held[:1], [number])
            taken.append(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()
    assert np.median(taken) < len(held)  # bytes: not one for each vector that is held


def test_compacting_changes_no_answer_and_leaves_nothing_dead(built, kind):
    built.remove(names(900))
    before = built.search(clustered(30, seed=3), 10)
    assert built.dead == 900
    built.compact()
    after = built.search(clustered(30, seed=3), 10)
    assert built.dead == 0 and len(built) == 1100
    if kind == "hnsw":  # another graph
        assert recall(after.ids, before.ids).mean() > 0.99
    else:
        np.testing.assert_array_equal(after.ids, before.ids)
    built.add(clustered(1, seed=4), ["clip-0"])
    assert "clip-0" in built.search(clustered(1, seed=4), 20).ids[0]


@pytest.mark.parametrize("few", [10_000, 0])
def test_only_allowed_items_are_found_and_all_of_them_can_be(built, kind, vectors, few, monkeypatch):
    monkeypatch.setattr(index_module, "_FEW", few)
    built.remove(["clip-3"])
    queries = clustered(10, seed=6)
    allowed = ["clip-9", "clip-1500", "clip-4"]
    ids, scores = built.search(queries, 5, allowed=allowed)
    assert all(sorted(row[:3]) == sorted(allowed) and (row[3:] == [None, None]).all() for row in ids)
    assert np.isfinite(scores[:, :3]).all() and np.isnan(scores[:, 3:]).all()
    half = names(1000, 1000)
    some = built.search(queries, 10, allowed=half)
    assert set(some.ids.ravel()) <= set(half)
    if kind in HOLD_VECTORS:
        exact = ExactIndex().build(vectors[1000:], half)
        assert recall(some.ids, exact.search(queries, 10).ids).mean() > 0.95
        if few:  # then all of them are compared, however little a search usually looks at
            built.probes = built.breadth = 1
            np.testing.assert_array_equal(built.search(queries, 10, allowed=half).ids, exact.search(queries, 10).ids)
    assert pd.isna(built.search(queries, 2, allowed=[]).ids).all()


def test_a_saved_index_answers_as_before(built, kind, tmp_path):
    built.remove(["clip-5", "clip-1999"])
    built.add(clustered(1, seed=8), [12])
    built.save(tmp_path / "index")
    again = load_index(tmp_path / "index")
    assert type(again) is type(built) and len(again) == len(built) and again.dead == built.dead
    queries = clustered(20, seed=7)
    for a, b in zip(built.search(queries, 7), again.search(queries, 7), strict=True):
        np.testing.assert_array_equal(a, b)
    for index in (built, again):
        index.add(clustered(1, seed=9), ["new"])
        index.remove(["clip-6"])
        assert "new" in index.search(clustered(1, seed=9), 20).ids[0]
    np.testing.assert_array_equal(built.search(queries, 7).ids, again.search(queries, 7).ids)


def test_the_same_seed_gives_the_same_index(kind, vectors):
    queries = clustered(30, seed=10)
    one, other = (MAKERS[kind]().build(vectors, names(len(vectors))).search(queries, 5) for _ in range(2))
    np.testing.assert_array_equal(one.ids, other.ids)
    np.testing.assert_array_equal(one.scores, other.scores)


def test_building_again_forgets_what_was_held(built):
    built.build(clustered(300, seed=11, width=24), names(300, 5000))
    assert len(built) == 300 and built.width == 24 and "clip-0" not in built
    assert set(built.search(np.ones((1, 24)), 300).ids[0]) == set(names(300, 5000))


def test_equal_vectors_stand_in_the_order_in_which_they_came(kind, vectors):
    twins = np.concatenate([vectors[:300], np.tile(vectors[:1], (5, 1))])
    order = np.arange(305)
    index = MAKERS[kind]().build(twins, order)
    found = index.search(vectors[:1], 6).ids[0]
    if kind == "simhash":
        assert found.tolist() == [0, 300, 301, 302, 303, 304]
    assert [name for name in found if name in (0, *range(300, 305))] == [0, *range(300, 305)][: len(found)]


def test_an_index_of_zeros_finds_zeros(kind):
    index = MAKERS[kind]().build(np.zeros((300, WIDTH)), np.arange(300))
    ids, scores = index.search(np.zeros((1, WIDTH)), 3)
    assert None not in ids and np.isfinite(scores).all()


def test_wrong_calls_are_refused_and_change_nothing(built, vectors):
    queries = clustered(5, seed=12)
    before = built.search(queries, 5)
    for act, error, message in [
        (lambda: built.add(np.ones((1, WIDTH + 1)), ["x"]), ValueError, "columns"),
        (lambda: built.add(np.full((1, WIDTH), np.nan), ["x"]), ValueError, "row 0"),
        (lambda: built.add(np.ones((2, WIDTH)), ["x", "x"]), ValueError, "more than once"),
        (lambda: built.add(np.ones((2, WIDTH)), ["x", "clip-1"]), ValueError, "in the index already"),
        (lambda: built.add(np.ones((2, WIDTH)), ["x"]), ValueError, "1 ids for 2 vectors"),
        (lambda: built.add(np.ones((1, WIDTH)), [1.5]), ValueError, "text or whole numbers"),
        (lambda: built.add(np.ones((1, WIDTH)), [True]), ValueError, "text or whole numbers"),
        (lambda: built.remove(["clip-2", "nobody"]), KeyError, "nobody"),
        (lambda: built.search(np.ones((1, 3)), 5), ValueError, "columns"),
        (lambda: built.search(np.ones(WIDTH), 5), ValueError, "shape"),
        (lambda: built.search(queries, 0), ValueError, "k must"),
        (lambda: built.search(queries, 5, allowed=["nobody"]), KeyError, "nobody"),
        (lambda: built.build(vectors[:0], []), ValueError, "at least one"),
        (lambda: built.build(vectors[:2], ["x", "x"]), ValueError, "more than once"),
    ]:
        with pytest.raises(error, match=message):
            act()
    assert len(built) == 2000
    np.testing.assert_array_equal(built.search(queries, 5).ids, before.ids)


def test_an_index_that_was_not_built_says_so(kind, tmp_path):
    for act in (
        lambda index: index.add(np.ones((1, 4)), ["x"]),
        lambda index: index.search(np.ones((1, 4))),
        lambda index: index.save(tmp_path / "index"),
    ):
        with pytest.raises(RuntimeError, match="build it first"):
            act(MAKERS[kind]())


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: ExactIndex("cosinus"), "metric must be one of"),
        (lambda: SimHashIndex("inner"), "metric must be cosine"),
        (lambda: SimHashIndex(bits=100), "multiple of 64"),
        (lambda: SimHashIndex(bits=2**40), "bits"),
        (lambda: HNSWIndex(links=1), "links"),
        (lambda: HNSWIndex(breadth=2.5), "breadth"),
        (lambda: IVFIndex(probes=0), "probes"),
        (lambda: IVFIndex(probes=True), "probes"),
        (lambda: IVFIndex(cells=50).build(np.ones((9, 4)), range(9)), "cannot be learnt"),
        (lambda: PQIndex(parts=3).build(np.ones((300, 4)), range(300)), "do not divide"),
        (lambda: PQIndex(parts=2).build(np.ones((200, 4)), range(200)), "ExactIndex suits"),
    ],
)
def test_parameters_out_of_range_are_refused(act, message):
    with pytest.raises(ValueError, match=message):
        act()


def test_building_a_graph_leaves_the_number_of_threads_alone(vectors):
    before = faiss.omp_get_max_threads()
    HNSWIndex(n_jobs=before + 1).build(vectors, range(len(vectors)))
    assert faiss.omp_get_max_threads() == before


@pytest.mark.parametrize("first", ["import torch", "import avrec_lib.match.indexes"])
def test_torch_and_faiss_work_in_one_process_in_either_order(first):
    program = f"""
{first}
import numpy as np, torch
from avrec_lib.match.indexes import HNSWIndex
torch.set_num_threads(2)
vectors = np.random.default_rng(0).normal(size=(3000, 32)).astype(np.float32)
index = HNSWIndex(n_jobs=2).build(vectors, range(3000))
for turn in range(3):
    (torch.from_numpy(vectors) @ torch.from_numpy(vectors).T).sum()
    assert index.search(vectors, 1).ids[:, 0].tolist().count(5) == 1
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=120)


def test_recall_counts_shared_ids_and_not_gaps():
    found = np.array([["a", "b", None], ["x", "y", "z"]], dtype=object)
    exact = np.array([["b", "c", None], ["x", "y", "z"]], dtype=object)
    assert recall(found, exact).tolist() == [0.5, 1.0]
    assert np.isnan(recall(found[:1], np.full((1, 3), None))).all()
    with pytest.raises(ValueError, match="rows"):
        recall(found, exact[:1])
