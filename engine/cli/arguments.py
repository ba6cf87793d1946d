"""What the arguments of several commands have in common."""

MODEL_HELP = (
    "`builtin`, a name that `retort models` lists, or the path of a .gguf file or of a folder of safetensors"
)
