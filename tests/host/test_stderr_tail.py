import pytest

from engine.host.stderr_tail import find_assertion


@pytest.mark.parametrize(
    ("stderr", "words"),
    [
        ("", ""),
        ("llama_model_loader: loaded meta data with 32 key-value pairs\nload: a warning\n", ""),
        (
            "load: ok\n/src/ggml/src/ggml.c:8139: GGML_ASSERT(n > 0) failed\nmore\n",
            "/src/ggml/src/ggml.c:8139: GGML_ASSERT(n > 0) failed",
        ),
        ("/src/llama-model.cpp:1328: fatal error\n", "/src/llama-model.cpp:1328: fatal error"),
        ("D:\\a\\ggml-cuda.cu:88: CUDA error\n", "D:\\a\\ggml-cuda.cu:88: CUDA error"),
        (
            "terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc\n",
            "terminate called after throwing an instance of 'std::bad_alloc' what(): std::bad_alloc",
        ),
        ("Fatal Python error: Segmentation fault\n", "Fatal Python error: Segmentation fault"),
    ],
)
def test_the_last_words_are_found_in_what_was_printed(stderr: str, words: str) -> None:
    assert find_assertion(stderr) == words
