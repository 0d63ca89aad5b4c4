"""The four encodings load offline and are the published ones."""

from __future__ import annotations

import hashlib
import lzma
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiktoken_ext.openai_public as published
from command import ERROR, audit

from auditor.errors import TokenizerError
from auditor.tokens import build, encodings

NAMES = tuple(encodings.ENCODINGS)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("name", NAMES)
def test_an_encoding_loads_without_network_and_gives_text_back(name: str) -> None:
    text = "Grüße, 世界! def f(x):\n    return x <|endoftext|> 🎉"
    encoding = encodings.load_encoding(name)
    assert encoding.decode(encoding.encode_ordinary(text)) == text


def test_neither_plugins_nor_caches_nor_proxies_of_tiktoken_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken plugin breaks every encoding that tiktoken itself looks up, and a wrong cache."""
    plugins = tmp_path / "plugins" / "tiktoken_ext"
    plugins.mkdir(parents=True)
    (plugins / "broken.py").write_text("raise RuntimeError('a broken plugin')\n")
    cache = tmp_path / "cache"
    cache.mkdir()
    urls: list[str] = []
    monkeypatch.setattr(published, "load_tiktoken_bpe", lambda url, expected_hash: urls.append(url))
    for name in NAMES:
        getattr(published, name)()
    assert len(urls) == len(NAMES)
    for url in urls:
        (cache / hashlib.sha1(url.encode()).hexdigest()).write_bytes(b"IQ== 0\n")
    held = {file: file.read_bytes() for file in cache.iterdir()}
    script = (
        "import socket\n"
        "def refuse(*_): raise AssertionError('the network was used')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import tiktoken\n"
        "try: tiktoken.get_encoding('cl100k_base')\n"
        "except RuntimeError: pass\n"
        "else: raise AssertionError('the plugin is not in force')\n"
        "from auditor.tokens import encode_text\n"
        "from auditor.tokens.encodings import ENCODINGS, load_encoding\n"
        "for name in ENCODINGS:\n"
        "    assert load_encoding(name).decode(encode_text('a text', name)) == 'a text'\n"
    )
    environment = os.environ | {
        "PYTHONPATH": str(plugins.parent),
        "TIKTOKEN_CACHE_DIR": str(cache),
        "DATA_GYM_CACHE_DIR": str(cache),
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    told = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    assert {file: file.read_bytes() for file in cache.iterdir()} == held


def test_a_damaged_installation_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a person meets it, with an encoding that no faster counter knows."""
    (tmp_path / "calls.jsonl").write_text(
        '{"timestamp": "2023-05-01T00:00:00Z", "request": {"model": "text-davinci-003",'
        ' "prompt": "hi"}, "response": {"model": "text-davinci-003",'
        ' "choices": [{"text": "hello"}]}}\n'
    )
    encodings.load_encoding.cache_clear()
    monkeypatch.setattr(encodings, "files", lambda _package: tmp_path)
    run = audit("replay", "calls.jsonl", folder=tmp_path)
    assert run.exit_code == ERROR
    assert "the encoding p50k_base cannot be loaded" in run.err
    assert "install auditor again" in run.err


@pytest.mark.parametrize("name", NAMES)
def test_pins_patterns_and_special_tokens_are_those_of_tiktoken(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = []
    monkeypatch.setattr(
        published, "load_tiktoken_bpe", lambda _url, expected_hash: pins.append(expected_hash)
    )
    theirs = getattr(published, name)()
    ours = encodings.ENCODINGS[name]
    assert pins == [ours.sha256]
    assert theirs["pat_str"] == ours.pattern
    assert theirs["special_tokens"] == dict(ours.special_tokens)


def test_an_encoding_is_loaded_once() -> None:
    assert encodings.load_encoding("p50k_base") is encodings.load_encoding("p50k_base")


def test_an_unknown_encoding_is_refused_with_a_hint() -> None:
    with pytest.raises(TokenizerError, match="no encoding 'gpt2'") as caught:
        encodings.load_encoding("gpt2")
    assert "cl100k_base" in caught.value.hint


@pytest.mark.parametrize("damage", ["missing", "truncated", "changed"])
def test_damaged_rank_data_is_refused(
    damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = (build.DATA_FOLDER / "p50k_base.xz").read_bytes()
    (tmp_path / "data").mkdir()
    target = tmp_path / "data" / "p50k_base.xz"
    if damage == "truncated":
        target.write_bytes(original[:1000])
    elif damage == "changed":
        packed = bytearray(lzma.decompress(original))
        packed[-1] ^= 1
        target.write_bytes(lzma.compress(packed))
    monkeypatch.setattr(encodings, "files", lambda _package: tmp_path)
    with pytest.raises(TokenizerError, match="p50k_base cannot be loaded"):
        encodings.load_encoding.__wrapped__("p50k_base")


def test_rebuilding_from_the_published_file_gives_the_shipped_ranks(tmp_path: Path) -> None:
    spec = encodings.ENCODINGS["p50k_base"]
    shipped = lzma.decompress((build.DATA_FOLDER / "p50k_base.xz").read_bytes())
    ranks = encodings.load_encoding("p50k_base")._mergeable_ranks
    tokens = [b""] * spec.rank_count
    for token, rank in ranks.items():
        tokens[rank] = token
    canonical = encodings.canonical_file(tokens)
    assert hashlib.sha256(canonical).hexdigest() == spec.sha256

    source = tmp_path / "p50k_base.tiktoken"
    source.write_bytes(canonical)
    first = build.build(source, tmp_path).read_bytes()
    assert lzma.decompress(first) == shipped
    assert build.build(source, tmp_path).read_bytes() == first


def test_a_rank_file_that_is_not_the_published_one_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "cl100k_base.tiktoken"
    source.write_bytes(b"IQ== 0\n")
    with pytest.raises(TokenizerError, match="not the rank file"):
        build.build(source, tmp_path)
