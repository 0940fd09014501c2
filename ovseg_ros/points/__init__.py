"""The third dimension: depth and calibration of a camera turn its masks into labelled points."""
