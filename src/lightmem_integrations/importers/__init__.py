"""Moving in from other products: their exports become turns, with their times and ids."""

from lightmem_integrations.importers.importing import (
    FORMS,
    aimport_conversations,
    import_conversations,
)
from lightmem_integrations.records.report import Imported

__all__ = ["FORMS", "Imported", "aimport_conversations", "import_conversations"]
