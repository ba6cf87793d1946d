"""The catalogue that ships: every entry is complete, safe to fetch and said in every language."""

import re
from pathlib import Path

import pytest

from app.translation import LANGUAGES
from engine.contract.catalogue_messages import CatalogueModel
from engine.library.catalogue import read_catalogue
from engine.library.names import is_valid_part

MODELS = read_catalogue().models


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_an_entry_can_be_fetched_and_shown(model: CatalogueModel) -> None:
    publisher, _, repository = model.repository.partition("/")
    assert is_valid_part(publisher) and is_valid_part(repository)
    assert is_valid_part(model.file) and model.file.lower().endswith(".gguf")
    assert model.quantization.lower() in model.file.lower()
    assert model.commit is None or re.fullmatch("[0-9a-f]{40}", model.commit)
    assert model.sha256 is None or re.fullmatch("[0-9a-f]{64}", model.sha256)
    assert 0 < model.active_parameters <= model.parameters
    assert model.context_length >= 2048
    assert model.license and model.architecture
    assert set(model.good_for) == set(LANGUAGES) and all(model.good_for.values())
    if model.size_bytes is not None:  # between two and nine bits for each weight
        assert 2 / 8 < model.size_bytes / model.parameters < 9.2 / 8


def test_no_two_entries_are_the_same_and_every_kind_is_there() -> None:
    assert (
        len({model.id for model in MODELS})
        == len({model.sha256 or model.id for model in MODELS})
        == len(MODELS)
    )
    assert len({(model.repository, model.file) for model in MODELS}) == len(MODELS)
    experts = [model for model in MODELS if model.active_parameters < model.parameters]
    distilled = [model for model in MODELS if model.distilled_from]
    assert len(experts) >= 8 and len(distilled) >= 5
    assert any(model.mtp for model in MODELS)
    assert sum((model.size_bytes or 2**40) < 1.3 * 10**9 for model in MODELS) >= 5, "for small computers"


def test_a_catalogue_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalogue.json"
    path.write_text('{"version": 2, "checked": "", "models": []}', encoding="utf-8")
    with pytest.raises(ValueError, match="version 2"):
        read_catalogue(path)
    path.write_text('{"version": 1, "checked": "", "models": [{"id": "a"}]}', encoding="utf-8")
    with pytest.raises(ValueError, match="missing required field"):
        read_catalogue(path)
