"""Footage: which frames an evaluation is made on, where they lie, and what their ids mean."""
