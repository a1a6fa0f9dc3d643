"""An extractor's version changes with all that decides its numbers, and with nothing else."""

import importlib
import pickle
import sys

import pytest

from avrec_lib.content import extractor
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
        sys.modules.pop("own_extractor", None)
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
    monkeypatch.setattr(extractor, "library_versions", lambda files: {"numpy": "0.0.1"})
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


def test_a_function_that_a_worker_could_not_import_is_refused():
    def inner(path):
        return [1.0]

    for function in (inner, lambda path: [1.0], "describe", toys.size_and_first.__call__):
        with pytest.raises(ValueError, match="top of a module"):
            Extractor("toy", function, ("a",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "../up"}, "letters, digits"),
        ({"name": ""}, "letters, digits"),
        ({"columns": ()}, "name of its own"),
        ({"columns": ("a", "a")}, "name of its own"),
        ({"reads": "smell"}, "'media' or 'text'"),
        ({"parameters": {"path": extractor}}, "JSON"),
    ],
)
def test_what_is_no_extractor_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Extractor(**{"name": "toy", "describe": toys.size_and_first, "columns": ("a", "b")} | change)


def test_an_extractor_travels_to_another_process():
    assert pickle.loads(pickle.dumps(SOUND_SKETCH)) == SOUND_SKETCH
