"""From a file's header to what people ask of a model: its name, size, type, template and what it can do."""

from pathlib import Path

from engine.contract.model_info import Capability, ModelInfo
from engine.library.checkpoint import Checkpoint, describe_checkpoint, read_checkpoint
from engine.library.gguf import GgufHeader, read_header

# what families that reason have in their chat templates
_REASONING_MARKS = ("<think>", "enable_thinking", "reasoning_content", "<|channel|>", "[THINK]")


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


def describe_path(path: Path) -> ModelInfo:
    """The same for a file or the folder of a checkpoint."""
    return describe_checkpoint(read_checkpoint(path)) if path.is_dir() else describe_file(path)


def active_parameters(header: GgufHeader) -> int:
    """Weights that one token really uses: of the routed experts only the chosen share."""
    num_experts = header.hyperparameter("expert_count")
    used = header.hyperparameter("expert_used_count")
    if not num_experts or not used:
        return header.parameters
    routed = sum(tensor.num_values for tensor in header.tensors if "_exps." in tensor.name)
    return header.parameters - routed + routed * used // num_experts


def checkpoint_active_parameters(checkpoint: Checkpoint) -> int:
    """The same for a checkpoint's folder."""
    experts = checkpoint.number("n_routed_experts", "num_experts", "num_local_experts")
    used = checkpoint.number("num_experts_per_tok")
    if not experts or not used:
        return checkpoint.parameters
    sizes = ((name, info.num_values) for name, (_, info) in checkpoint.tensors.items())
    routed = sum(size for name, size in sizes if ".mlp.experts." in name)
    return checkpoint.parameters - routed + routed * used // experts


def capabilities(header: GgufHeader) -> tuple[Capability, ...]:
    """What a model file says that it can do."""
    return _capabilities(
        header.text("tokenizer.chat_template"),
        num_experts=header.hyperparameter("expert_count"),
        num_mtp_layers=header.hyperparameter("nextn_predict_layers"),
    )


def checkpoint_capabilities(checkpoint: Checkpoint) -> tuple[Capability, ...]:
    """The same for a checkpoint's folder."""
    return _capabilities(
        checkpoint.template,
        num_experts=checkpoint.number("n_routed_experts", "num_experts", "num_local_experts"),
        num_mtp_layers=checkpoint.number("num_nextn_predict_layers"),
    )


def _capabilities(template: str, *, num_experts: int, num_mtp_layers: int) -> tuple[Capability, ...]:
    found: dict[Capability, bool] = {
        "chat": bool(template),
        "reasoning": any(mark in template for mark in _REASONING_MARKS),
        "tools": "tools" in template,
        "moe": num_experts > 0,
        "mtp": num_mtp_layers > 0,
    }
    return tuple(name for name, holds in found.items() if holds)
