"""`retort convert SRC DST`: a folder of safetensors as a GGUF file."""

import argparse
import json
from typing import get_args

import msgspec

from engine.cli.engine_session import EngineSession
from engine.cli.jobs import absolute, do_job
from engine.cli.sizes import in_words
from engine.contract.jobs import Converter, ConvertJob, ConvertResult

NAME = "convert"
HELP = "write a folder of safetensors as a GGUF file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("source", metavar="SRC", help="a folder of safetensors, by its path or its name in the library")
    add("target", metavar="DST", help="the file to write; it appears when it is whole")
    add("--type", default="Q8_0", help="of the matrices: F32, F16, BF16 or Q8_0 (default)")
    add(
        "--converter",
        choices=get_args(Converter),
        default="auto",
        help="ours, llama.cpp's own scripts, or those where ours knows no layout (default)",
    )
    add("--dry-run", action="store_true", help="only check the folder and tell the size of the file")
    add("--json", action="store_true", help="print one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Convert and say what was written; raises EngineError."""
    job = ConvertJob(
        source=arguments.source,
        target=absolute(arguments.target),
        weight_type=arguments.type.upper(),
        converter=arguments.converter,
        is_dry_run=arguments.dry_run,
    )
    with EngineSession() as session:
        result = do_job(session, job, ConvertResult)
    if arguments.json:
        print(json.dumps(msgspec.to_builtins(result), ensure_ascii=False))
    else:
        print(f"{result.target}: {in_words(result.size_bytes)}, {result.seconds:.1f} s")
        for note in result.notes:
            print(f"  {note}")
    return 0
