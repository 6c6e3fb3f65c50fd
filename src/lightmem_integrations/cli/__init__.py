"""The command ``lightmem``."""

from lightmem_integrations.cli.main import app

__all__ = ["app"]
