"""The command `lightmem`, with a writer that says when it begins and takes two seconds."""

COMMAND = """
import sys, time
from lightmem_integrations.cli import language_model
from lightmem_integrations.cli.main import app
from lightmem_integrations.testing import ScriptedWriter

class Slow(ScriptedWriter):
    def write(self, turns):
        print("writing", flush=True)
        time.sleep(2)
        return super().write(turns)

language_model.language_model = lambda *given: Slow()
app(sys.argv[1:])
"""
