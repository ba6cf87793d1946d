"""One answer, from the request's messages to its parts: template, tokens, decoding, parsing."""

import secrets
import time
from collections.abc import Iterator

from engine.chat.formats import PLAIN, choose_format
from engine.chat.template import TemplateVariables, plain_prompt
from engine.contract.chat import Part
from engine.contract.errors import ContextExceeded, InvalidRequest
from engine.contract.messages import FinishedEvent, FinishReason, GenerateRequest, Usage
from engine.generation.backend import Backend, Cancelled
from engine.generation.generator import generate
from engine.generation.prefix_cache import PrefixCache
from engine.generation.sequence import Sequence
from engine.hardware.memory import peak_rss_bytes
from engine.worker.answer_parts import AnswerParts
from engine.worker.template_child import TemplateChild


class Answer:
    """Runs one GenerateRequest on a loaded backend."""

    def __init__(
        self, backend: Backend, prefix_cache: PrefixCache, templates: TemplateChild, request: GenerateRequest
    ) -> None:
        self._backend = backend
        self._prefix_cache = prefix_cache
        self._templates = templates
        self._request = request
        given = request.sampling.seed
        self._seed = secrets.randbelow(2**32) if given is None else given
        self._reason: FinishReason = "length"
        self._usage = Usage()

    def parts(self, cancelled: Cancelled) -> Iterator[Part]:
        """Yield the answer's parts in pieces; afterwards `finished` tells how it ended.

        Raises ContextExceeded, TemplateBroken or InvalidRequest before the first piece.
        """
        started = time.perf_counter()
        sequence, reader = self._prepare()
        prefill_started = time.perf_counter()
        cached = self._prefix_cache.reuse(self._backend, sequence.token_ids)
        sequence.cached_length = cached
        request, backend = self._request, self._backend
        sampler = backend.sampler(request.sampling, self._seed, sequence.token_ids)
        max_tokens = request.limits.max_tokens
        first_token_at = 0.0
        try:
            limit = backend.loaded.context_length if max_tokens is None else max_tokens
            for token in generate(backend, sequence, sampler, limit, cancelled):
                first_token_at = first_token_at or time.perf_counter()
                yield from reader.feed(token)
                if reader.stopped:
                    break
            yield from reader.finish()
        finally:
            sampler.close()
            self._prefix_cache.store(sequence.token_ids[: sequence.cached_length])
        self._reason = self._finish_reason(sequence, stopped=reader.stopped, cancelled=cancelled())
        now = time.perf_counter()
        first_token_at = first_token_at or now
        self._usage = Usage(
            prompt_tokens=sequence.prompt_length,
            cached_tokens=cached,
            completion_tokens=sequence.generated_length,
            reasoning_tokens=reader.reasoning_tokens,
            ttft_ms=1000 * (first_token_at - started),
            prompt_ms=1000 * (first_token_at - prefill_started),
            decode_ms=1000 * (now - first_token_at),
            peak_rss_mib=peak_rss_bytes() / 2**20,
        )

    def finished(self) -> FinishedEvent:
        """How the answer ended and what it took."""
        return FinishedEvent(
            request_id=self._request.request_id,
            reason=self._reason,
            usage=self._usage,
            seed=self._seed,
            loaded=self._backend.loaded,
        )

    def _prepare(self) -> tuple[Sequence, AnswerParts]:
        request, backend = self._request, self._backend
        if not request.messages and not request.prompt:
            raise InvalidRequest("there is neither a message nor a prompt to answer")
        if request.messages and backend.chat_template:
            variables = TemplateVariables(
                special_tokens=backend.template_tokens,
                tools=request.tools,
                options=request.template_options,
                continue_last=request.continue_last,
            )
            prompt = self._templates.render(backend.chat_template, request.messages, variables)
            output = choose_format(backend.chat_template)
            token_ids = backend.tokenize(prompt, add_special=False)
        else:
            prompt, output = request.prompt or plain_prompt(request.messages), PLAIN
            token_ids = backend.tokenize(prompt, add_special=True)
        if not token_ids:
            raise InvalidRequest("the prompt is empty")
        context_length = backend.loaded.context_length
        if len(token_ids) > context_length:
            raise ContextExceeded(len(token_ids), context_length)
        reader = AnswerParts(backend, output, prompt=prompt, tools=request.tools, stop=request.limits.stop)
        return Sequence(token_ids, prompt_length=len(token_ids)), reader

    def _finish_reason(self, sequence: Sequence, *, stopped: bool, cancelled: bool) -> FinishReason:
        ended = sequence.generated_length > 0 and sequence.token_ids[-1] in self._backend.end_tokens
        if stopped or ended:
            return "stop"
        return "cancelled" if cancelled else "length"
