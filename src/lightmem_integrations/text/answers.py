"""Answers of a model: what in them is reasoning, and which of them say that nothing is known."""

from __future__ import annotations

import re

from lightmem_integrations.text.sentences import split_sentences

# Between backticks a tag is talked about. `[THINK]` is Mistral's, `<seed:think>` ByteDance's,
# the triangles are Kimi's, and the channels gpt-oss's.
_TAG = re.compile(
    r"(?<!`)(?:<(?P<end>/?)(?i:(?:\w{1,20}:)?(?:ant)?think(?:ing)?|thoughts?|reasoning(?:_content)?|"
    r"reflection|scratchpad|inner_monologue)\s?>|\[(?P<close>/?)THINK\]"
    r"|\u25c1(?P<shut>/?)think\u25b7"
    r"|(?P<final><\|channel\|>final<\|message\|>)|<\|channel\|>\w{1,20}<\|message\|>)(?!`)"
)
_ENDS = ("end", "close", "shut", "final")
_TURN_END = re.compile(r"<\|(?:return|end)\|>$")
_LONGEST = 600  # characters: a guess; whoever knows nothing says no more
_NOT = r"\b(?:(?:do|did|could|can) ?not|(?:do|did|could|ca)n't|unable to|not able to)"
_UNKNOWN = re.compile(
    rf"{_NOT} (?:\w+ ){{0,2}}(?:know|remember|recall)\b(?! how\b| why\b)"
    r"|\b(?:nothing|no|not|\w{1,6}n't)\b[ \w']{0,60}\b(?:memory|memories|records?|information"
    r"|idea|knowledge|details|notes|known|stored|recorded|on file|anything about"
    r"|aware|sure|saved|mention of|personal data|come up|(?:been )?discussed)\b"
    r"|\bmemory (?:does|do)(?:n't| not) (?:hold|have|contain|include)\b"
    r"|\black(?:s|ing)? (?:any |the )?(?:information|details|memory|records?)\b"
    r"|\bnothing in (?:our|the|my|your) [\w' ]{0,30}(?:history|conversations?|chats?)\b"
    r"|\bnot something (?:that )?I know\b"
    r"|(?:\bnot|n't|\bnever) (?:been |yet )?(?:told|tell|mentioned?|shared?|said|say)\b",
    re.IGNORECASE,
)
_KNOWN = re.compile(
    r"\b(?:but|however|though|although|except|you (?:said|told|mentioned))\b|\d", re.IGNORECASE
)
_SORRY_BUT = re.compile(r"\bsorry,? but\b", re.IGNORECASE)
_POLITE = re.compile(
    r"(?:i'?m |i am )?(?:so |very )?"
    r"(?:sorry|unfortunately|apologies|please|let me know|if you|feel free|tell me|just tell me)\b",
    re.IGNORECASE,
)


def without_reasoning(text: str) -> str:
    """An answer without what a reasoning model thought first, between tags such as ``<think>``.

    What was begun and not ended is reasoning to its end; what was ended and not begun, from the
    start, since some prompt templates hold the first tag.
    """
    kept: list[str] = []
    start, thinking = 0, False
    for tag in _TAG.finditer(text):
        if any(map(tag.group, _ENDS)):
            if not thinking:
                kept.clear()
            start, thinking = tag.end(), False
        elif not thinking:
            kept.append(text[start : tag.start()])
            thinking = True
    if not start and not kept:
        return text
    if not thinking:
        kept.append(_TURN_END.sub("", text[start:].rstrip()))
    return "".join(kept).strip()


def admits_ignorance(text: str) -> bool:
    """True for an answer that says only that nothing is known: no memory of anything.

    Kept, it would be found by the next question of its kind, which has the same words.
    """
    if len(text) > _LONGEST:
        return False
    said = split_sentences(" ".join(text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()))
    unknown = [bool(_UNKNOWN.search(sentence)) for sentence in said]
    return any(unknown) and not any(
        _KNOWN.search(_SORRY_BUT.sub("", sentence))
        or not (not_known or sentence.endswith("?") or _POLITE.match(sentence))
        for sentence, not_known in zip(said, unknown, strict=True)
    )
