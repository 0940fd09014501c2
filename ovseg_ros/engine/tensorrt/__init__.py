"""Engines of TensorRT: built from a package, kept in the cache under a key, checked, and run."""
