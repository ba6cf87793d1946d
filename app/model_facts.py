"""A model in few words, for lists and the picker: name, size, parameters, what it can do."""

from dataclasses import dataclass

from app.model_names import BUILTIN, model_name
from app.translation import format_bytes, format_number, mark, tr
from engine.contract.model_info import Capability, InstalledModel, ModelInfo

BADGES: dict[Capability, str] = {
    "reasoning": mark("Reasoning"), "tools": mark("Tools"), "moe": "MoE", "mtp": "MTP",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a row of the picker says about a model."""

    model: str  # the name that requests use
    name: str
    quantization: str = ""
    format: str = ""  # where it is no GGUF file
    size: str = ""
    parameters: str = ""
    badges: tuple[str, ...] = ()
    problem: str = ""  # why it cannot be chosen now; empty for a good one

    @property
    def line(self) -> str:
        """Format, size and parameters, side by side."""
        return " · ".join(filter(None, (self.format, self.size, self.parameters)))

    @property
    def spoken(self) -> str:
        """All of it, for screen readers."""
        return ", ".join(filter(None, (self.name, self.quantization, self.line, *self.badges, self.problem)))


def facts_of_installed(model: InstalledModel) -> ModelFacts:
    """What the library knows."""
    info = model.info
    return ModelFacts(
        model=model.name,
        name=model_name(BUILTIN if model.name == BUILTIN else model.short_name),
        quantization=info.quantization if info else "",
        format=tr("Checkpoint") if model.format == "checkpoint" else "",
        size=format_bytes(model.size_bytes),
        parameters=parameters_text(info.parameters if info else 0, model.active_parameters),
        badges=tuple(tr(BADGES[one]) for one in model.capabilities if one in BADGES),
        problem=model.problem,
    )


def facts_of_file(path: str, info: ModelInfo | None, *, is_there: bool) -> ModelFacts:
    """What is known of a model that was opened and is in no library."""
    return ModelFacts(
        model=path,
        name=model_name(path),
        quantization=info.quantization if info else "",
        size=format_bytes(info.size_bytes) if info else "",
        parameters=parameters_text(info.parameters if info else 0),
        problem="" if is_there else tr("The file is not there"),
    )


def parameters_text(parameters: int, active: int = 0) -> str:
    """How many parameters there are, and how many of them one token uses: 30 B parameters, 3 B active."""
    if not parameters:
        return ""
    text = tr("{count} parameters", count=short_count(parameters))
    if active and active < parameters:
        text += ", " + tr("{count} active", count=short_count(active))
    return text


def short_count(count: int) -> str:
    """A count with its unit: 4.9 M, 30 B."""
    for limit, unit in ((10**9, "B"), (10**6, "M"), (10**3, "K")):
        if count >= limit:
            number = count / limit
            return f"{format_number(number, 1 if number < 10 else 0)} {unit}"
    return format_number(count)
