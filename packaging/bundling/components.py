"""Which components are in the bundle and under which licences: their texts, and a list as CycloneDX 1.6.

They are found by the files that are there (`owners`): Python packages with their metadata, system libraries
with Debian's copyright file, all else by our own table (`parts`). One that is not named ends the build.
Source of the format: CycloneDX 1.6 JSON Reference, components.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from bundling.contents import normal
from bundling.debian import licence_of_package
from bundling.expression import is_gpl_only
from bundling.owners import CPYTHON, RETORT, Owner
from bundling.parts import LICENCES, Part, all_parts

_LICENCE_FILE = re.compile(r"(?i)(licen[cs]e|copying|notice|authors)")
# Metadata that names no licence in a form to read; looked up in the projects' own licence files.
_SAID_ELSEWHERE = {"llama-cpp-python": "MIT", "sqlcipher3": "Zlib"}
_DOCUMENTS = Path("/usr/share/doc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One part of the bundle that has a licence of its own."""

    name: str
    version: str
    licence: str  # as its own metadata says it; an SPDX expression where that has one
    purl: str
    texts: tuple[Path, ...] = field(default=())
    notice: str = ""  # where it has no file of its own that says it

    def as_json(self) -> dict[str, object]:
        """The component as CycloneDX has it."""
        return {
            "type": "library",
            "name": self.name,
            "version": self.version,
            "purl": self.purl,
            "licenses": [{"license": {"name": self.licence}}],
        }


def write_components(bundle: Path, environment: Path, owners: Iterable[Owner]) -> None:
    """Write sbom.cdx.json and the folder `licences`; raises SystemExit where a licence is unknown."""
    packages = environment.glob("lib/python*/site-packages/*.dist-info/METADATA")
    components = components_of(owners, {normal(file.parent.name.split("-")[0]): file for file in packages})
    refuse(components)
    for component in components:
        folder = bundle / "licences" / component.name
        folder.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(component.texts):
            taken = (folder / text.name).exists()
            shutil.copyfile(text, folder / (f"{number}-{text.name}" if taken else text.name))
        if component.notice:
            (folder / "NOTICE.txt").write_text(component.notice, encoding="utf-8")
    shutil.copyfile(LICENCES / "README.md", bundle / "licences" / "README.md")
    (bundle / "sbom.cdx.json").write_text(as_cyclonedx(components), encoding="utf-8")


def components_of(owners: Iterable[Owner], metadata: dict[str, Path]) -> list[Component]:
    """The components that these owners are, and what they have inside.

    `metadata` holds each Python package's METADATA file.
    """
    found: list[Component] = []
    names = set()
    for owner in owners:
        names.add(owner.name)
        if owner.kind == "pypi":
            found.append(python_package(owner.name, metadata[owner.name]))
            found += packages_inside(metadata[owner.name].parent)
        elif owner.kind == "deb":
            found.append(system_package(owner.name))
    parts = [part for part in all_parts() if part.name in names or part.inside in names - {RETORT}]
    unknown = (
        {owner.name for owner in owners if owner.kind == "part"} - {part.name for part in parts} - {RETORT}
    )
    if unknown:
        raise SystemExit(f"not in parts.toml: {', '.join(sorted(unknown))}")
    return [*found, *(_as_component(part) for part in parts)]


def _as_component(part: Part) -> Component:
    version = platform.python_version() if part.name == CPYTHON else part.version
    return Component(
        name=part.name,
        version=version,
        licence=part.licence if part.texts() else "",
        purl=f"pkg:generic/{part.name}" + (f"@{version}" if version else ""),
        notice=part.notice(),
    )


def refuse(components: list[Component]) -> None:
    """Raise SystemExit where a component has no licence, or none but the GPL without an exception."""
    for component in components:
        if not component.licence:
            raise SystemExit(f"no licence is known of {component.name} {component.version}")
        if is_gpl_only(component.licence):
            raise SystemExit(f"{component.name} may not be shipped: {component.licence}")


def python_package(name: str, metadata: Path) -> Component:
    """A Python package, by the metadata that was installed with it."""
    said = HeaderParser().parsestr(metadata.read_text(encoding="utf-8"))
    texts = [file for file in sorted(metadata.parent.rglob("*")) if file.is_file()]
    return Component(
        name=name,
        version=said["Version"],
        licence=_SAID_ELSEWHERE.get(name) or licence_of(said),
        purl=f"pkg:pypi/{name}@{said['Version']}",
        texts=tuple(file for file in texts if _LICENCE_FILE.search(file.name)),
    )


def packages_inside(folder: Path) -> list[Component]:
    """What a wheel's own list names as compiled into it. Source: PEP 770."""
    found = []
    for file in sorted(folder.glob("sboms/*.json")):
        for entry in json.loads(file.read_text(encoding="utf-8")).get("components", []):
            licences = [
                one.get("expression") or one["license"].get("id", "") for one in entry.get("licenses", [])
            ]
            purl = re.sub(r"\?.*", "", entry.get("purl", ""))  # after it paths of the computer that built it
            found.append(
                Component(
                    name=entry["name"], version=entry["version"], licence=" AND ".join(licences), purl=purl
                )
            )
    return found


def licence_of(said: Message) -> str:
    """The licence by a package's metadata: its expression, else its classifiers, else its short field."""
    if said["License-Expression"]:
        return str(said["License-Expression"])
    classified = [text for text in said.get_all("Classifier", []) if text.startswith("License :: ")]
    names = [text.rpartition(" :: ")[2] for text in classified if not text.endswith("OSI Approved")]
    field_text = str(said["License"] or "").strip()
    return " OR ".join(names) or field_text.partition("\n")[0]


def system_package(name: str) -> Component:
    """A package of the distribution, by dpkg and its copyright file."""
    command = ["dpkg-query", "-W", "-f", "${Version}\n", name]
    version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
    text = _DOCUMENTS / name / "copyright"
    return Component(
        name=name,
        version=version,
        licence=licence_of_package(name, text.read_text(encoding="utf-8")),
        purl=f"pkg:deb/debian/{name}@{version}",
        texts=(text,),
    )


def as_cyclonedx(components: list[Component]) -> str:
    """The list as a document; the same components give the same bytes."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": [
            part.as_json() for part in sorted(components, key=lambda part: (part.purl, part.name))
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
