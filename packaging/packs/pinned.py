"""Which llama.cpp packs are built from; a test holds these beside what Retort itself asks for."""

LLAMA_COMMIT = "0c1e57098bba43ac29e6e3b677cdceebdd22334f"  # of the locked source package's vendor/llama.cpp
WRAPPER_VERSION = "0.3.36"
