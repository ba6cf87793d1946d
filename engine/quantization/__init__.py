"""The workbench: converting, quantizing and measuring models."""
