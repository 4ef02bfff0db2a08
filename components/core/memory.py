"""Giving memory back to the system."""

import ctypes
import gc


def give_back() -> None:
    """Drop unreachable objects and return the heap's free pages to the system (where the C library has `malloc_trim`).

    Tensors of many sizes leave glibc's heap in pieces that it keeps. Tuning SmolLM2-135M on 2 cores: the process held 6.8 GB
    after 345 steps that ended without this; after 40 steps it held 3.4 GB before a call and 1.6 GB behind it.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
