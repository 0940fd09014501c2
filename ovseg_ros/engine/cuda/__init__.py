"""NVIDIA GPUs without torch: what there is, memory, one stream, recorded work."""
