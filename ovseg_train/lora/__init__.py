"""Trains LoRA adapters for a domain; `recipe.yaml` holds every number that is not asked for."""
