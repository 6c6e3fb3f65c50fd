"""Patterns of English in which people state facts about themselves, by attribute.

A pattern is matched from the start of a predicate: "moved to Lisbon", "am allergic to nuts".
Precision comes before recall: what is not clearly one of these is no fact. Read on 6,604 turns of
three data sets, rules that fired seldom or on other things (goals, plans, hobbies, events without
a date, people known by name only) were dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["state", "event", "dated", "taste", "past"]
"""``state`` holds from then on, ``event`` happened then, ``past`` is over.

``dated`` is an event that is worth a fact only with its date.
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to state an attribute; ``single`` where it has one value at a time."""

    attribute: str
    kind: Kind
    single: bool
    expression: re.Pattern[str]


# Without those that people call themselves in passing: "a terrible singer", "a careful driver".
_PROFESSION = (
    r"(?:teacher|nurse|doctor|physician|engineer|developer|programmer|designer|lawyer|attorney|"
    r"accountant|author|journalist|photographer|chef|baker|barista|waiter|waitress|scientist|"
    r"researcher|professor|lecturer|student|dentist|pharmacist|therapist|counsell?or|psychologist|"
    r"musician|farmer|plumber|electrician|carpenter|mechanic|pilot|librarian|manager|consultant|"
    r"analyst|architect|firefighter|paramedic|veterinarian|vet|translator|editor|cashier|banker|"
    r"broker|entrepreneur|freelancer|secretary|receptionist|salesperson|tutor|social worker)"
)
_NO_JOB = (
    r"(?:future|former|ex|retired|aspiring|wannabe|would-be|failed|good|bad|great|terrible|real|"
    r"big|better|lousy|poor|natural|born|fan|friend|patient|customer|kind|child|son|daughter)"
)
_ANIMAL = (
    r"(?:dog|puppy|puppies|pup|cat|kitten|kitty|rabbit|bunny|hamster|guinea pig|parrot|bird|fish|"
    r"turtle|tortoise|snake|lizard|gecko|horse|pony|ferret|chicken|goat)s?"
)
_KIN = (
    r"(?:kids?|child|children|sons?|daughters?|sisters?|brothers?|siblings?|twins|grandchild|"
    r"grandchildren|grandsons?|granddaughters?|baby|stepson|stepdaughter|nieces?|nephews?)"
)
_COUNT = r"(?:an?|one|two|three|four|five|six|seven|\d{1,2})"
_SOME = r"(?:[\w-]{1,20} ){0,2}"
_V = r"(?P<value>.+)"
_NAME = rf"(?=(?-i:[A-Z])){_V}"
_PLACE = rf"(?!fear|hope|denial|peace|pain|your|(?:the|this) (?:moment|past|present|now)\b){_V}"
# The thing itself: "a dog named Rex", but not "a dog allergy".
_ITSELF = r"\b(?=$|[.,!]| (?:and|who|which|that|called|named|aged|from|in|with|at|now)\b).*"
_THING = (
    r"(?:car|bike|bicycle|motorcycle|motorbike|boat|van|truck|camper|house|apartment|flat|cabin|"
    r"condo|guitar|piano|violin|keyboard|camera|telescope|laptop|computer|console|3d printer)"
)
_INSTRUMENT = (
    r"(?:guitar|piano|violin|cello|drums|clarinet|flute|saxophone|sax|trumpet|ukulele|bass|harp|"
    r"football|soccer|tennis|basketball|baseball|volleyball|chess|golf|hockey|badminton|cricket)"
)
_CONDITION = (
    r"(?:asthma|diabetes|adhd|autism|dyslexia|depression|anxiety|arthritis|migraines|epilepsy|"
    r"c(?:o)?eliac disease|high blood pressure|hay fever|insomnia|cancer)"
)
_HAPPENED = (
    r"signed up|took part|took|ran|lost|quit|sold|broke|saw|began|got|went|had|gave|spoke|met|won|"
    r"wrote|made|found|built|drew|swam|taught|passed away|set up|read|hurt|"
    r"(?!(?:need|want|lov|lik|enjoy|us|believ|realiz|seem|agre|hop|car|remember|appreciat|thank|"
    r"miss|promis|guess|mention|talk|notic|plann|decid|learn)ed\b)[a-z]{2,20}ed"
)


# fmt: off
_STATED: tuple[tuple[str, Kind, str], ...] = (
    ("home", "past", rf"lived (?:in|near) {_PLACE}"),
    ("home!", "state",
     rf"(?:have lived|(?:am |are |is |have been )?liv(?:e|ing)) (?:in|near) {_PLACE}"),
    ("home!", "state",
     r"(?:have )?(?:moved|relocated) (?:back )?(?:from [^,]{1,40}? )?to (?=(?-i:[A-Z])|my |our |"
     rf"(?:an?|the) {_SOME}(?:city|town|village|country|suburbs|coast|house|flat|apartment|farm)\b)"
     rf"{_V}"),
    ("origin!", "state", rf"(?:(?:am|are|is) (?:originally )?from|was born in|grew up in) {_NAME}"),
    ("age!", "state",
     r"(?:am|is|(?:have )?turned) (?P<value>\d{1,3})(?= years? old\b|$|[.,!](?:\s|$)| and )"),
    ("job", "past", rf"worked (?:at|for|as an?) {_V}"),
    ("job!", "state",
     r"(?:am |are |is |have been )?work(?:ing)? (?:at|for|as(?= an? )) "
     rf"(?!it\b|home\b|night|least\b|a living\b|myself\b){_V}"),
    ("job!", "state",
     rf"(?:am|is|became|have become) (?P<value>an? (?!{_NO_JOB}\b){_SOME}{_PROFESSION}\b(?!')"
     r"(?=$|[.,!]| (?:and|at|for|in|with|of|by|who|now)\b).*)"),
    ("job!", "state", r"(?P<value>(?:have )?(?:lost|quit|left) (?:my|their) job\b.*)"),
    ("career", "event", r"(?P<value>(?:got|was|have been) (?:promoted|hired|fired|laid off)\b.*)"),
    ("education", "state", rf"(?:am |is )?(?:study|major(?:ing)? in) (?!for\b|hard\b){_V}"),
    ("education", "event", r"(?P<value>(?:have )?graduated\b.*)"),
    ("name!", "state", rf"(?:am|is) (?:called|named) {_NAME}"),
    ("taste", "taste",
     r"(?P<verb>love|like|enjoy|adore|hate|dislike|prefer|loathe|cannot stand|(?:am|is) (?:into|"
     r"passionate about|obsessed with|fond of|(?:an? )?(?:(?:big|huge|great) )?fan of)) "
     rf"(?!(?:not|to)\b){_V}"),
    ("pet", "state",
     rf"(?:have |own |got |adopted |rescued |have (?:got|adopted) )(?P<value>(?:{_COUNT}|my|"
     rf"another|some) {_SOME}{_ANIMAL}{_ITSELF})"),
    ("family", "state", rf"have (?P<value>{_COUNT} {_SOME}{_KIN}{_ITSELF})"),
    ("relationship!", "state",
     r"(?:am|is|are|got|have been) (?P<value>(?:(?:happily )?married|engaged(?= to|$|[.,!])|"
     r"divorced|widowed|in a relationship|single(?=$|[.!,]))\b.*)"),
    ("relationship!", "state", r"(?P<value>(?:broke|split) up\b.*)"),
    ("allergy", "state", rf"(?:am|is|have been) (?:\w+ly )?allergic to {_V}"),
    ("health", "state",
     r"(?:am|is) (?P<value>(?:(?:lactose|gluten) intolerant|diabetic|asthmatic|pregnant)\b)"),
    ("health", "state", rf"have (?P<value>{_CONDITION}{_ITSELF})"),
    ("health", "event", rf"(?:was|am|is|have been|got) diagnosed with {_V}"),
    ("diet!", "state",
     r"(?:am|is|went|became|have been) (?:an? )?"
     r"(?P<value>(?:vegan|vegetarian|pescatarian|gluten-free)\b)"),
    ("belongings", "state", rf"have (?:got )?(?P<value>an? {_SOME}{_THING}{_ITSELF})"),
    ("belongings", "state", rf"own (?!up\b|it\b|my\b){_V}"),
    ("purchase", "event", rf"(?:have )?(?:bought|purchased|ordered) {_V}"),
    ("visit", "dated",
     rf"(?:have )?(?:visited|travell?ed to|flew to|drove to|toured|been to|went to) {_V}"),
    ("hobby", "state", rf"play (?P<value>(?:the )?{_INSTRUMENT}{_ITSELF})"),
    ("languages", "state", r"speak (?P<value>(?:fluent |some |a little )?(?-i:[A-Z]).+)"),
    ("event", "dated", rf"(?:have )?(?P<value>(?:{_HAPPENED})\b(?! that\b).+)"),
)
# A denial of what was not known is no fact, so that these may be wide.
_ENDED: tuple[tuple[tuple[str, ...], str], ...] = (
    (("belongings", "pet", "purchase"),
     r"(?:sold|lost|crashed|wrecked|totall?ed|scrapped|donated|rehomed|got rid of|gave away|"
     rf"gave up) (?:my|our|the) (?:(?:old|beloved|dear) )?{_V}"),
    (("pet", "belongings"), r"gave (?:(?:my|our|the) )?(?P<value>.{1,40}?) away\b"),
    (("home",), rf"moved (?:away from|out of|from) {_V}"),
    (("job", "education"),
     r"(?:left|quit|dropped out of|(?:resigned|retired|(?:got|was) (?:fired|laid off)) from) "
     rf"(?!my job\b){_V}"),
    (("hobby", "education"), rf"(?:stopped|quit|gave up) (?:(?:playing|studying) )?(?!my\b){_V}"),
    (("diet",), rf"(?:stopped|quit|gave up) being (?:an? )?{_V}"),
    (("allergy",), r"(?:outgrew|outgrown|got over) my (?P<value>.{1,40}) allerg\w+"),
)
# fmt: on

PATTERNS = tuple(
    Pattern(name.rstrip("!"), kind, name.endswith("!"), re.compile(expression, re.IGNORECASE))
    for name, kind, expression in _STATED
)
ENDS = tuple(
    (names, re.compile(f"(?:have )?{expression}", re.IGNORECASE)) for names, expression in _ENDED
)
"""Verbs that end what was so, by the attributes that it may be filed under."""

DIED = re.compile(
    rf"^(?:(?:[Mm]y|[Oo]ur) (?:[\w-]+ )?(?P<value>{_ANIMAL})(?: [A-Z]\w+)?|(?P<name>[A-Z]\w+)) "
    r"(?:has )?(?:just )?"
    r"(?:died|passed away|ran away|was put down)\b"
)
"""The end of a pet."""

PARTED = re.compile(r"\b(?:broke up|split up|divorced|dumped|lost|buried)\b")
"""Whoever is named in such a sentence is so no longer: "broke up with my friend Tom"."""

PLACEHOLDER = re.compile(r"[<>{}]|\$[A-Za-z]|__|\bXXX", re.IGNORECASE)
"""A value that is to be filled in: "<name>", "$CITY", "{{name}}", "XXX"."""

PRESENT = frozenset(
    """live move work study major love like enjoy adore hate dislike prefer loathe own play speak
    plan want have need eat drink run teach attend practice practise""".split()  # noqa: SIM905
)
RELATIONS = (
    r"(?:husband|wife|girlfriend|boyfriend|partner|fianc[eé]e?|mom|mum|mother|dad|father|sister|"
    r"brother|"
    r"son|daughter|grandma|grandmother|grandpa|grandfather|aunt|uncle|cousin|niece|nephew|roommate|"
    r"best friend|boss|neighbou?r|dog|puppy|cat|kitten|kids|parents)"
)
POSSESSED = re.compile(
    rf"^(?:(?:[Mm]y|[Oo]ur) (?:(?P<relation>{RELATIONS})(?:'s name is| is (?:named|called))|"
    r"(?P<what>name|birthday|favou?rite (?!(?:part|thing|bit|one|moment|way)\b)"
    r"[\w-]{1,30}(?: [\w-]{1,30})?)(?: is| are|'s))|I was (?P<born>born) on) "
    r"(?P<not>(?:not|no longer) )?(?:on )?(?P<value>.+)"
)
"""What is a person's: "my favourite food is ramen", "my son is called Max"."""
RELATED = re.compile(
    rf"\b[Mm]y (?:(?:older|younger|little|big|elder|twin|new|dear|"
    rf"lovely) )?(?P<relation>{RELATIONS}),? "
    r"(?P<name>[A-Z][a-z]{1,30})\b(?! [A-Z])"
)
"""A person named with their relation: "my sister Lena"."""
