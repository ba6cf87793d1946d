"""Model files and records: what is on the disk. No network and no native code."""
