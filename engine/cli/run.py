"""`retort run MODEL ["prompt"]`: one answer, streamed; without a prompt a conversation in the terminal."""

import argparse
import json
import sys
from dataclasses import asdict

from msgspec import structs

from engine.cli.answer_printer import AnswerPrinter
from engine.cli.arguments import MODEL_HELP
from engine.cli.engine_session import EngineSession, new_request_id
from engine.cli.load_arguments import add_load_arguments, load_from
from engine.cli.sampling_arguments import add_sampling_arguments, sampling_from
from engine.cli.terminal_chat import ChatSettings, converse
from engine.contract.chat import ChatMessage, Part
from engine.contract.messages import FinishedEvent, GenerateRequest, event_part
from engine.contract.params import GenerationLimits

NAME = "run"
HELP = "answer a prompt, or converse in the terminal where none is given"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments; defaults come from the params themselves."""
    add = parser.add_argument
    add("model", help=MODEL_HELP)
    add("prompt", nargs="?", help="what to answer; `-` reads it from stdin")
    add("--system", default="", help="system prompt")
    add("--raw", action="store_true", help="go on with the prompt as it is, without the chat template")
    add("--max-tokens", type=int, help="most tokens of the answer (default: up to the context length)")
    add_sampling_arguments(parser)
    add("--stop", action="append", default=[], metavar="TEXT", help="end the answer before this text")
    add("--reasoning-budget", type=int, metavar="N", help="most tokens of reasoning; 0 is none")
    add(
        "--reasoning-effort",
        default="",
        metavar="EFFORT",
        help="how much the model reasons: off, on, low, medium, high, as far as it lets choose",
    )
    add(
        "--keep-language",
        action="store_true",
        help="make letters of scripts that the prompt does not use unlikely",
    )
    add_load_arguments(parser)
    add("--json", action="store_true", help="print one JSON object instead of streaming")
    add("--verbose", action="store_true", help="show what the native library logs")


def run(arguments: argparse.Namespace) -> int:
    """Answer and print; raises ValueError for values out of range, EngineError for failures."""
    settings = ChatSettings(
        model=arguments.model,
        system=arguments.system,
        load=load_from(arguments),
        sampling=sampling_from(arguments),
        limits=GenerationLimits(
            max_tokens=arguments.max_tokens,
            stop=tuple(arguments.stop),
            reasoning_budget=arguments.reasoning_budget,
        ),
        reasoning_effort=arguments.reasoning_effort,
        keep_language=arguments.keep_language,
    )
    with EngineSession(verbose=arguments.verbose) as session:
        if arguments.prompt is None:
            return converse(session, settings)
        prompt = sys.stdin.read() if arguments.prompt == "-" else arguments.prompt
        request = _request(settings, prompt, raw=arguments.raw)
        return _answer_json(session, request) if arguments.json else _answer_streamed(session, request)


def _request(settings: ChatSettings, prompt: str, *, raw: bool) -> GenerateRequest:
    system = (ChatMessage(role="system", text=settings.system),) if settings.system else ()
    return GenerateRequest(
        request_id=new_request_id(),
        model=settings.model,
        load=settings.load,
        messages=() if raw else (*system, ChatMessage(role="user", text=prompt)),
        prompt=prompt if raw else "",
        sampling=settings.sampling,
        limits=settings.limits,
        reasoning_effort=settings.reasoning_effort,
        keep_language=settings.keep_language,
    )


def _answer_streamed(session: EngineSession, request: GenerateRequest) -> int:
    reason, printer = "", AnswerPrinter()
    try:
        with printer:
            for event in session.answer(request):
                if isinstance(event, FinishedEvent):
                    reason = event.reason
                    printer.tell(event)
                else:
                    printer.show(event)
    finally:
        if printer.has_written or reason:
            print(flush=True)  # an error that follows begins a line of its own
    return 1 if reason == "cancelled" else 0


def _answer_json(session: EngineSession, request: GenerateRequest) -> int:
    parts: list[Part] = []
    for event in session.answer(request):
        if isinstance(event, FinishedEvent):
            print(json.dumps(_report(ChatMessage.answer(parts), event), ensure_ascii=False))
            return 1 if event.reason == "cancelled" else 0
        parts.append(event_part(event))
    return 1


def _report(answer: ChatMessage, finished: FinishedEvent) -> dict[str, object]:
    usage, loaded = finished.usage, finished.loaded
    calls = [asdict(call) for call in answer.tool_calls]
    experts, notice = usage.expert_counts, finished.template_notice
    acceptance = round(usage.accepted_tokens / usage.drafted_tokens, 3) if usage.drafted_tokens else None
    return {
        "text": answer.text,
        "reasoning": answer.reasoning,
        "finish_reason": finished.reason,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "cached_tokens": usage.cached_tokens,
        "ttft_ms": round(usage.ttft_ms, 2),
        "prompt_tps": round(usage.prompt_tps, 1),
        "decode_tps": round(usage.decode_tps, 1),
        "draft_acceptance": acceptance,
        "drafting": usage.drafting,
        "peak_rss_mib": round(usage.peak_rss_mib, 1),
        "kv_bytes_per_token": loaded.kv_bytes_per_token if loaded else None,
        "backend": loaded.backend if loaded else None,
        "backend_reason": loaded.backend_reason if loaded else None,
        "device": loaded.device if loaded else None,
        "seed": finished.seed,
        **({"tool_calls": calls} if calls else {}),
        **({"experts": experts} if experts else {}),
        **({"template_notice": structs.asdict(notice)} if notice else {}),
    }
