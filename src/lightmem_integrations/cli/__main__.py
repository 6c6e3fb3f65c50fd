"""Runs the command as ``python -m lightmem_integrations.cli``."""

from lightmem_integrations.cli.main import app

if __name__ == "__main__":
    app(prog_name="lightmem")
