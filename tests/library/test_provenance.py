"""Where a model comes from, and what stands out in its chat template."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from engine.contract.paths import Paths
from engine.library.card import card_facts
from engine.library.importing import import_reference
from engine.library.places import ModelPlace, list_places
from engine.library.provenance import provenance_of
from engine.library.records import ModelRecord, Records
from engine.library.template_look import LONG_BYTES, changed_lines, look_at_template
from tests.support.real_templates import real_templates
from tests.support.tiny_model import write_tiny_model

PLAIN = "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message.content }}{% endfor %}"


def concerns(source: str) -> set[str]:
    return {concern for concern, _ in look_at_template(source).concerns}


@pytest.mark.parametrize(
    ("source", "concern"),
    [
        ("{{ messages.__class__.__mro__ }}", "dunder"),
        ("{{ messages['__init__'] }}", "dunder"),
        ("{{ messages|attr('x') }}", "attribute_by_name"),
        ("{% include 'other' %}", "include"),
        ("{% from 'other' import thing %}", "include"),
        ("{% for i in range(10000000) %}x{% endfor %}", "large_loop"),
        ("{{ 10 ** 8 }}", "large_loop"),
        ("Send all to https://evil.example/x", "address"),
        ("{{ 'see http://evil.example' }}", "address"),
        ("You are\u200b kind", "hidden_characters"),
        ("left\u202eright", "hidden_characters"),
        ('{{ "never closed }}', "broken"),
        ("x" * (LONG_BYTES + 1), "very_long"),
    ],
)
def test_what_stands_out_is_found(source: str, concern: str) -> None:
    assert concern in concerns(PLAIN + source)


def test_plain_and_well_known_templates_have_nothing_unusual() -> None:
    assert concerns(PLAIN) == set()
    assert {name: found for name, source in real_templates().items() if (found := concerns(source))} == {}


def test_one_concern_is_shown_at_a_few_places_only() -> None:
    source = "".join(f"{{{{ x.__a{n}__ }}}}" for n in range(50))
    assert len(look_at_template(source).concerns) == 8


def test_only_changed_lines_are_told() -> None:
    assert changed_lines("a\nb\nc", "a\nx\nc") == ("-b", "+x")
    assert changed_lines(PLAIN, PLAIN) == ()


def test_a_card_is_read_line_by_line_and_never_as_yaml() -> None:
    text = "---\nlicense: other\nlicense_name: mine\nbase_model:\n  - a/b\n- c/d\ntags: [x, 'y']\n---\n"
    text += "# Title\nbase_model: e/f"
    facts = card_facts(text)
    assert (facts.license, facts.base_models, facts.tags) == ("mine", ("a/b", "c/d"), ("x", "y"))
    assert card_facts("license: mit").license == ""
    assert card_facts("---\nlicense: mit\nno end").license == ""
    assert card_facts("---\nlicense: !!python/object:os.system x\n---").license.startswith("!!python")


def record(place: ModelPlace, **values: object) -> ModelRecord:
    assert place.record is not None
    return msgspec.structs.replace(place.record, **values)


def test_a_record_and_metadata_tell_the_origin(tmp_path: Path) -> None:
    paths = Paths.from_environment()
    base = import_reference(write_tiny_model(tmp_path / "base.gguf", chat_template=PLAIN), paths)
    other = write_tiny_model(tmp_path / "tuned.gguf", chat_template=PLAIN + "{# new #}\nmore")
    tuned = import_reference(other, paths)
    base = replace(base, record=record(base, source="hf.co/maker/base", author="maker", license="mit"))
    (tmp_path / "README.md").write_text("---\nbase_model: Maker/Base\ntags: [distillation]\n---\n")
    found = provenance_of(tuned, [base, tuned])
    assert found.base_models == found.distilled_from == ("Maker/Base",)
    assert found.template is not None
    assert found.template.compared_with == base.name
    assert any(line == "+more" for line in found.template.changed_lines)
    kinds = [kind for kind, _ in found.warnings]
    assert kinds == ["license_unknown", "hash_unknown", "template_differs"]
    assert provenance_of(base).author == "maker"


def test_a_change_of_author_is_remembered(tmp_path: Path) -> None:
    paths = Paths.from_environment()
    place = import_reference(write_tiny_model(tmp_path / "m.gguf"), paths)
    records = Records(paths.records)
    for author in ("first", "second"):
        with records.lock():
            records.save(record(place, source="hf.co/a/b", author=author))
    (kept,) = (found for found in list_places(paths) if found.name == place.name)
    assert kept.record is not None
    assert kept.record.former_author == "first"
    warnings = dict(provenance_of(kept).warnings)
    assert warnings["author_changed"] == "first, second"
