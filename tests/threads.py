"""What a worker process does in a test; it must be importable there."""

import numpy as np


def threads(film):
    """Threads of each pool after SciPy's and NumPy's linear algebra have worked."""
    from scipy import linalg
    from threadpoolctl import threadpool_info

    linalg.lstsq(np.eye(300), np.ones(300))
    np.linalg.inv(np.eye(300))
    return [pool["num_threads"] for pool in threadpool_info()]
