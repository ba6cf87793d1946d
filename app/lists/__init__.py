"""Qt item models. They are always named ...List, so that "model" means a language model."""
