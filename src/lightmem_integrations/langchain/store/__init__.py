"""LangGraph's ``BaseStore`` on the documents of a LightMem folder.

* ``store``: `LightMemStore` itself
* ``operations``: LangGraph's operations and results to and from what ``documents`` knows
* ``spans``: spans of what is done
* ``filters``: LangGraph's filters of values
* ``index_config``: LangGraph's ``index`` option
"""
