"""Engine packs: llama.cpp built for a kind of device, as an archive that Retort installs."""
