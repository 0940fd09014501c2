"""Which builder makes which noun."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from ovseg_train.world.objects import (
    goods,
    nature,
    people,
    street,
    structures,
    vehicles,
    yard,
)
from ovseg_train.world.parts import Model

Builder = Callable[[np.random.Generator], Model]

BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "building": structures.building,
        "wall": structures.wall,
        "fence": structures.fence,
        "tree": nature.tree,
        "bush": nature.bush,
        "pole": street.pole,
        "traffic light": street.traffic_light,
        "traffic sign": street.traffic_sign,
        "car": vehicles.car,
        "truck": vehicles.truck,
        "bus": vehicles.bus,
        "person": people.person,
        "bicycle": vehicles.bicycle,
        "bench": street.bench,
        "trash can": street.trash_can,
        "fire hydrant": street.fire_hydrant,
        "traffic cone": yard.traffic_cone,
        "barrel": goods.barrel,
        "crate": goods.crate,
        "shipping container": goods.shipping_container,
        "tire": yard.tire,
        "rock": nature.rock,
        "ladder": yard.ladder,
        "chair": yard.chair,
        "mailbox": street.mailbox,
        "tent": yard.tent,
    }
)
"""Every noun that is an object; sky and the three kinds of ground are made by the layout."""
