"""Which experts of a model were used: painted, and as text."""
