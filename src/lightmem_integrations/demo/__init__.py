"""The demo conversation: two invented users with similar names, and questions about what they said.

``conversation.json`` holds the text. The demo, the tests and the notebooks use it.
"""
