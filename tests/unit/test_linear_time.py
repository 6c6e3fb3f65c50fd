"""No text takes more time than its length: one message must not stop a process.

``re`` holds the interpreter while it works, so a rule that takes quadratic time stops all threads.
"""

import datetime as dt

from lightmem_integrations.consolidation.write import clauses
from lightmem_integrations.consolidation.write.correction import correction_of
from lightmem_integrations.consolidation.write.extractive import ExtractiveWriter
from lightmem_integrations.consolidation.write.fact_rules import facts
from lightmem_integrations.consolidation.write.summary import proper_names
from lightmem_integrations.display import literal
from lightmem_integrations.knowledge.drafts import WriterTurn
from lightmem_integrations.models.json_answer import json_object
from lightmem_integrations.recall.plan.question import named_speakers
from lightmem_integrations.recall.select.answer_type import answer_types
from lightmem_integrations.text.names import name_key
from lightmem_integrations.text.sentences import sentences, split_sentences, without_quotations
from lightmem_integrations.text.temporal import mentions, time_window
from lightmem_integrations.text.terms import terms

NOW = dt.datetime(2025, 6, 11, 13, tzinfo=dt.timezone.utc)
LENGTH = 100_000
# Less than this is never too long, whatever the machine does.
FLOOR = 0.25

# What hostile texts are made of: a beginning, and a piece that is repeated behind it.
PIECES = [
    *"a \nA9.,<>[](){}\"'`*_-:;!?@/&#\\\t\u2019\u201c\u2026\u3042\u0301",
    *("a ", "A ", "a.", "A.", "a,", "aB", "Aa ", "I ", "9 ", "9.", "< ", "</", "[ ", "]]", "{}"),
    *('"a', "> ", "\n\n", "\n>", "``", "- ", ", ", " ,", "? ", "'s ", "\u00ab ", "&lt;"),
    *("my ", "in my ", "not ", "no, ", "I am ", "I meant ", "my cat ", "last ", "5 May ", "for 5 "),
    *("last Friday ", "2024-05-05 ", "moved from ", "hey ", "Anna Bo ", "e.g. ", "Dr. ", "a year "),
]
BEGINNINGS = [
    "",
    "my favourite ",
    "I am ",
    "I moved from ",
    "The table: <",
    "In my ",
    '"',
    "sorry, ",
]


def said(text):
    return WriterTurn(0, "user", "Ann", text, NOW, 0, 0)


FUNCTIONS = {
    "answer_types": answer_types,
    "correction_of": lambda text: correction_of(said(text)),
    "facts": lambda text: list(facts(said(text), 0)),
    "is_own_word": clauses.is_own_word,
    "is_supposed": clauses.is_supposed,
    "json_object": json_object,
    "literal": literal,
    "mentions": lambda text: mentions(text, NOW),
    "name_key": name_key,
    "named_speakers": lambda text: named_speakers(text, ["Ann", "Bo Li"]),
    "proper_names": lambda text: proper_names([said(text)]),
    "sentences": sentences,
    "split_sentences": split_sentences,
    "statements": lambda text: list(clauses.statements(text)),
    "terms": terms,
    "time_window": lambda text: time_window(text, NOW),
    "without_quotations": without_quotations,
    "write": lambda text: ExtractiveWriter().write([said(text)]),
}
