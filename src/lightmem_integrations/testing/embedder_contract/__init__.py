"""Contract suite for embedders: whatever ``LightMem(embedder=...)`` takes, as tests to inherit.

Give a class a fixture ``embedder``, and pytest finds the tests::

    import pytest
    from lightmem_integrations.testing import HashEmbedder
    from lightmem_integrations.testing.embedder_contract import EmbedderContract

    class TestMyEmbedder(EmbedderContract):
        @pytest.fixture
        def embedder(self):
            return HashEmbedder()

Needs pytest: extra ``contract``.
"""

from __future__ import annotations

from lightmem_integrations.testing.needed import need

need("EmbedderContract", "pytest")

import pytest  # noqa: E402

# Before it is imported, or a failed assertion would not show its values.
pytest.register_assert_rewrite(f"{__name__}.suite")

from lightmem_integrations.testing.embedder_contract.suite import (  # noqa: E402
    SENTENCES,
    EmbedderContract,
)

__all__ = ["SENTENCES", "EmbedderContract"]
