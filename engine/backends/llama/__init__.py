"""llama.cpp through the low-level ctypes functions of llama-cpp-python; the only place that calls them."""
