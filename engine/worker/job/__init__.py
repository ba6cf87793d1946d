"""The process of one workbench job: converting, quantizing, measuring."""
