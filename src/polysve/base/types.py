"""Kinds of arrays, as the hints of the whole package name them."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
