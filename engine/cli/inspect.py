"""`retort inspect FILE`: what a model file or folder really holds, from its headers, without running it."""

import argparse
import json
from collections import Counter
from dataclasses import asdict

import msgspec

from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.measure import print_card
from engine.cli.models import companion_line
from engine.cli.provenance import provenance_lines
from engine.contract.paths import Paths
from engine.contract.provenance_messages import ProvenanceRequest, ProvenanceTold
from engine.hardware.kv_cache import kv_bytes_per_token
from engine.library.checkpoint import Checkpoint, describe_checkpoint, read_checkpoint
from engine.library.companions import companions_of
from engine.library.describe import active_parameters, checkpoint_active_parameters, describe
from engine.library.gguf import GgufHeader, read_header
from engine.library.model_shape import shape_of_checkpoint, shape_of_header
from engine.library.quality_cards import QualityCards

NAME = "inspect"
HELP = "show architecture, parameters and the tensor types really used"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", help=MODEL_HELP)
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Read the header and print it; raises ModelError where the file is damaged."""
    with EngineSession() as session:
        path = session.find(arguments.file).path
        asked = ProvenanceRequest(request_id=new_request_id(), model=arguments.file)
        provenance = session.ask(asked, ProvenanceTold).provenance
    report = inspect_checkpoint(read_checkpoint(path)) if path.is_dir() else inspect_header(read_header(path))
    companions = companions_of(path)
    cards = QualityCards(Paths.from_environment().quality).of(path)
    if arguments.json:
        more: dict[str, object] = {"companions": [asdict(companion) for companion in companions]}
        more |= {"provenance": msgspec.to_builtins(provenance), "quality": msgspec.to_builtins(cards)}
        print(json.dumps(report | more, ensure_ascii=False))
        return 0
    for name, value in report.items():
        shown = value
        if isinstance(value, dict):
            shown = ", ".join(f"{key}: {count}" for key, count in value.items())
        elif isinstance(value, int) and not isinstance(value, bool):
            shown = f"{value:,}"
        print(f"{name.replace('_', ' '):>20}  {shown}")
    for companion in companions:
        print(f"{'companion':>20}  {companion_line(companion)}")
    print()
    for line in provenance_lines(provenance):
        print(line)
    for card in cards:
        print()
        print_card(card)
    return 0


def inspect_header(header: GgufHeader) -> dict[str, object]:
    """The report, in the order in which it is printed."""
    tensor_types = Counter(tensor.type.name for tensor in header.tensors)
    weights_bytes = sum(tensor.size_bytes for tensor in header.tensors)
    return {
        **asdict(describe(header)),
        "active_parameters": active_parameters(header),
        "layers": header.hyperparameter("block_count"),
        "embedding_length": header.hyperparameter("embedding_length"),
        "experts": header.hyperparameter("expert_count"),
        "experts_used": header.hyperparameter("expert_used_count"),
        "mtp_layers": header.hyperparameter("nextn_predict_layers"),
        "bits_per_weight": round(8 * weights_bytes / max(1, header.parameters), 3),
        "kv_bytes_per_token": kv_bytes_per_token(shape_of_header(header), "f16"),
        "tensors": len(header.tensors),
        "tensor_types": dict(tensor_types.most_common()),
        "gguf_version": header.version,
    }


def inspect_checkpoint(checkpoint: Checkpoint) -> dict[str, object]:
    """The same report for a folder of safetensors."""
    number = checkpoint.number
    weights_bytes = sum(info.size_bytes for _, info in checkpoint.tensors.values())
    return {
        **asdict(describe_checkpoint(checkpoint)),
        "active_parameters": checkpoint_active_parameters(checkpoint),
        "layers": number("num_hidden_layers"),
        "embedding_length": number("hidden_size"),
        "experts": number("n_routed_experts", "num_experts", "num_local_experts"),
        "experts_used": number("num_experts_per_tok"),
        "mtp_layers": number("num_nextn_predict_layers"),
        "bits_per_weight": round(8 * weights_bytes / max(1, checkpoint.parameters), 3),
        "kv_bytes_per_token": kv_bytes_per_token(shape_of_checkpoint(checkpoint), "f16"),
        "tensors": len(checkpoint.tensors),
        "tensor_types": dict(checkpoint.tensor_types.most_common()),
    }
