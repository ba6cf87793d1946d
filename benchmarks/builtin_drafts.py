"""What the MTP layer of a model file is worth in llama.cpp: kept drafts, and whether the text stays the same.

Greedy answers to the rubric's fixed prompts, once plainly and once with one draft per step. Prints a table,
then one JSON line.

`python -m benchmarks.builtin_drafts MODEL.gguf`
"""

import argparse
import json
from pathlib import Path

import llama_cpp

from engine.training.rubric import FIXED
from tests.support.llama_mtp import MtpModel, greedy_with_drafts, open_mtp

MAX_TOKENS = 120


def prompt_of(system: str, question: str) -> str:
    """The first turn of a conversation as the built-in model's template has it."""
    return (
        "<|begin|>" + (f"<|system|>{system}" if system else "") + f"<|user|>{question}<|assistant|>"
    ).strip()


def tokenized(model: MtpModel, text: str) -> list[int]:
    """Token ids, with the turn tokens recognised."""
    data = text.encode()
    ids = (llama_cpp.llama_token * (len(data) + 8))()
    vocabulary = llama_cpp.llama_model_get_vocab(model.model)
    count = llama_cpp.llama_tokenize(vocabulary, data, len(data), ids, len(ids), False, True)
    return list(ids[:count])


def plain_greedy(model: MtpModel, prompt: list[int], count: int, end: int) -> list[int]:
    """Greedy tokens, one decode call each."""
    answer: list[int] = []
    logits, _ = model.hidden(prompt, 0)
    while len(answer) < count:
        answer.append(int(logits[-1].argmax()))
        if answer[-1] == end:
            break
        logits, _ = model.hidden(answer[-1:], len(prompt) + len(answer) - 1)
    return answer


def compare(path: Path, *, num_prompts: int = len(FIXED), verbose: bool = False) -> dict[str, float]:
    """Answer the last fixed prompts twice; how many texts are the same, and the share of kept drafts."""
    same = made = kept = tokens = 0
    with open_mtp(path, num_context=1024) as model:
        end = llama_cpp.llama_vocab_eos(llama_cpp.llama_model_get_vocab(model.model))
        for prompt in FIXED[-num_prompts:]:
            token_ids = tokenized(model, prompt_of(prompt.system, prompt.turns[0]))
            plain = plain_greedy(model, token_ids, MAX_TOKENS, end)
            model.truncate(0)
            drafted, drafts, accepted = greedy_with_drafts(model, token_ids, MAX_TOKENS, end)
            model.truncate(0)
            same, made, kept = same + (plain == drafted), made + drafts, kept + accepted
            tokens += len(plain)
            if verbose:
                print(f"{prompt.turns[0]:48} {accepted:3} of {drafts:3} kept, same text: {plain == drafted}")
    report = {"prompts": num_prompts, "same_text": same, "tokens": tokens, "drafts": made, "kept": kept}
    return report | {"acceptance": kept / made if made else 0.0}


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    print(json.dumps(compare(parser.parse_args().model, verbose=True)))


if __name__ == "__main__":
    main()
