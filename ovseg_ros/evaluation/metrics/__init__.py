"""Measures of masks against ground truth, kept as integers so that parts add up exactly."""
