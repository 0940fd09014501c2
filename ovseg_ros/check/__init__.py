"""Engines other than the reference: making the int8 one, and checking all of them against it."""
