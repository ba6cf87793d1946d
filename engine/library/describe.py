"""From a file's header to what people ask of a model: its name, size, type and template."""

from pathlib import Path

from engine.contract.model_info import ModelInfo
from engine.contract.paths import builtin_model
from engine.library.gguf import GgufHeader, read_header

BUILTIN = "builtin"


def resolve_model(model: str) -> Path:
    """The file behind the name a user gives: `builtin` or a path."""
    return builtin_model() if model == BUILTIN else Path(model).expanduser().absolute()


def describe(header: GgufHeader) -> ModelInfo:
    """The facts of a model file, from its header alone."""
    return ModelInfo(
        name=header.text("general.name") or header.path.stem,
        path=str(header.path),
        architecture=header.architecture,
        size_bytes=header.size_bytes,
        parameters=header.parameters,
        quantization=header.main_type,
        context_length=header.hyperparameter("context_length"),
        vocabulary_size=header.length("tokenizer.ggml.tokens"),
        has_chat_template=bool(header.text("tokenizer.chat_template")),
        license=header.text("general.license"),
    )


def describe_file(path: Path) -> ModelInfo:
    """Read a file's header and describe it; raises what `read_header` raises."""
    return describe(read_header(path))
