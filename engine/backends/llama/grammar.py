"""Grammars: GBNF text or a JSON schema to llama.cpp's grammar sampler.

llama.cpp answers a wrong grammar with NULL and a log line, and overflows its stack on a deeply nested one;
both are turned into InvalidRequest here.
"""

import json
from typing import Any

from engine.contract.errors import EngineMissing, InvalidRequest
from engine.contract.params import SamplingParams

MAX_NESTING = 200


def compile_grammar(library: Any, vocabulary: Any, params: SamplingParams) -> Any | None:
    """The grammar sampler of a request, None where it asks for none; raises InvalidRequest."""
    source = grammar_of_schema(params.json_schema) if params.json_schema else params.grammar
    if not source:
        return None
    check_nesting(source)
    sampler = library.llama_sampler_init_grammar(vocabulary, source.encode(), b"root")
    if not sampler:
        raise InvalidRequest("the grammar is not valid GBNF, or has no rule named root")
    return sampler


def check_nesting(source: str) -> None:
    """Refuse what would overflow the stack of llama.cpp's recursive parser."""
    depth = 0
    for character in source:
        depth += (character == "(") - (character == ")")
        if depth > MAX_NESTING:
            raise InvalidRequest(f"the grammar is nested more than {MAX_NESTING} deep")


def grammar_of_schema(schema: str) -> str:
    """The GBNF of a JSON schema, by llama-cpp-python's converter; nothing is fetched."""
    try:
        from llama_cpp.llama_grammar import json_schema_to_gbnf  # noqa: PLC0415  (heavy, like all of llama_cpp)
    except (ImportError, OSError, RuntimeError) as error:
        raise EngineMissing(f"JSON schemas need llama-cpp-python, which does not load: {error}") from error
    try:
        json.loads(schema)
    except ValueError as error:
        raise InvalidRequest(f"the JSON schema is not JSON: {error}") from error
    try:
        return str(json_schema_to_gbnf(schema))
    except (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise InvalidRequest(f"the JSON schema cannot be made a grammar: {error}") from error
