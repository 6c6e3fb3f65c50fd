"""Steps of a pipeline in worker processes: what needs the store is done where the store is open."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from multiprocessing import current_process
from multiprocessing.managers import BaseManager
from typing import Any

from llama_index.core.schema import BaseNode, TransformComponent
from pydantic import PrivateAttr


class RemoteStep(TransformComponent):
    """A step that the process which made the pipeline takes for its workers.

    Args:
        address: Where that process serves it.
    """

    _address: Any = PrivateAttr()

    def __init__(self, *, address: Any) -> None:
        super().__init__()
        self._address = address

    def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> Sequence[BaseNode]:
        """Have the step taken with these nodes; they come back as they are."""

        class Steps(BaseManager):
            take: Any

        Steps.register("take")
        served = Steps(self._address, authkey=current_process().authkey)
        served.connect()
        served.take(list(nodes))
        return nodes


def address_of(step: TransformComponent) -> Any:
    """Address at which this process serves a step to its workers, from now on until it ends."""

    class Steps(BaseManager):
        pass

    Steps.register("take", callable=step)
    server = Steps(authkey=current_process().authkey).get_server()
    threading.Thread(target=server.serve_forever, name="lightmem-steps", daemon=True).start()
    return server.address


def in_worker(address: Any) -> RemoteStep:
    """The step as a worker process has it."""
    return RemoteStep(address=address)
