"""The workbench: a model's tensors as a map, forms for jobs, their queue, and what was measured."""
