"""An extractor's version changes with all that decides its numbers, and with nothing else."""

import importlib
import pickle
import sys

import pytest

from avrec_lib.content import extractor
from avrec_lib.content.extraction import extract
from avrec_lib.content.extractor import Extractor
from avrec_lib.content.extractors import PICTURE_SKETCH, SOUND_SKETCH
from tests.content import toy_extractors as toys

MODULE = "from avrec_lib.{other} import *\n{lines}\ndef describe(path, size=1):\n    return [size]\n"


@pytest.fixture
def versions(tmp_path, monkeypatch):
    """Give a function that returns the version of an extractor in a module that is written anew."""
    monkeypatch.syspath_prepend(tmp_path)

    def version(lines="", other="cache", **arguments):
        (tmp_path / "own_extractor.py").write_text(MODULE.format(lines=lines, other=other))
        for own in [name for name in sys.modules if name.startswith("own_")]:
            del sys.modules[own]
        importlib.invalidate_caches()
        sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
        module = importlib.import_module("own_extractor")
        sys.dont_write_bytecode = before
        return Extractor(**{"name": "own", "describe": module.describe, "columns": ("a",)} | arguments).version

    return version


def test_source_imports_parameters_columns_and_libraries_each_count(versions, monkeypatch):
    first = versions()
    assert versions() == first
    changed = {
        "source": versions(lines="SIZE = 2"),
        "import": versions(other="tables"),
        "parameters": versions(parameters={"size": 2}),
        "columns": versions(columns=("b",)),
    }
    monkeypatch.setattr(extractor, "library_versions", lambda files, also: {"numpy": "0.0.1"})
    changed["libraries"] = versions()
    assert len({first, *changed.values()}) == 6
    assert versions(name="another") == versions(), "the name is in the folder's name"


def test_the_reader_and_all_modules_behind_the_ready_made_extractors_count(tmp_path, monkeypatch):
    import shutil

    root = extractor._ROOT
    shutil.copytree(root / "avrec_lib", tmp_path / "avrec_lib", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(extractor, "_ROOT", tmp_path)

    def now(one):
        return Extractor(one.name, one.describe, one.columns).version

    before = {one.name: now(one) for one in (SOUND_SKETCH, PICTURE_SKETCH)}
    (tmp_path / "avrec_lib" / "world" / "people.py").write_text("# edited\n")
    assert before == {one.name: now(one) for one in (SOUND_SKETCH, PICTURE_SKETCH)}
    with (tmp_path / "avrec_lib" / "media" / "resample.py").open("a") as file:
        file.write("# edited\n")
    assert now(SOUND_SKETCH) != before["sound"]
    assert "av" in extractor.library_versions([root / "avrec_lib" / "media" / "source.py"])


def test_modules_of_the_authors_own_count_and_what_lies_beside_them_does_not(versions, tmp_path):
    (tmp_path / "own_kit").mkdir()
    sources = {
        "own_helper.py": "from own_kit.inner import double\n",
        "own_kit/__init__.py": "",
        "own_kit/inner.py": "def f():\n    from . import deepest\ndouble = 2\n",
        "own_kit/deepest.py": "import numpy, own_helper\nfrom avrec_lib import tables\n",
    }
    unrelated = {"own_unrelated.py": "", "own_kit/unrelated.py": ""}
    for name, source in {**sources, **unrelated}.items():
        (tmp_path / name).write_text(source)
    seen = [versions(lines="from own_helper import double")]
    for name in sources:
        (tmp_path / name).write_text(sources[name] + "# edited\n")
        seen.append(versions(lines="from own_helper import double"))
    assert len(set(seen)) == 1 + len(sources)
    for name in unrelated:
        (tmp_path / name).write_text("# edited\n")
    assert versions(lines="from own_helper import double") == seen[-1]


def test_an_installed_module_counts_by_the_version_of_its_distribution(monkeypatch):
    from sklearn.metrics import accuracy_score

    asked = []
    monkeypatch.setattr(extractor, "library_versions", lambda files, also: asked.extend(also) or {})
    assert Extractor("own", accuracy_score, ("a",)).version
    assert asked == ["sklearn"]


def test_parameters_stay_what_they_were_when_the_version_was_taken(tmp_path):
    given = {"sizes": [1, 2], "deep": {"a": (3,)}}
    one = Extractor("toy", toys.sum_of, ("one",), parameters=given)
    before = one.version
    given["sizes"].append(100)
    given["deep"]["a"] = (400,)
    with pytest.raises(TypeError):
        one.parameters["sizes"] = []
    with pytest.raises(TypeError):
        one.parameters["deep"]["a"] = []
    assert one.describe(tmp_path, **one.arguments) == [6]
    one.arguments["sizes"].append(100)  # a function that changes what it is given changes its own copy
    assert one.describe(tmp_path, **one.arguments) == [6]
    again = pickle.loads(pickle.dumps(one))
    assert (
        again == one and again.version == before and one.origin["parameters"] == {"sizes": [1, 2], "deep": {"a": [3]}}
    )


def test_a_function_that_a_worker_could_not_import_is_refused():
    def inner(path):
        return [1.0]

    for function in (inner, lambda path: [1.0], "describe", toys.size_and_first.__call__):
        with pytest.raises(ValueError, match="top of a module"):
            Extractor("toy", function, ("a",))


@pytest.mark.parametrize("edited", ["own_reader", "own_number"])
def test_numbers_of_a_module_that_was_edited_and_not_loaded_anew_are_never_kept(tmp_path, monkeypatch, edited):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    sources = {
        "own_reader": "import own_number\ndef read(texts):\n    return [[1.0 * own_number.N]] * len(texts)\n",
        "own_number": "N = 1\n",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    reader = importlib.import_module("own_reader")
    how = {"texts": {"a": "rain"}, "n_jobs": 1, "progress": False, "cache": tmp_path / "cache"}

    def made():
        return Extractor("own", reader.read, ("n",), "text")

    def number(one):
        return extract(None, one, **how)["own"].features.matrix.item()

    first = made()
    assert number(first) == 1.0
    (tmp_path / f"{edited}.py").write_text(sources[edited].replace("1", "20"))
    for attempt in (lambda: number(first), made):
        with pytest.raises(ValueError, match=rf"own: .*{edited}\.py was edited after {edited} had been imported"):
            attempt()
    importlib.reload(sys.modules[edited])
    importlib.reload(reader)
    with pytest.raises(ValueError, match="top of a module"):
        number(first)
    assert number(made()) == 20.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../up"}, "letters, digits"),
        ({"name": ""}, "letters, digits"),
        ({"columns": ()}, "name of its own"),
        ({"columns": ("a", "a")}, "name of its own"),
        ({"reads": "smell"}, "'media' or 'text'"),
        ({"parameters": {"path": extractor}}, "JSON"),
        ({"parameters": ["size"]}, "a mapping"),
    ],
)
def test_what_is_no_extractor_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Extractor(**{"name": "toy", "describe": toys.size_and_first, "columns": ("a", "b")} | change)


def test_an_extractor_travels_to_another_process():
    assert pickle.loads(pickle.dumps(SOUND_SKETCH)) == SOUND_SKETCH
