"""Names of parametrised tests, the same in every process: pytest-xdist compares them."""

import re


def shown(value):
    """Return what an object looks like, without the address of functions in it."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
