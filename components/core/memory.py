"""Giving memory back to the system."""

import ctypes
import gc


def give_back() -> None:
    """Drop unreachable objects and return the heap's free pages to the system (where the C library has `malloc_trim`).

    Tensors of many sizes leave glibc's heap in pieces that it keeps: after a whole tuning the process held 6.8 GB and needed
    less than 2.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
