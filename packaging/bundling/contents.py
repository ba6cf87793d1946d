"""What goes into the bundle and what stays out."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"

NOT_SHIPPED = (
    "readline", "dbm.gnu", "_gdbm",  # GNU readline and GNU dbm are GPL-3
    "nis", "crypt", "curses", "_curses", "_curses_panel",  # of no use here; nis would bring Kerberos along
    "torch", "transformers", "tokenizers", "safetensors", "gguf",  # a component of their own
    "tkinter", "test", "pydoc_data", "lib2to3", "ensurepip", "idlelib",
    "IPython", "pytest", "setuptools", "pip", "pkg_resources",
    *(f"PySide6.Qt{name}" for name in ("Qml", "Quick", "QuickWidgets", "Sql", "Test", "Designer", "Network")),
)  # fmt: skip

# Qt's plugins that a window of widgets needs, on every system; all others stay out.
_PLUGINS = (
    r"platforms/(libq|q)(xcb|wayland|offscreen|windows|cocoa)\b",
    r"xcbglintegrations/",
    r"wayland-(shell-integration/libxdg-shell|graphics-integration-client/libqt-plugin|decoration-client/)",
    r"platforminputcontexts/lib(compose|ibus)",
    r"platformthemes/libqxdgdesktopportal",
    r"iconengines/.*svg",
    r"imageformats/(lib)?q(svg|jpeg|gif|ico|webp)\b",
    r"styles/",
)
_LIBRARIES_LEFT_OUT = re.compile(
    r"(lib)?Qt6?(Qml|Quick|Pdf|Sql|Test|Designer|VirtualKeyboard|WaylandCompositor|WaylandEglCompositor)\w*"
    r"|libreadline\b|libgtk-3|libgdk-3"
)
# Of what pip notes about a package only this is read; the rest has the paths of this computer in it.
_NOT_METADATA = re.compile(r"[^/]+\.dist-info/(?!METADATA$)")
_TRANSLATIONS = re.compile(r"PySide6/Qt/translations/(?!qtbase_)")
_PLUGIN = re.compile(r"PySide6/(?:Qt/)?plugins/(.*)")


def is_wanted(target: str) -> bool:
    """Tell whether a collected file, by its path in the bundle, belongs into it.

    llama.cpp's libraries are refused as a wheel has them, three times each: the build brings its own.
    """
    path = PurePosixPath(target.replace("\\", "/"))
    name = str(path)
    if name.startswith("llama_cpp/lib/") or name.startswith(("libllama", "libggml", "libmtmd")):
        return False
    if _LIBRARIES_LEFT_OUT.match(path.name) or "/qml/" in name:
        return False
    if _TRANSLATIONS.match(name) or _NOT_METADATA.match(name):
        return False
    plugin = _PLUGIN.match(name)
    return plugin is None or any(re.match(wanted, plugin[1]) for wanted in _PLUGINS)


def build_tools() -> frozenset[str]:
    """The packages of the build environment that are no part of the product."""
    locks = ("build.txt", "llama-build.txt")
    tools = {name for lock in locks for name, _ in pins(REQUIREMENTS / lock)} | {"pip"}
    return frozenset(tools - {name for name, _ in pins(REQUIREMENTS / "base.txt")})


def pins(lock: Path) -> list[tuple[str, str]]:
    """Every name and version of a lock file, whatever system it is for."""
    return re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)


def normal(name: str) -> str:
    """A package's name as the locks and the index have it. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()
