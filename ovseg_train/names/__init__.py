"""The names of things: which words mean which concept in which data set."""

from ovseg_train.names.concepts import Concept, load_concepts

__all__ = ["Concept", "load_concepts"]
