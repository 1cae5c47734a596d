"""Protocol: what is encoded is decoded, whatever else comes is refused in words, lines come in any pieces."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from CEMSynthLib.generator import protocol
from CEMSynthLib.generator.errors import (
    CancelledError,
    DeviceError,
    MemoryShortageError,
    ModelError,
    PreparationError,
    WorkerError,
)
from CEMSynthLib.generator.private_folder import PREFIX, inside, make_private_folder, remove_private_folder
from CEMSynthLib.generator.protocol import ERROR_KINDS, LineSplitter, ProtocolError, decode, encode, parse_request
from CEMSynthLib.study.errors import BreastNotFoundError
from CEMSynthLib.study.model import VOIWindow

REQUESTS = [
    protocol.hello("/somewhere"),
    {"type": "devices", "id": "1"},
    protocol.load_model("2", "demo"),
    protocol.synthesize("3", "a.npy", "b.npy", VOIWindow(1, 2), (0.1, 0.2)),
    protocol.synthesize("4", "a.npy", "b.npy", VOIWindow(1, 2), None),
    protocol.cancel("3"),
    {"type": "shutdown"},
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda r: r["type"])
def test_every_request_goes_through_and_lacks_no_field(request_):
    assert parse_request(encode(request_)) == request_
    assert {r["type"] for r in REQUESTS} == set(protocol.REQUESTS)
    for name in request_.keys() - {"type"}:
        with pytest.raises(ProtocolError, match=name):
            parse_request(encode({k: v for k, v in request_.items() if k != name}))
        with pytest.raises(ProtocolError, match=f"{name}.*wrong type"):
            parse_request(encode(request_ | {name: True}))
    with pytest.raises(ProtocolError, match="no field colour"):
        parse_request(encode(request_ | {"colour": 1}))


@given(st.binary(max_size=200))
def test_garbage_is_a_protocol_error_and_nothing_else(line):
    with pytest.raises(ProtocolError, match=r"\.$"):
        parse_request(line)


@pytest.mark.parametrize("line", [b"", b"[]", b"{}", b'{"type": 3}', b'{"type": "fly"}', b"[" * 100_000, b"\xff{}"])
def test_these_are_no_requests(line):
    with pytest.raises(ProtocolError):
        parse_request(line)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none())), st.integers(1, 40))
def test_lines_in_pieces_of_any_size(contents, size):
    messages = [{"type": "x", "content": content} for content in contents]
    stream = b"".join(encode(m) for m in messages)
    splitter = LineSplitter()
    lines = [line for i in range(0, len(stream), size) for line in splitter.feed(stream[i : i + size])]
    assert [decode(line) for line in lines] == messages


def test_errors_keep_their_kind():
    for kind, type_ in ERROR_KINDS.items():
        error = protocol.error_of({"type": "error", "kind": kind, "text": "So it is."})
        assert type(error) is type_
        assert str(error) == "So it is."
    assert protocol.error_kind(MemoryShortageError("")) == "out_of_memory"
    assert protocol.error_kind(DeviceError("")) == "bad_device"
    assert protocol.error_kind(ModelError("")) == "bad_model"
    assert protocol.error_kind(CancelledError("")) == "cancelled"
    assert protocol.error_kind(PreparationError("")) == "bad_image"
    assert protocol.error_kind(BreastNotFoundError("")) == "bad_image"
    assert protocol.error_kind(WorkerError("")) == "bad_request"
    assert type(protocol.error_of({"type": "error", "kind": "of tomorrow"})) is WorkerError


def test_numbers_that_json_has_not_are_never_sent():
    with pytest.raises(ValueError, match="JSON"):
        encode({"type": "x", "value": float("nan")})


def test_the_document_names_every_request_error_kind_and_the_version():
    text = (Path(protocol.__file__).with_name("protocol.md")).read_text(encoding="utf-8")
    assert f"version {protocol.PROTOCOL_VERSION}" in text.splitlines()[0]
    assert set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE)) == set(protocol.REQUESTS)
    for name, fields in protocol.REQUESTS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        assert all(f"`{field}`" in row for field in fields)
    assert all(f"`{kind}`" in text for kind in ERROR_KINDS)


@pytest.mark.parametrize("name", ["../a.npy", "/etc/a.npy", "a.txt", ".a.npy", "b/a.npy", "c:a.npy", "d\\a.npy", ""])
def test_no_name_leads_out_of_the_private_folder(name):
    with pytest.raises(WorkerError, match="plain name"):
        inside(Path("/private"), name)


def test_the_private_folder_is_private_and_only_such_a_folder_is_deleted(tmp_path):
    folder = make_private_folder()
    (folder / "a.npy").write_bytes(b"x")
    assert folder.name.startswith(PREFIX)
    if sys.platform != "win32":
        assert folder.stat().st_mode & 0o077 == 0
    remove_private_folder(folder)
    assert not folder.exists()
    (tmp_path / "mine").mkdir()
    remove_private_folder(tmp_path / "mine")
    assert (tmp_path / "mine").is_dir()


def test_client_store_and_protocol_need_no_torch():
    code = (
        "import sys, CEMSynthLib.generator.client, CEMSynthLib.generator.store, CEMSynthLib.generator.results,"
        "CEMSynthLib.generator.image_statistics, CEMSynthLib.generator.devices, CEMSynthLib.generator.worker_jobs;"
        "print(json.dumps([m for m in ('torch', 'safetensors', 'openvino', 'matplotlib') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", "import json;" + code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
