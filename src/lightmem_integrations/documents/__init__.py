"""Documents by namespace: the engine of the LangGraph store."""
