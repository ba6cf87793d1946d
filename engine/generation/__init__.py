"""Generation: from a prompt's token ids to the next ones, whatever backend computes the logits."""
