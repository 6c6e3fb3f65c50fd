"""De-identification: the part of a fact that may be shared, with nothing of one person in it.

What is shared is never anybody's sentence. It is put together from words that every one of its
users said: what is liked or done, without who; or what is said of a thing that bears no name.
Everything else is refused, and so is what the rules cannot tell: precision comes before recall.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence, Set

from lightmem_integrations.records.conversation import NAMELESS
from lightmem_integrations.storage.facts import StoredFact
from lightmem_integrations.storage.shared import Candidate
from lightmem_integrations.text.calendar_names import CALENDAR
from lightmem_integrations.text.names import name_key

# Of a person only this: what many have in common, and what does them no harm.
_COMMON = re.compile(
    r"tastes?|likes?|loves?|enjoys?|prefers?|dislikes?|hates?|preferences?|hobby|"
    r"hobbies|interests?|fav(?:ou)?rite (?:foods?|drinks?|dish|dishes|colou?rs?|seasons?|sports?|"
    r"animals?|games?|music|genres?|fruits?|desserts?|snacks?|flavou?rs?|tools?|hobby|activity)"
)
_VERBS = re.compile(r"likes?|loves?|enjoys?|prefers?|dislikes?|hates?")
_ARTICLE = re.compile(r"(?:the|an?) ", re.IGNORECASE)
_OWNED = re.compile(r"\b(?:my|our|your|his|her|their|its|i|we|you|he|she|they|me|us|him|them)\b")
# No full stop, digit, sign or line: no contact, number, address or markup can be written in these.
_PLAIN = re.compile(r"[^\W\d_]+(?:[ '\u2019-][^\W\d_]+)*")
_LETTERS = re.compile(r"[^\W\d_]+")
_TELLING = re.compile(r"[\d@]|://|\w\.\w")
_RELATIONS = (
    r"(?:husband|wife|girlfriend|boyfriend|partner|fianc[eé]e?|mom|mum|mother|dad|father|sister|"
    r"brother|"
    r"son|daughter|grandma|grandmother|grandpa|grandfather|aunt|uncle|cousin|niece|nephew|roommate|"
    r"best friend|boss|neighbou?r|dog|puppy|cat|kitten|kids|parents)"
)
_IDENTIFYING = re.compile(
    rf"\b(?:{_RELATIONS}|{CALENDAR.pattern}|spouse|child(?:ren)?|baby|boyfriends?|girlfriends?|"
    r"https?|www|names?|named|called|nicknames?|surnames?|address|streets?|avenue|road|lane|boulevard|square|"
    r"village|postcode|zip|phones?|telephone|mobile|e-?mails?|mail|accounts?|iban|cards?|pins?|"
    r"passwords?|passphrases?|secrets?|keys?|tokens?|codes?|logins?|user ?names?|handles?|"
    r"passports?|licen[cs]es?|ssn|ids?|identity|insurance|salary|salaries|wages?|income|debts?|"
    r"born|birth(?:day|date)?s?|aged?|ages|years? old|diagnos\w*|cancer|hiv|aids|pregnan\w*|"
    r"disab\w+|depress\w+|medic\w+|therapy|illness\w*|disease\w*|gay|lesbian|bisexual|trans\w*|"
    r"church|mosque|synagogue|religio\w*|union|party|voted?|votes|arrest\w*|prison|police|"
    r"zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|dozen|first|second|third|"
    r"\w+(?:ie)?th of|today|tomorrow|yesterday|tonight)\b",
    re.IGNORECASE,
)
# Health and drugs: nobody's business, and no advice to give to others. Names of medicines are told
# by the stems that the WHO gives to groups of them ("The use of stems in the selection of
# International Nonproprietary Names", 2018), and a guess at what people take most.
_HEALTH = re.compile(
    r"\b(?:allerg\w*|asthma\w*|diabet\w*|symptoms?|syndromes?|disorders?|surger\w+|hospitals?|"
    r"clinics?|doctors?|nurses?|pains?|migraines?|headaches?|health\w*|treatments?|cures?|vaccin\w*|blood|"
    r"mental|anxi\w+|panic|adhd|autis\w*|bipolar|suicid\w*|addict\w*|rehab|sober|abort\w*|"
    r"miscarr\w*|ivf|contracepti\w*|sex\w*|porn\w*|drugs?|doses?|dosages?|dosing|pills?|tablets?|"
    r"inject\w*|inhal\w+|antidepress\w*|antibiotic\w*|painkillers?|sedat\w+|steroids?|hormones?|"
    r"opi(?:um|ates?|oids?)|heroin|cocaine|crack|cannabis|marijuana|hash(?:ish)?|weed|joints?|meth|"
    r"amphetamines?|speed|ecstasy|mdma|lsd|acid|mushrooms?|shrooms|ketamine|steroids|nicotine|"
    r"cbd|thc|kratom|fentanyl|morphine|methadone|aspirin|ibuprofen|paracetamol|acetaminophen|"
    r"tylenol|advil|insulin|prozac|xanax|valium|zoloft|lithium|viagra|ozempic|wegovy|adderall|"
    r"ritalin|lyrica|botox|melatonin|testosterone|"
    r"[a-z]{2,12}(?:cillin|mycin|micin|floxacin|cycline|prazole|tidine|vastatin|olol|april|opril|"
    r"sartan|azepam|azolam|oxetine|triptan|codone|morph(?:ine|one)|caine|profen|gliptin|"
    r"gliflozin|glutide|formin|setron|barbital|phylline|dronate|thyroxine|conazole|thiazide|"
    r"semide|dipine|piprazole|apine|idone|zumab|ximab|tinib|fibrate|parin|xaban|vir|artane|"
    r"solone|sonide|pregabalin|gabapentin|tramadol|fenac|oxicam|lukast|terol|tropium))\b",
    re.IGNORECASE,
)
# What reads like an order, to a model or to whoever is told: it is not shared, whoever said it.
_ORDER = re.compile(
    r"\b(?:ignor\w+|disregard\w*|forget\w*|obey\w*|overrid\w+|bypass\w*|pretend\w*|reveal\w*|"
    r"disclos\w+|expos\w+|leak\w*|execut\w+|run|runs|send\w*|transfer\w*|pay|pays|paying|buy|buys|"
    r"click\w*|visit|visits|call|calls|reply\w*|respond\w*|answer\w*|say|says|tell|tells|writ(?:e|es|ing)|print\w*|"
    r"output\w*|delet\w+|eras\w+|remov\w+|install\w*|download\w*|upload\w*|recommend\w*|suggest\w*|"
    r"follow\w*|act|acts|acting|behav\w+|translat\w+|summari[sz]\w+|repeat\w*|insert\w*|"
    r"approv\w+|confirm\w*|allow\w*|grant\w*|enabl\w+|disabl\w+|system|prompts?|instruct\w*|commands?|orders?|"
    r"rules?|polic(?:y|ies)|guidelines?|assistants?|agents?|models?|ai|bots?|chatbots?|gpt|llm|"
    r"users?|admins?|administrators?|developers?|memory|memories|context|always|never|must|"
    r"shall|should|ought|please|do not|don't|dont|stop|instead)\b",
    re.IGNORECASE,
)
_UNSHARED = (_IDENTIFYING, _HEALTH, _ORDER, _OWNED)
# Guesses: a taste is named in few words; what takes more tells a story or gives an order.
_LONGEST, _MOST_WORDS, _LONGEST_WORD = 80, 6, 25

PersonalData = Callable[[str], bool]
"""Tells whether a text holds data of a person, as far as a detector can."""


def candidate(
    fact: StoredFact,
    sentences: Sequence[str],
    people: Collection[str],
    names: Set[str],
    detects: PersonalData,
) -> Candidate | None:
    """A fact as it would be shared; ``None`` if it is of no kind that ever is.

    Args:
        fact: A user's fact.
        sentences: Every sentence that was made of it.
        people: Who speaks in this user's memory, without case.
        names: Single words of all names in this user's memory, without case.
        detects: Finds data of a person in a text.
    """
    text = _general(fact, people)
    if text is None:
        return None
    # The rules come first: of what they let through, Presidio never asks the network (it does
    # where it meets an e-mail address).
    personal = _is_personal(text, fact, sentences, names) or detects(text) or detects(fact.value)
    return Candidate(fact.row, text, personal)


def _general(fact: StoredFact, people: Collection[str]) -> str | None:
    """A fact's words without whom they are about."""
    subject, attribute, value = map(_plain, (fact.subject, fact.attribute, fact.value))
    if not value:
        return None
    bare = _ARTICLE.sub("", fact.subject.strip(), count=1)
    if name_key(subject) in people or subject in NAMELESS or bare != bare.lower():
        if not _COMMON.fullmatch(attribute):
            return None
        return f"{attribute} {value}" if _VERBS.fullmatch(attribute) else f"{attribute}: {value}"
    return f"{subject}, {attribute}: {value}"


def _is_personal(text: str, fact: StoredFact, sentences: Sequence[str], names: Set[str]) -> bool:
    words = text.replace(",", "").replace(":", "")
    if len(text) > _LONGEST or len(words.split()) > _MOST_WORDS or not _PLAIN.fullmatch(words):
        return True
    found = _LETTERS.findall(words)
    # Scripts without capitals do not show what is a name.
    if any(len(each) > _LONGEST_WORD or each.upper() == each for each in found):
        return True
    if any(rule.search(words) for rule in _UNSHARED) or not names.isdisjoint(found):
        return True
    written = f"{fact.attribute} {fact.value}"
    if written != written.lower() or _TELLING.search(written):
        return True
    return any(_named_in(sentence, frozenset(found)) for sentence in sentences)


def _named_in(sentence: str, words: frozenset[str]) -> bool:
    """True if one of these words is written like a name within a sentence."""
    capital = {each.casefold() for each in _LETTERS.findall(sentence) if each != each.lower()}
    return not capital.isdisjoint(words)


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).casefold().strip(" .!")
