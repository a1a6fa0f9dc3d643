"""The closure of a chapter's imports."""

import sys
from pathlib import Path

import avrec_lib
from avrec_lib.dependencies import fingerprint, imported_modules, library_versions, module_closure, source_closure

ROOT = Path(avrec_lib.__file__).parent.parent


def write(root: Path, **modules: str) -> None:
    for name, source in modules.items():
        path = root / "avrec_lib" / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        for parent in path.parents:
            if parent == root:
                break
            (parent / "__init__.py").touch()


def test_every_form_of_import_counts():
    source = (
        "import avrec_lib.a\nfrom avrec_lib import b\nfrom avrec_lib.c import d\nfrom . import e\n"
        "def f():\n    from ..g import h\nimport numpy\n"
    )
    found = imported_modules(source, module="avrec_lib.x.y")
    assert {"avrec_lib.a", "avrec_lib.b", "avrec_lib.c.d", "avrec_lib.x.e", "avrec_lib.g.h"} <= found
    assert not any(name.startswith("numpy") for name in found)


def test_imports_count_in_whatever_block_they_stand():
    source = (
        "try:\n    import avrec_lib.a\nexcept ImportError:\n    import avrec_lib.b\n"
        "else:\n    import avrec_lib.c\nfinally:\n    import avrec_lib.d\n"
        "match 1:\n    case 1:\n        import avrec_lib.e\n"
    )
    assert imported_modules(source) == {f"avrec_lib.{letter}" for letter in "abcde"}


def test_indirect_imports_and_parents_and_data_files_count(tmp_path):
    write(tmp_path, a="from avrec_lib.p import q", p__q="from avrec_lib import z", p__other="", z="", lonely="")
    (tmp_path / "avrec_lib" / "p" / "words.json").write_text("[]")
    found = set(source_closure(tmp_path, {"avrec_lib.a"}))
    assert found == {
        "avrec_lib/__init__.py",
        "avrec_lib/a.py",
        "avrec_lib/p/__init__.py",
        "avrec_lib/p/q.py",
        "avrec_lib/p/words.json",
        "avrec_lib/z.py",
    }


def test_circular_imports_end(tmp_path):
    write(tmp_path, a="from avrec_lib import b", b="from avrec_lib import a")
    assert {"avrec_lib/a.py", "avrec_lib/b.py"} <= set(source_closure(tmp_path, {"avrec_lib.a"}))


def test_the_closure_is_what_python_really_imports(tmp_path):
    import json
    import subprocess
    import sys

    program = (
        "import sys, json, avrec_lib.publish; "
        "print(json.dumps([m.__file__ for n, m in sys.modules.items() if n.startswith('avrec_lib')]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    really = {Path(name).relative_to(ROOT).as_posix() for name in json.loads(done.stdout)}
    assert really <= set(source_closure(ROOT, {"avrec_lib.publish"}))


def test_a_fingerprint_is_of_contents_and_names(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("x")
    other.write_text("x")
    assert fingerprint({"a": one}, seed=7) == fingerprint({"a": other}, seed=7)
    assert fingerprint({"a": one}, seed=7) != fingerprint({"b": one}, seed=7)
    assert fingerprint({"a": one}, seed=7) != fingerprint({"a": one}, seed=8)
    other.write_text("y")
    assert fingerprint({"a": one}) != fingerprint({"a": other})


def test_the_closure_of_a_readers_module_holds_what_is_the_readers_and_nothing_installed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    places = {
        "reader_script.py": "import json, numpy.linalg, reader_folder.part\nfrom reader_kit import words, f",
        "reader_kit/__init__.py": "import gone\ndef f(): ...",
        "reader_kit/words.py": "from . import broken\nfrom avrec_lib.cache import cache_root",
        "reader_kit/broken.py": "print 1\nimport gone",
        "reader_folder/part.py": "import reader_script\n# -*- coding: latin-1 -*-",  # a folder without __init__
        "reader_kit/lonely.py": "",
    }
    for name, source in places.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    found = module_closure(ROOT, "reader_script")
    own = {name for name in found if name.startswith("reader")}
    assert own == {"reader_script", "reader_kit", "reader_kit.words", "reader_kit.broken", "reader_folder.part"}
    assert set(found) - own == {"avrec_lib/__init__.py", "avrec_lib/cache.py"}
    assert "reader_kit" not in sys.modules, "nothing is executed"


def test_a_readers_module_is_not_taken_for_a_library_of_its_name(tmp_path):
    source = tmp_path / "own.py"
    source.write_text("from .scipy import x\nfrom . import librosa\nimport cv2, json, avrec_lib.cache")
    found = library_versions([source])
    assert {"opencv-python-headless", "numpy"} <= set(found) and not {"scipy", "librosa"} & set(found)
    assert "scikit-learn" in library_versions([source], also=["sklearn"])
