"""What run.py does: prepare a clone so that Retort starts and its tests run. Standard library only."""
