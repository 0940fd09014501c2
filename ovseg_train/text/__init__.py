"""Training of the small text tower (see docs/text_tower.md)."""
