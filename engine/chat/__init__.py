"""From messages to a prompt, and later from an answer back to its parts."""
