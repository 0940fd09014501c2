"""What another library hands over by DLPack: host memory that says it lies wherever it is told."""

from __future__ import annotations

import ctypes

import numpy as np

ON_GPU, PINNED, ON_OTHER = 2, 3, 8
_UNSIGNED, _FLOAT = 1, 2


class _Device(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int32), ("number", ctypes.c_int32)]


class _Type(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device", _Device),
        ("ndim", ctypes.c_int32),
        ("dtype", _Type),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class DLPackFrame:
    """`array` as a tensor on device `number` of DLPack's `kind`; `streams` are those it was told.

    `without_strides` is how older libraries say that there are no gaps.
    """

    def __init__(
        self, array: np.ndarray, kind: int = ON_GPU, number: int = 0, without_strides: bool = False
    ) -> None:
        """Describe `array`, which stays where it is."""
        self.array, self.device = array, (kind, number)
        self.streams: list[object] = []
        self._shape = (ctypes.c_int64 * array.ndim)(*array.shape)
        counts = [stride // array.itemsize for stride in array.strides]
        self._strides = None if without_strides else (ctypes.c_int64 * array.ndim)(*counts)
        code = _FLOAT if array.dtype.kind == "f" else _UNSIGNED
        tensor = _Tensor(
            array.ctypes.data,
            _Device(kind, number),
            array.ndim,
            _Type(code, array.itemsize * 8, 1),
            self._shape,
            self._strides,
            0,
        )
        self._managed = _Managed(tensor, None, None)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return where it says it lies."""
        return self.device

    def __dlpack__(self, *, stream: object = None, **_: object) -> object:
        """Return a capsule."""
        self.streams.append(stream)
        make = ctypes.pythonapi.PyCapsule_New
        make.restype = ctypes.py_object
        make.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
        return make(ctypes.addressof(self._managed), b"dltensor", None)
