"""How many cases the longest tests try: a tenth of all, unless the environment asks for each."""

import os

THOROUGH = os.environ.get("LIGHTMEM_THOROUGH") == "1"


def cases(most: int) -> int:
    """So many of at most these."""
    return most if THOROUGH else most // 10
