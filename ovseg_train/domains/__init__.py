"""Domains, measured: an adapter for each, what retrieval makes of them, and the gap to dusk."""
