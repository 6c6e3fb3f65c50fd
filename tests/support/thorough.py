"""How many cases the longest tests try: a twentieth, unless the environment asks for all."""

import os

THOROUGH = os.environ.get("LIGHTMEM_THOROUGH") == "1"


def cases(most: int) -> int:
    """So many of at most these."""
    return most if THOROUGH else most // 20
