"""The memory of this process, and the server's store on the same database."""

import os

from lightmem_integrations import LightMem
from lightmem_integrations.langchain import LightMemStore

memory = LightMem(os.environ["DATABASE_URL"])
store = LightMemStore(memory)
