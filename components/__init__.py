"""Plain Python that does the work; knows nothing of Prefect.

Whatever process of the product comes here, it comes before torch: libgomp reads how long its threads may spin when it is
loaded. A thread that has finished its share of a product spins for the others, by default for milliseconds; beside another
busy process it then holds the core that the thread it waits for needs (bench/neighbours.py).
"""

import os

SPINS = {"GOMP_SPINCOUNT": "3000", "KMP_BLOCKTIME": "0"}
"""libgomp's rounds of a spinning thread, 300,000 by itself. The same work alone, beside one and beside two busy processes,
in seconds (best of two on a shared machine): by itself 1.1, 3.3, 4.2; with 10,000 rounds 1.3, 2.5, 2.6; with 3,000 1.5, 2.4,
1.9; without spinning 1.7, 2.2, 1.9. Intel's OpenMP counts milliseconds."""

if "OMP_WAIT_POLICY" not in os.environ:
    for name, value in SPINS.items():
        os.environ.setdefault(name, value)
