"""The conversation on the screen: painted, and laid out only where it can be seen."""
