"""Every node is complete: ids, names, tooltips, help pages in English and Korean, labels in every language."""

from __future__ import annotations

import inspect
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAMILIES = sorted(path.parent.name for path in (ROOT / "nodes").glob("*/nodes.py"))
NUMBER = re.compile(r"\d+(?:\.\d+)?")
HANGUL = re.compile(r"[\uac00-\ud7a3]")
KANA = re.compile(r"[\u3041-\u30ff]")
HAN = re.compile(r"[\u4e00-\u9fff]")
LANGUAGES = sorted(path.name for path in (ROOT / "locales").glob("[a-z]*"))
TRANSLATIONS = [language for language in LANGUAGES if language != "en"]
# The letters of a language, and those that show that a text is of another one. A new language needs its letters here.
LETTERS = {"ja": (KANA, HANGUL), "ko": (HANGUL, KANA), "zh": (HAN, re.compile(f"{KANA.pattern}|{HANGUL.pattern}"))}


@pytest.fixture
def schemas(comfy) -> dict[str, Any]:
    return {i: node.GET_SCHEMA() for i, node in comfy.nodes.NODE_CLASS_MAPPINGS.items() if i.startswith("Steer")}


def test_every_family_folder_is_collected(comfy):
    from steer.nodes.collect import FAMILIES as collected

    assert sorted(collected) == FAMILIES


def test_ids_and_categories(schemas: dict[str, Any]):
    for node_id, schema in schemas.items():
        assert re.fullmatch(r"Steer[A-Za-z0-9]+", node_id)
        assert re.fullmatch(r"Steer/[A-Z][a-z]+", schema.category), node_id
        assert schema.display_name.isascii(), node_id
        assert schema.description, node_id
        ids = [slot.id for slot in [*schema.inputs, *schema.outputs] if slot.id]
        assert len(ids) == len(set(ids)), f"{node_id}: an id is used twice"


def test_every_input_and_output_explains_itself(schemas: dict[str, Any]):
    for node_id, schema in schemas.items():
        for slot in schema.inputs:
            assert slot.tooltip, f"{node_id}.{slot.id} has no tooltip"
        for slot in schema.outputs:
            assert slot.display_name, f"{node_id}: an output has no name"
            assert slot.tooltip, f"{node_id}.{slot.display_name} has no tooltip"


def test_comfyui_gets_search_words_where_it_takes_them(schemas: dict[str, Any]):
    """0.3.75 takes none, 0.11 does."""
    from steer.nodes.api import io

    words = {name for name, schema in schemas.items() if getattr(schema, "search_aliases", None)}
    assert words == (set(schemas) if "search_aliases" in inspect.signature(io.Schema).parameters else set())


def test_what_is_rarely_touched_is_folded_away(schemas: dict[str, Any]):
    """The frontend reads it from the options of the input, in every ComfyUI."""
    options = {name: [each.as_dict() for each in schema.inputs] for name, schema in schemas.items()}
    folded = {name: [each for each in inputs if each.get("advanced")] for name, inputs in options.items()}
    assert folded["SteerSweep"]
    for name in ("SteerSweep", "SteerControlNetGuide", "SteerContactSheet", "SteerPromptSwap", "SteerNoiseSchedule"):
        widgets = [each for each in schemas[name].inputs if "socketless" in vars(each) and not each.force_input]
        in_sight = [each.id for each in widgets if not each.as_dict().get("advanced")]
        assert len(in_sight) <= 6, in_sight


def test_every_node_has_help_in_both_languages(schemas: dict[str, Any]):
    docs = ROOT / "nodes" / "web" / "docs"
    for node_id, schema in schemas.items():
        english = (docs / f"{node_id}.md").read_text(encoding="utf-8")
        korean = (docs / node_id / "ko.md").read_text(encoding="utf-8")
        assert HANGUL.search(korean), f"{node_id}/ko.md is not Korean"
        assert not HANGUL.search(english), f"{node_id}.md is not English"
        for page, text in (("English", english), ("Korean", korean)):
            absent = [slot.id for slot in schema.inputs if f"`{slot.id}`" not in text]
            assert not absent, f"the {page} help page of {node_id} does not mention {absent}"
    pages = {path.stem for path in docs.glob("*.md")}
    assert pages == set(schemas), "a help page without a node, or a node without one"


@pytest.mark.parametrize("language", LANGUAGES)
def test_labels_cover_every_node_input_and_output(schemas: dict[str, Any], language: str):
    labels = json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))
    assert set(labels) == set(schemas)
    for node_id, schema in schemas.items():
        label = labels[node_id]
        assert label["display_name"], node_id
        assert label["description"], node_id
        assert language == "en" or _is_written_in(language, label["description"]), f"{node_id}: {label['description']}"
        assert set(label.get("inputs", {})) == {slot.id for slot in schema.inputs}, node_id
        assert set(label.get("outputs", {})) == {str(i) for i in range(len(schema.outputs))}, node_id
        for slot in [*label.get("inputs", {}).values(), *label.get("outputs", {}).values()]:
            assert slot["name"], node_id
            assert slot["tooltip"], node_id
            assert not set("{}|@") & set(slot["name"] + slot["tooltip"]), (
                f"{node_id}: {slot}: the frontend's own syntax"
            )
            assert language == "en" or _is_written_in(language, slot["tooltip"]), f"{node_id}: {slot} is not {language}"
    assert language != "en" or all(labels[i]["display_name"] == schemas[i].display_name for i in schemas)


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_translations_keep_every_number(language: str):
    english, labels = (
        json.loads((ROOT / "locales" / name / "nodeDefs.json").read_text(encoding="utf-8")) for name in ("en", language)
    )
    for node_id, label in english.items():
        pairs = [(label["description"], labels[node_id]["description"])]
        for side in ("inputs", "outputs"):
            pairs += [(slot["tooltip"], labels[node_id][side][i]["tooltip"]) for i, slot in label[side].items()]
        for source, text in pairs:
            lost = Counter(NUMBER.findall(source)) - Counter(NUMBER.findall(text))
            assert not lost, f"{node_id}: {text!r} has not the numbers {sorted(lost)} of {source!r}"


def _is_written_in(language: str, text: str) -> bool:
    own, foreign = LETTERS[language]
    return bool(own.search(text)) and not foreign.search(text)


@pytest.mark.parametrize(
    "family",
    FAMILIES,
)
def test_english_labels_repeat_the_schemas(schemas: dict[str, Any], family: str):
    labels = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
    of_family = {i: schema for i, schema in schemas.items() if schema.category == f"Steer/{family.capitalize()}"}
    assert of_family
    for node_id, schema in of_family.items():
        label = labels[node_id]
        assert label["description"] == schema.description
        assert {i: slot["tooltip"] for i, slot in label.get("inputs", {}).items()} == {
            slot.id: slot.tooltip for slot in schema.inputs
        }
        assert [slot["tooltip"] for slot in label.get("outputs", {}).values()] == [
            slot.tooltip for slot in schema.outputs
        ]


@pytest.mark.parametrize("language", TRANSLATIONS)
def test_categories_are_translated(schemas: dict[str, Any], language: str):
    labels = json.loads((ROOT / "locales" / language / "main.json").read_text(encoding="utf-8"))["nodeCategories"]
    parts = {part for schema in schemas.values() for part in schema.category.split("/")}
    assert parts <= set(labels)
    untranslated = [part for part in parts - {"Steer"} if labels[part].isascii()]
    assert not untranslated, f"locales/{language}/main.json: still in English: {untranslated}"
