"""What a notebook shows of a memory: HTML of a recall, of facts in time, of a user at a glance."""

from lightmem_integrations.errors import InvalidRequestError
from lightmem_integrations.inline.markup import View
from lightmem_integrations.inline.recall import recall_view
from lightmem_integrations.inline.user import facts_view, store_view, user_view
from lightmem_integrations.records.conversation import Recall
from lightmem_integrations.records.knowledge import Facts
from lightmem_integrations.safety import short_repr

__all__ = ["View", "store_view", "user_view", "view_of"]


def view_of(found: object) -> View:
    """The view of what a memory gave.

    Raises:
        InvalidRequestError: There is none of such a thing.
    """
    if isinstance(found, Recall):
        return recall_view(found)
    if isinstance(found, Facts):
        return facts_view(found)
    raise InvalidRequestError(
        f"There is nothing to show of {short_repr(found)}. Pass a question, with user_id; what "
        "recall() or facts() gave; or user_id alone."
    )
