import os

import faiss
import numpy as np
import pytest

from avrec_lib.content.checked_files import DamagedFileError, read_checked, write_checked
from avrec_lib.match import index as index_module
from avrec_lib.match.indexes import ExactIndex, HNSWIndex, IVFIndex, PQIndex, SimHashIndex, load_index

WIDTH, COUNT = 16, 600
MAKERS = {
    "exact": lambda metric="cosine": ExactIndex(metric),
    "simhash": lambda metric="cosine": SimHashIndex(metric, bits=128),
    "hnsw": lambda metric="cosine": HNSWIndex(metric, links=4),
    "ivf": lambda metric="cosine": IVFIndex(metric, cells=20, probes=20),
    "pq": lambda metric="cosine": PQIndex(metric, parts=8, cells=5),
}


def drawn(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, WIDTH)).astype(np.float32)


def names(count):
    return [f"clip-{number}" for number in range(count)]


@pytest.fixture(params=MAKERS)
def kind(request):
    return request.param


@pytest.fixture
def saved(kind, tmp_path):
    path = tmp_path / "index"
    MAKERS[kind]().build(drawn(COUNT), names(COUNT)).save(path)
    return path


def forge(path, change):
    """Write the file anew after ``change(arrays, manifest)``, with a digest that is right."""
    arrays, manifest = read_checked(path)
    arrays = {name: array.copy() for name, array in arrays.items()}
    change(arrays, manifest)
    write_checked(path, arrays, manifest)


def refuses(path, message):
    with pytest.raises(DamagedFileError, match=message) as caught:
        load_index(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("metric", ["cosine", "inner", "euclidean"])
def test_an_index_of_every_metric_is_read_as_it_was_written(kind, metric, tmp_path):
    if kind == "simhash" and metric != "cosine":
        return
    index = MAKERS[kind](metric).build(3.0 * drawn(COUNT), names(COUNT))
    index.save(tmp_path / "index")
    again = load_index(tmp_path / "index")
    for one, other in zip(index.search(drawn(50, 1), 7), again.search(drawn(50, 1), 7), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_removed_id_is_nowhere_in_the_file_and_does_not_come_back(kind, tmp_path):
    index = MAKERS[kind]().build(drawn(COUNT), names(COUNT))
    index.remove(["clip-7", "clip-8"])
    for step in ("removed", "compacted"):
        index.save(tmp_path / step)
        content = (tmp_path / step).read_bytes()
        assert b'"clip-7"' not in content and b'clip-7\\"' not in content and b"clip-77" in content
        again = load_index(tmp_path / step)
        assert len(again) == COUNT - 2 and "clip-7" not in again
        everything = set(again.search(drawn(1, 2), COUNT).ids[0])
        assert everything == {*names(COUNT), None} - {"clip-7", "clip-8"}
        with pytest.raises(KeyError, match="clip-7"):
            again.remove(["clip-7"])
        again.add(drawn(1, 3), ["clip-7"])
        assert again.search(drawn(1, 3), 600).ids[0].tolist().count("clip-7") == 1
        index.compact()
    assert (tmp_path / "compacted").stat().st_size < (tmp_path / "removed").stat().st_size


def test_an_index_of_which_all_was_removed_is_saved_and_grows_again(kind, tmp_path):
    index = MAKERS[kind]().build(drawn(COUNT), names(COUNT))
    index.remove(names(COUNT))
    index.compact()
    index.save(tmp_path / "index")
    again = load_index(tmp_path / "index")
    assert len(again) == 0 and again.search(drawn(2), 3).ids.tolist() == [[None] * 3] * 2
    again.add(drawn(5, 4), range(5))
    assert sorted(again.search(drawn(1, 4), 5).ids[0]) == [0, 1, 2, 3, 4]


def test_a_knob_that_no_index_may_have_is_not_written(tmp_path):
    index = IVFIndex(cells=3).build(drawn(50), range(50))
    index.probes = 0
    with pytest.raises(ValueError, match="probes"):
        index.save(tmp_path / "index")
    index.probes = np.int64(3)
    index.save(tmp_path / "index")
    assert load_index(tmp_path / "index").probes == 3


def test_a_file_that_is_cut_or_changed_is_refused(saved):
    content = bytearray(saved.read_bytes())
    saved.write_bytes(content[:-100])
    refuses(saved, "cut off")
    content[-500] ^= 1
    saved.write_bytes(content)
    refuses(saved, "SHA-256")


def test_a_file_in_which_faiss_would_open_another_is_not_given_to_faiss(tmp_path, monkeypatch):
    cells = faiss.IndexIVFFlat(faiss.IndexFlatIP(WIDTH), WIDTH, 4, faiss.METRIC_INNER_PRODUCT)
    cells.cp.min_points_per_centroid = 1
    cells.train(drawn(100))
    elsewhere = tmp_path / "elsewhere"
    lists = faiss.OnDiskInvertedLists(4, WIDTH * 4, str(elsewhere))
    cells.replace_invlists(lists)
    cells.add(drawn(100))
    forged = faiss.serialize_index(cells)
    assert str(elsewhere).encode() in forged.tobytes()
    os.truncate(elsewhere, 0)  # from here on, reading what it names would end the process
    monkeypatch.setattr(faiss, "deserialize_index", lambda *_: pytest.fail("FAISS read the file"))
    path = tmp_path / "index"
    manifest = {"kind": "IVFIndex", "width": WIDTH, "ids": list(range(100)), "parameters": {"metric": "cosine"}}
    for name in ("avrec index 1", index_module.FORMAT):
        write_checked(path, {"index": forged, "alive": np.ones(100, bool)}, manifest | {"format": name})
        refuses(path, "is no avrec index" if name.endswith("1") else "middles is missing")


MANIFESTS = {
    "another format": ({"format": "avrec index 1"}, "is no avrec index"),
    "another kind": ({"kind": "Index"}, "is no avrec index"),
    "a kind that is no text": ({"kind": ["ExactIndex"]}, "is no avrec index"),
    "a wider vector": ({"width": WIDTH + 1}, "the array"),
    "a width that is text": ({"width": str(WIDTH)}, "width must be"),
    "a width beyond all": ({"width": 2**62}, "width must be"),
    "one id less": ({"ids": names(COUNT - 1)}, "the array"),
    "an id twice": ({"ids": ["clip-0", *names(COUNT - 1)]}, "more than once"),
    "a list as id": ({"ids": [[1], *names(COUNT - 1)]}, "text or whole numbers"),
    "ids that are no list": ({"ids": {name: 1 for name in names(COUNT)}}, "no list"),
    "an unknown metric": ({"parameters": {"metric": "l1"}}, "metric must be"),
    "an unknown parameter": ({"parameters": {"path": "/etc/passwd"}}, "path"),
    "no parameters": ({"parameters": None}, "does not hold"),
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_forged_manifest_is_refused(saved, what):
    change, message = MANIFESTS[what]
    forge(saved, lambda _, manifest: manifest.update(change))
    refuses(saved, message)


@pytest.mark.parametrize("missing", ["format", "kind", "width", "ids", "parameters"])
def test_a_manifest_that_lacks_something_is_refused(saved, missing):
    forge(saved, lambda _, manifest: manifest.pop(missing))
    refuses(saved, "is no avrec index|does not hold")


def test_every_array_must_be_there_of_its_type_and_shape_and_finite(saved):
    original = saved.read_bytes()
    arrays, _ = read_checked(saved)
    for name, array in arrays.items():
        for change, message in [
            (lambda held, _, name=name: held.pop(name), f"{name} is missing"),
            (lambda held, _, name=name: held.update({name: held[name].astype(np.float64)}), name),
            (lambda held, _, name=name: held.update({name: held[name][:-1]}), "array|links"),
            (lambda held, _, name=name: held.update({name: held[name][None]}), name),
        ]:
            saved.write_bytes(original)
            forge(saved, change)
            if name == "middles" and "array|" in message:
                continue  # one cell less: seen below, where a slot is in it
            refuses(saved, message)
        if array.dtype.kind == "f":
            saved.write_bytes(original)
            forge(saved, lambda held, _, name=name: held[name].reshape(-1).__setitem__(0, np.nan))
            refuses(saved, f"{name} is not finite")
    saved.write_bytes(original)
    forge(saved, lambda held, _: held.update(more=np.zeros(3)))
    refuses(saved, "unknown array 'more'")


def set_flat(name, place, value):
    return lambda arrays, _: arrays[name].reshape(-1).__setitem__(place, value)


def deepest(arrays):
    return int(arrays["layers"].argmax())


FORGED = {
    "vectors longer than 1": ("ivf", lambda arrays, _: arrays["vectors"].__imul__(2.0), "length 1"),
    "a cell beyond the last": ("ivf", set_flat("cells", 0, 20), "cells"),
    "a cell below the first": ("pq", set_flat("cells", 0, -1), "cells"),
    "no cell": ("pq", lambda arrays, _: arrays.update(middles=arrays["middles"][:0]), "cells"),
    "more parts": ("pq", lambda _, manifest: manifest["parameters"].update(parts=16), "codes"),
    "parts that do not divide": ("pq", lambda _, manifest: manifest["parameters"].update(parts=3), "array|divide"),
    "endless bits": ("simhash", lambda _, manifest: manifest["parameters"].update(bits=2**40), "bits"),
    "more threads than it should take": (
        "hnsw",
        lambda _, manifest: manifest["parameters"].update(n_jobs=999),
        "n_jobs",
    ),
    "a link beyond the last": ("hnsw", set_flat("neighbours", 0, COUNT), "out of the graph"),
    "a link below none": ("hnsw", set_flat("neighbours", 5, -2), "out of the graph"),
    "a walk that starts outside": ("hnsw", set_flat("entry", 0, COUNT), "walks start"),
    "a walk that starts nowhere": ("hnsw", set_flat("entry", 0, -1), "walks start"),
    "a walk that starts below": (
        "hnsw",
        lambda arrays, _: arrays["entry"].__setitem__(0, arrays["layers"].argmin()),
        "walks start",
    ),
    "a vector in no layer": ("hnsw", set_flat("layers", 0, 0), "no layer"),
    "a vector in too many": ("hnsw", set_flat("layers", 0, 10**6), "no layer"),
    "another number of links": ("hnsw", lambda _, manifest: manifest["parameters"].update(links=5), "links"),
    "endless links": ("hnsw", lambda _, manifest: manifest["parameters"].update(links=10**9), "links"),
    "a link up to a vector that is not there": (
        "hnsw",
        lambda arrays, _: arrays["neighbours"].__setitem__(
            # The last link of the vector that starts all walks is in the highest layer.
            int(((arrays["layers"][: deepest(arrays) + 1] - 1) * 4 + 8).sum()) - 1,
            arrays["layers"].argmin(),
        ),
        "not in layer",
    ),
}


@pytest.mark.parametrize("what", FORGED)
def test_an_array_that_would_lead_a_search_astray_is_refused(what, tmp_path):
    kind, change, message = FORGED[what]
    path = tmp_path / "index"
    MAKERS[kind]().build(drawn(COUNT), names(COUNT)).save(path)
    forge(path, change)
    refuses(path, message)


def test_parts_that_would_fill_the_memory_are_asked_for_before_room_is_made(tmp_path, monkeypatch):
    path = tmp_path / "index"
    MAKERS["pq"]().build(drawn(COUNT), names(COUNT)).save(path)

    def widen(arrays, manifest):
        manifest.update(width=2**16, ids=[])
        middles, none = np.zeros((1, 2**16), np.float32), np.zeros((0, 8), np.uint8)
        arrays.update(middles=middles, cells=np.zeros(0, np.int32), codes=none)

    forge(path, widen)
    monkeypatch.setattr(PQIndex, "_empty", lambda *_: pytest.fail("room was made"))
    refuses(path, "the array parts")


@pytest.mark.parametrize("seed", range(3))
def test_numbers_put_anywhere_are_refused_or_do_no_harm(kind, saved, seed):
    original, rng = saved.read_bytes(), np.random.default_rng(seed)
    fields = sorted(read_checked(saved)[0])
    for _ in range(30):
        saved.write_bytes(original)

        def change(arrays, _):
            array = arrays[fields[rng.integers(len(fields))]]
            flat = array.reshape(-1).view(np.uint8)
            flat[rng.integers(len(flat), size=3)] = rng.integers(256, size=3)

        forge(saved, change)
        try:
            index = load_index(saved)
        except DamagedFileError:
            continue
        index.add(drawn(3, 8), range(3))
        index.remove(range(3))
        ids, scores = index.search(drawn(5, 9), 10)
        assert set(ids.ravel()) <= {*names(COUNT), None} and not np.isinf(scores).any()
