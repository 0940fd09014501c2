"""Trains and exports the embedded default model; `recipe.yaml` holds every number of the recipe."""
