"""Every shipped component has a licence that somebody looked at, and none is the GPL alone."""

import json
import sysconfig
from pathlib import Path

import pytest
from bundling.components import (
    Component,
    as_cyclonedx,
    components_of,
    packages_inside,
    python_package,
    refuse,
)
from bundling.contents import normal, pins
from bundling.debian import licence_of_package, licences_named
from bundling.expression import is_gpl_only
from bundling.owners import Owner, Owners, owners_of_bundle
from bundling.parts import LICENCES, Part, all_parts

from engine.contract.processes import source_root

ROOT = source_root()
SHIPPED = {name for lock in ("base.txt", "llama.txt") for name, _ in pins(ROOT / "requirements" / lock)}
METADATA = {
    normal(file.parent.name.split("-")[0]): file
    for file in Path(sysconfig.get_path("purelib")).glob("*.dist-info/METADATA")
}


@pytest.mark.parametrize("name", sorted(SHIPPED & METADATA.keys()))
def test_every_locked_package_names_its_licence(name: str) -> None:
    refuse([python_package(name, METADATA[name]), *packages_inside(METADATA[name].parent)])


@pytest.mark.parametrize("part", all_parts(), ids=lambda part: part.name)
def test_every_part_without_metadata_has_its_owner_its_authors_and_its_text(part: Part) -> None:
    assert part.inside in SHIPPED | {"retort"}
    assert part.copyright
    assert part.texts(), f"no text of {part.licence} in {LICENCES}"
    assert not is_gpl_only(part.licence)


def test_a_part_that_nobody_entered_ends_the_build() -> None:
    with pytest.raises(SystemExit, match=r"not in parts\.toml: drawn-font"):
        components_of([Owner("part", "drawn-font")], {})


def test_what_is_inside_of_a_package_is_named_with_it() -> None:
    owners = [Owner("pypi", "pyside6-essentials"), Owner("part", "llama.cpp"), Owner("part", "cpython")]
    found = {part.name: part for part in components_of(owners, METADATA)}
    assert {"qt", "icu", "pcre2", "harfbuzz", "llama.cpp", "cpython"} <= found.keys()
    assert "openblas" not in found  # NumPy is not among the owners
    for name, words in (("qt", "GNU LESSER GENERAL PUBLIC LICENSE"), ("llama.cpp", "The ggml authors")):
        assert words in found[name].notice


def test_qts_libraries_can_be_replaced_and_it_is_said_how() -> None:
    said = (LICENCES / "README.md").read_text(encoding="utf-8")
    assert "GNU Lesser General Public License, version 3" in said
    assert "_internal/PySide6/Qt/lib" in said
    notice = next(part for part in all_parts() if part.name == "qt").notice()
    assert "GNU GENERAL PUBLIC LICENSE" in notice  # the Lesser one is written as additions to it


COPYRIGHT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 Somebody
License: {licence}

Files: debian/*
Copyright: 2021 Somebody else
License: GPL-3+
"""


def test_the_licence_of_a_system_library_is_read_from_its_copyright_file() -> None:
    text = COPYRIGHT.format(licence="Expat or GPL-2")
    assert licences_named(text) == ["Expat or GPL-2"]
    assert licence_of_package("libdrawn1", text) == "(Expat or GPL-2)"


@pytest.mark.parametrize(
    "text", [COPYRIGHT.format(licence="GPL-3+"), "It was downloaded from somewhere.", ""]
)
def test_an_unclear_copyright_file_ends_the_build(text: str) -> None:
    with pytest.raises(SystemExit, match="libdrawn1"):
        licence_of_package("libdrawn1", text)


def test_a_reviewed_library_must_still_say_what_was_read() -> None:
    assert (
        licence_of_package("liblzma5", "Format: x\n\nFiles: *\nLicense: PD\n") == "LicenseRef-public-domain"
    )
    with pytest.raises(SystemExit, match="no longer says"):
        licence_of_package("liblzma5", COPYRIGHT.format(licence="GPL-3+"))


@pytest.mark.parametrize(
    ("licence", "alone"),
    [
        ("GPL-3.0-only", True),
        ("AGPL-3.0-or-later", True),
        ("GPL-2.0-only OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", True),
        ("(MIT OR BSD-2-Clause) AND (GPL-2.0-only OR AGPL-3.0-only)", True),
        ("LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only", False),
        ("MIT OR (BSD-2-Clause AND GPL-3.0-only)", False),
        ("GPL-2.0-or-later WITH Bootloader-exception", False),
        ("GPL-2+ or AFL-2.1, and Expat", False),
        ("MIT", False),
    ],
)
def test_the_gpl_is_refused_where_it_is_the_only_choice(licence: str, alone: bool) -> None:
    assert is_gpl_only(licence) is alone


@pytest.mark.parametrize("licence", ["", "GPL-3.0-only"])
def test_a_component_that_may_not_be_shipped_ends_the_build(licence: str) -> None:
    part = Component(name="part", version="1", licence=licence, purl="pkg:pypi/part@1")
    with pytest.raises(SystemExit, match="part"):
        refuse([part])


def test_the_list_of_components_is_cyclonedx() -> None:
    part = Component(name="part", version="1", licence="MIT", purl="pkg:pypi/part@1")
    document = json.loads(as_cyclonedx([part]))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["components"][0]["purl"] == "pkg:pypi/part@1"


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    packages = tmp_path / "environment" / "lib" / "python3.11" / "site-packages"
    noted = packages / "drawn_font-1.0.dist-info"
    noted.mkdir(parents=True)
    (noted / "RECORD").write_text("drawn_font/font.so,sha256=x,1\n")
    return tmp_path / "environment"


def test_every_file_has_an_owner(environment: Path, tmp_path: Path) -> None:
    packages = environment / "lib" / "python3.11" / "site-packages"
    owners = Owners(tmp_path / "root", environment, tmp_path / "native")
    taken = {
        "drawn_font/font.so": (packages / "drawn_font" / "font.so", Owner("pypi", "drawn-font")),
        "llama_cpp/lib/libllama.so": (tmp_path / "native" / "libllama.so", Owner("part", "llama.cpp")),
        "resources/fonts/Inter.otf": (tmp_path / "root/resources/fonts/Inter.otf", Owner("part", "inter")),
        "app/window.py": (tmp_path / "root" / "app" / "window.py", Owner("part", "retort")),
        "base_library.zip": (tmp_path / "work" / "base_library.zip", Owner("part", "cpython")),
    }
    assert {name: owners.of(name, str(source)) for name, (source, _) in taken.items()} == {
        name: owner for name, (_, owner) in taken.items()
    }
    origins = tmp_path / "origins.json"
    origins.write_text(json.dumps([[name, str(source)] for name, (source, _) in taken.items()]))
    assert Owner("pypi", "drawn-font") in owners_of_bundle(origins, owners)


def test_a_file_that_nobody_owns_ends_the_build(environment: Path, tmp_path: Path) -> None:
    owners = Owners(tmp_path / "root", environment, tmp_path / "native")
    with pytest.raises(SystemExit, match="belongs to no package"):
        owners.of("stray.so", str(environment / "lib" / "python3.11" / "site-packages" / "stray.so"))


def test_a_file_that_the_build_made_of_something_unknown_ends_it(environment: Path, tmp_path: Path) -> None:
    owners = Owners(tmp_path / "root", environment, tmp_path / "native")
    compiled = tmp_path / "root" / "build" / "work" / "app" / "localpycs" / "0" / "drawn_font" / "glyphs.pyc"
    with pytest.raises(SystemExit, match="of what is not known"):
        owners.of("drawn_font/glyphs.pyc", str(compiled))
