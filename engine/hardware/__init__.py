"""Devices, memory and whether a model fits: arithmetic on headers, no native code."""
