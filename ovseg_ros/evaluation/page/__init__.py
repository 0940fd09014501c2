"""The report of an evaluation: one self-contained page for people, JSON for machines."""
