"""The model card: what is written is read, and everything wrong is refused in words that name file and field."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from CEMSynthLib.generator import card as card_module
from CEMSynthLib.generator.card import (
    CARD_FILE,
    WEIGHTS_FILE,
    ModelCard,
    load_card,
    parse_card,
    verify_weights,
)
from CEMSynthLib.generator.errors import ModelError
from CEMSynthLib.generator.store import find_model

SCHEMA = json.loads((Path(card_module.__file__).parent / "model_card.schema.json").read_text(encoding="utf-8"))


def write(folder: Path, card: ModelCard) -> None:
    (folder / CARD_FILE).write_text(card.to_json(), encoding="utf-8")


def test_a_written_card_reads_back_equal(tmp_path: Path, card: ModelCard) -> None:
    write(tmp_path, card)
    assert load_card(tmp_path) == card


def test_a_training_range_reads_back_and_fits_the_schema(tmp_path: Path, card: ModelCard) -> None:
    with_range = replace(card, training_range={"spacing_mm": (0.1, 0.4), "texture_fine": (0.01, 0.2)})
    write(tmp_path, with_range)
    assert load_card(tmp_path) == with_range
    jsonschema.validate(json.loads(with_range.to_json()), SCHEMA)


def test_schema_accepts_what_the_parser_accepts(card: ModelCard) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(card.to_json()), SCHEMA)


# Cards of before these were told lack them.
OPTIONAL = {
    ("architecture", "norm"),
    ("architecture", "channels"),
    ("training", "selection"),
    ("training", "image_sha256"),
    ("training", "image_fingerprints"),
    ("training", "patient_hashes"),
    ("training", "curves"),
    ("training_range",),
}


def paths(value: object, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += [(*before, key)] if before[:1] not in (("software",), ("settings",)) else []
            found += paths(inner, (*before, key)) if key not in ("settings", "software", "rows") else []
    return found


def test_each_missing_and_each_unknown_field_is_refused_by_parser_and_schema(card: ModelCard) -> None:
    whole = json.loads(card.to_json())
    required = [path for path in paths(whole) if path not in OPTIONAL]
    assert len(required) > 30
    for path in required:
        changed = json.loads(card.to_json())
        place = changed
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]
        with pytest.raises(ModelError, match=path[-1]):
            parse_card(changed, Path("model.json"))
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(changed, SCHEMA)
        place[path[-1] + "_x"] = 1
        with pytest.raises(ModelError):
            parse_card(changed, Path("model.json"))


def test_a_card_of_before_the_optional_fields_is_read(card: ModelCard) -> None:
    record = json.loads(card.to_json())
    for *part, key in OPTIONAL:
        del (record[part[0]] if part else record)[key]
    assert parse_card(record, Path("model.json")) == card
    jsonschema.validate(record, SCHEMA)


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        (None, "working_spacing_mm", 0),
        (None, "working_spacing_mm", "0.8"),
        (None, "working_spacing_mm", True),
        (None, "working_spacing_mm", float("nan")),
        (None, "median_breast_height_px", -1),
        (None, "format_version", 2),
        (None, "weights_sha256", "abc"),
        (None, "weights_sha256", "g" * 64),
        (None, "license", "  "),
        (None, "training", []),
        ("architecture", "type", "transformer"),
        ("architecture", "base_filters", 0),
        ("architecture", "depth", 2.5),
        ("architecture", "depth", 100_000),
        ("architecture", "base_filters", 10**30),
        (None, "working_spacing_mm", 10**400),
        (None, "training_range", {"spacing_mm": [0, 10**400]}),
        ("input_normalization", "low_quantile", 0.99),
        ("input_normalization", "method", "window"),
        ("output_normalization", "low", 9999),
        ("display_window", "width", 0),
        ("training", "simulated_only", "yes"),
        ("training", "seeds", [1.5]),
        ("metrics", "rows", {"a": 1}),
        ("metrics", "rows", [{"a": []}]),
        (None, "training_range", {"spacing_mm": [0.4]}),
        (None, "training_range", {"spacing_mm": [0.4, 0.1]}),
        (None, "training_range", {"spacing_mm": [0.1, "0.4"]}),
        (None, "training_range", [1]),
    ],
)
def test_wrong_values_are_refused_with_the_file(card: ModelCard, part: str | None, key: str, value: object) -> None:
    record = json.loads(card.to_json())
    (record if part is None else record[part])[key] = value
    with pytest.raises(ModelError, match=r"some/model\.json"):
        parse_card(record, Path("some/model.json"))


def test_missing_folder_card_and_broken_json(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model folder"):
        load_card(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"no model\.json"):
        load_card(tmp_path)
    (tmp_path / CARD_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="not valid JSON"):
        load_card(tmp_path)
    for content in (b"\xff\xfe\x00", b"[" * 200_000, b'{"format_version": ' + b"9" * 5000 + b"}"):
        (tmp_path / CARD_FILE).write_bytes(content)
        with pytest.raises(ModelError, match="not valid JSON"):
            load_card(tmp_path)
    (tmp_path / CARD_FILE).write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match="not a JSON object"):
        load_card(tmp_path)


def test_checksum_of_the_weights(tmp_path: Path, card: ModelCard) -> None:
    with pytest.raises(ModelError, match=WEIGHTS_FILE):
        verify_weights(tmp_path, card)
    (tmp_path / WEIGHTS_FILE).write_bytes(b"abc")
    with pytest.raises(ModelError, match="SHA-256 differs"):
        verify_weights(tmp_path, card)
    # Known answer: FIPS 180-2, appendix B.1.
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    verify_weights(tmp_path, replace(card, weights_sha256=known))


def test_find_model(tmp_path: Path) -> None:
    assert find_model(tmp_path) == tmp_path
    assert find_model(str(tmp_path)) == tmp_path
    with pytest.raises(ModelError, match=r"neither a shipped model, nor one in .*, nor a folder"):
        find_model("no_such_model")


def test_card_and_preprocessing_need_no_torch() -> None:
    code = (
        "import sys, CEMSynthLib.generator, CEMSynthLib.generator.card, CEMSynthLib.generator.preprocessing;"
        "sys.exit(any(m in sys.modules for m in ('torch', 'safetensors', 'pandas', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
