"""One answer: from a request to a sequence, and from that sequence's tokens to events."""

import operator
import secrets
import time
from dataclasses import replace
from typing import Any

import numpy as np
from msgspec import structs

from engine.backends.llama.grammar import grammar_of_schema
from engine.chat.language import LanguageWatch
from engine.contract.chat import Part
from engine.contract.errors import ContextExceeded, InvalidRequest
from engine.contract.messages import (
    AnswerEvent,
    FinishedEvent,
    GenerateRequest,
    TextEvent,
    TokenLogprob,
    ToolCallEvent,
    Usage,
    answer_event,
)
from engine.contract.params import SamplingParams
from engine.generation.backend import Backend, Cancelled
from engine.generation.drafting import Drafting
from engine.generation.governor import Governor
from engine.generation.sampler import request_filters
from engine.generation.scheduler import Generated
from engine.generation.sequence import Sequence
from engine.hardware.memory import peak_rss_bytes
from engine.worker.answer_parts import AnswerParts
from engine.worker.language_bias import without_foreign_scripts
from engine.worker.prompt import make_prompt
from engine.worker.template_child import TemplateChild


class Answer:
    """What one GenerateRequest has come to on a loaded backend."""

    def __init__(
        self, backend: Backend, templates: TemplateChild, request: GenerateRequest, cancelled: Cancelled
    ) -> None:
        """Make the prompt; `sequence` is then ready to run.

        Raises ContextExceeded or InvalidRequest.
        """
        self._backend, self._request = backend, request
        self._started_s = time.perf_counter()
        self._first_token_s = 0.0
        said = [message.text for message in request.messages if message.role in ("user", "system")]
        self._language = LanguageWatch(said)
        given = request.sampling.seed
        self._seed = secrets.randbelow(2**32) if given is None else given
        self._sampling = with_grammar(request.sampling)
        if request.keep_language and said:
            self._sampling = without_foreign_scripts(self._sampling, backend, said)
        token_ids, self._reader = self._prepare(templates)
        max_tokens = request.limits.max_tokens
        self.sequence = Sequence(
            token_ids=token_ids,
            sampler=backend.sampler(self._sampling, self._seed, token_ids),
            max_tokens=backend.loaded.context_length + 1 if max_tokens is None else max_tokens,
            cancelled=cancelled,
            conversation_id=request.conversation_id,
            logprobs=request.logprobs,
            drafting=self._drafting(),
        )
        self._logprobs: list[TokenLogprob] = []  # of tokens whose text is held back
        self._num_untold = 0  # tokens since the last event
        self._force_text()

    @property
    def request_id(self) -> str:
        """Whose answer it is."""
        return self._request.request_id

    @property
    def stopped(self) -> bool:
        """Whether a stop string has come."""
        return self._reader.stopped

    def end_reasoning(self) -> None:
        """Let the model answer now, if it is still thinking."""
        self._reader.end_reasoning()
        self._force_text()

    def take(self, generated: Generated) -> list[AnswerEvent]:
        """What is certain after one more token."""
        self._first_token_s = self._first_token_s or time.perf_counter()
        self._num_untold += 1
        if generated.logprob is not None:
            alternatives = tuple(self._told(*pair) for pair in generated.logprob.alternatives)
            told = self._told(generated.token, generated.logprob.value)
            self._logprobs.append(structs.replace(told, alternatives=alternatives))
        events = self._events(self._reader.feed(generated.token))
        self._force_text()
        return events

    def finish(self) -> list[AnswerEvent | FinishedEvent]:
        """What was held back, and how the answer ended; raises the error that ended it."""
        if self.sequence.error is not None:
            raise self.sequence.error
        events: list[AnswerEvent | FinishedEvent] = [*self._events(self._reader.finish())]
        if self._logprobs and not self.stopped:
            events.append(TextEvent(request_id=self.request_id, text="", logprobs=tuple(self._logprobs)))
        return [*events, self._finished()]

    def _force_text(self) -> None:
        """Let the answer go on with what ends its reasoning, where that has to end."""
        if text := self._reader.forced_text():
            self.sequence.force(self._backend.tokenize(text, add_special=False))

    def _events(self, parts: list[Part]) -> list[AnswerEvent]:
        events: list[AnswerEvent] = []
        for part in parts:
            event = answer_event(self.request_id, part)
            if not isinstance(event, ToolCallEvent):
                self._language.feed(event.text)
                told = {"num_tokens": self._num_untold, "logprobs": tuple(self._logprobs)}
                event, self._num_untold, self._logprobs = structs.replace(event, **told), 0, []
            events.append(event)
        return events

    def _told(self, token: int, logprob: float) -> TokenLogprob:
        data = self._backend.piece(token, special=True)
        return TokenLogprob(data.decode(errors="replace"), data, logprob)

    def _finished(self) -> FinishedEvent:
        sequence, now = self.sequence, time.perf_counter()
        first_token_s = self._first_token_s or now
        usage = Usage(
            prompt_tokens=sequence.prompt_length,
            cached_tokens=sequence.reused_length,
            completion_tokens=sequence.generated_length,
            reasoning_tokens=self._reader.reasoning_tokens,
            ttft_ms=1000 * (first_token_s - self._started_s),
            prompt_ms=1000 * (first_token_s - (sequence.started_s or now)),
            decode_ms=1000 * (now - first_token_s),
            peak_rss_mib=peak_rss_bytes() / 2**20,
            **self._draft_usage(),
            expert_counts=self._expert_counts(),
        )
        return FinishedEvent(
            request_id=self.request_id,
            reason="stop" if self.stopped else sequence.reason or "cancelled",
            usage=usage,
            seed=self._seed,
            loaded=self._backend.loaded,
            template_notice=self._template_notice,
            reasoning_ended_by=self._reader.reasoning_ended_by,
            drifted_to=self._language.drifted_to,
        )

    def _expert_counts(self) -> tuple[tuple[int, ...], ...]:
        """What this request has chosen since it got its slot: the slot may have counted for others before."""
        sequence = self.sequence
        if sequence.slot < 0:
            return ()
        after = self._backend.expert_counts(sequence.slot)
        return tuple(
            tuple(map(operator.sub, *layers))
            for layers in zip(after, sequence.expert_counts_before, strict=True)
        )

    def _drafting(self) -> Drafting | None:
        """Drafting, where the model has something to draft with and can forget what is refused."""
        backend, load = self._backend, self._request.load
        drafter = backend.drafter()
        if drafter is None or not backend.can_truncate:
            return None
        random = np.random.default_rng((self._seed, 1))  # other numbers than those of the sampler
        filters = request_filters(self._sampling, random, backend.vocabulary)
        governor = Governor(fixed=load.draft_tokens)
        return Drafting(
            backend, drafter, filters, random, governor, backend.near_tie, self._reader.num_together
        )

    def _draft_usage(self) -> dict[str, Any]:
        drafting = self.sequence.drafting
        if drafting is None:
            return {}
        return {
            "drafted_tokens": drafting.num_drafted,
            "accepted_tokens": drafting.num_accepted,
            "drafting": drafting.governor.describe(),
        }

    def _prepare(self, templates: TemplateChild) -> tuple[list[int], AnswerParts]:
        request, backend = self._request, self._backend
        if not request.messages and not request.prompt:
            raise InvalidRequest("there is neither a message nor a prompt to answer")
        prompt = make_prompt(request, backend.chat_template, backend.template_tokens, templates)
        self._template_notice = prompt.notice
        token_ids = backend.tokenize(prompt.text, add_special=prompt.add_special)
        if not token_ids:
            raise InvalidRequest("the prompt is empty")
        context_length = backend.loaded.context_length
        if len(token_ids) > context_length:
            raise ContextExceeded(len(token_ids), context_length)
        return token_ids, AnswerParts(
            backend,
            prompt.output,
            prompt=prompt.text,
            tools=request.tools,
            stop=request.limits.stop,
            reasoning_budget=request.limits.reasoning_budget,
        )


def with_grammar(sampling: SamplingParams) -> SamplingParams:
    """The same with a JSON schema made a grammar; raises InvalidRequest, EngineMissing."""
    if not sampling.json_schema:
        return sampling
    return replace(sampling, grammar=grammar_of_schema(sampling.json_schema), json_schema="")
