# SPDX-License-Identifier: MIT
"""All kinds of pictures, in the order in which sets have them."""
import rasters  # noqa: F401: each registers its own
import oddities  # noqa: F401
import others  # noqa: F401
from pictures import KINDS  # noqa: F401
