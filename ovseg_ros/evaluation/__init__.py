"""Measuring masks against ground truth, by label name."""
