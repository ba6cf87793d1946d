"""What a search may have found, for pictures and tests of what shows it."""

from engine.contract.params import LoadParams
from engine.contract.tuned import Trial, TunedModel, TunedRow


def example_result() -> TunedModel:
    """Settings of a large model on a computer with a graphics card, the fastest first."""
    rows = (
        _row(LoadParams(threads=6, batch_size=1024, flash_attention="on"), 42.7, 310, 40_960, 9, front=True),
        _row(LoadParams(threads=6, batch_size=1024), 41.9, 298, 40_960, 9),
        _row(LoadParams(threads=8), 38.2, 240, 36_000, 9),
        _row(LoadParams(threads=6, kv_type="q8_0"), 36.5, 262, 81_920, 11, front=True),
        _row(LoadParams(draft_tokens=None), 35.9, 226, 32_768, 8),
        _row(LoadParams(), 33.0, 231, 40_960, 12, front=True),
        _row(LoadParams(draft_tokens=3, batch_size=2048), 21.0, 180, 30_000, 7),
    )
    return TunedModel(
        name="builtin",
        content_key="k",
        devices=("8 processors",),
        engine_build="llama 0.3.36",
        best=rows[0].load,
        gain=0.23,
        rows=rows,
        tuned_at=1.0,
    )


def _row(
    load: LoadParams,
    decode_tps: float,
    prompt_tps: float,
    most_context: int,
    free_gb: int,
    *,
    front: bool = False,
) -> TunedRow:
    trial = Trial(
        prompt_tps=prompt_tps,
        decode_tps=decode_tps,
        resident_bytes=20 * 10**9,
        free_bytes=free_gb * 10**9,
        context_length=8192,
        most_context=most_context,
    )
    return TunedRow(load=load, trial=trial, is_on_front=front)
