"""Simulated drives: procedural yards, streets and parks rendered with MuJoCo.

``nouns`` is the vocabulary, ``objects`` builds each noun out of parts, ``layout`` arranges them
into a scene, ``looks`` lights it, ``camera`` renders it, ``dataset`` and ``bag`` write it down.
"""
