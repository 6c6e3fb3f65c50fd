"""Patterns of English in which people state facts about themselves, by attribute.

A pattern is matched from the start of a predicate: "moved to Lisbon", "am allergic to nuts".
Precision comes before recall: what is not clearly one of these is no fact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["state", "event", "plan", "taste", "past"]
"""``state`` holds from then on, ``event`` happened then, ``plan`` is to come, ``past`` is over."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to state an attribute."""

    attribute: str
    kind: Kind
    single: bool
    expression: re.Pattern[str]


_PROFESSION = (
    r"(?:teacher|nurse|doctor|physician|engineer|developer|programmer|designer|lawyer|attorney|"
    r"accountant|artist|writer|author|journalist|photographer|chef|baker|barista|waiter|waitress|"
    r"scientist|researcher|professor|lecturer|student|dentist|pharmacist|therapist|counsell?or|"
    r"psychologist|musician|singer|actor|actress|dancer|farmer|plumber|electrician|carpenter|"
    r"mechanic|driver|pilot|librarian|manager|consultant|analyst|architect|electrical engineer|"
    r"firefighter|paramedic|veterinarian|vet|coach|trainer|translator|editor|cashier|banker|"
    r"broker|entrepreneur|freelancer|secretary|receptionist|salesperson|tutor|social worker)"
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
_V = r"(?P<value>.+)"
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
    r"signed up|joined|attended|finished|completed|won|participated|took part|met|applied|"
    r"painted|wrote|published|launched|opened|organi[sz]ed|hosted|volunteered|passed|performed|"
    r"competed|planted|submitted|released|recorded|donated|celebrated|enrolled|baked|knitted|"
    r"sewed|carved|taught|ran (?:a|an|my|the|in|for)|raised|lost|quit|sold|broke|saw|watched|read|"
    r"started|began|tried|learned|built|created|designed|made|cooked|took|got|went|had|found|"
    r"discovered|decided|contacted|interviewed|entered|hiked|climbed|swam|camped|drew|set up|"
    r"explored|developed|gave|spoke|retired|moved from|mentored|adopted|rescued|received|earned"
)


def _pattern(attribute: str, kind: Kind, expression: str, *, single: bool = False) -> Pattern:
    return Pattern(attribute, kind, single, re.compile(expression, re.IGNORECASE))


PATTERNS: tuple[Pattern, ...] = (
    _pattern("home", "past", rf"lived (?:in|near) {_V}"),
    _pattern("home", "state", rf"have lived (?:in|near) {_V}", single=True),
    _pattern(
        "home", "state", rf"(?:am |are |is |have been )?liv(?:e|ing) (?:in|near) {_V}", single=True
    ),
    _pattern(
        "home",
        "state",
        rf"(?:have )?(?:moved|relocated) (?:back )?(?:from .+? )?(?:in)?to (?=(?-i:[A-Z])|a |an |"
        rf"the |my |our ){_V}",
        single=True,
    ),
    _pattern(
        "origin", "state", rf"(?:am|are|is) (?:originally )?from (?=(?-i:[A-Z])){_V}", single=True
    ),
    _pattern("origin", "state", rf"(?:was born|grew up) in {_V}", single=True),
    _pattern("birthday", "state", rf"was born on {_V}", single=True),
    _pattern("age", "state", r"(?:am|is) (?P<value>\d{1,3})(?: years old)?\b(?! \w)", single=True),
    _pattern("age", "state", r"(?:have )?turned (?P<value>\d{1,3})\b", single=True),
    _pattern("job", "past", rf"worked (?:as|at|for) {_V}"),
    _pattern(
        "job",
        "state",
        rf"(?:am |are |is |have been )?work(?:ing)? (?:as|at|for) (?!it\b){_V}",
        single=True,
    ),
    _pattern(
        "job",
        "state",
        rf"(?:am|is|became|have become) (?P<value>an? (?:[\w-]+ ){{0,2}}{_PROFESSION}\b.*)",
        single=True,
    ),
    _pattern(
        "job",
        "state",
        r"(?:have )?(?:got|landed|started|accepted|found) (?P<value>(?:an?|my|the|this) "
        r"(?:\w+ ){0,2}(?:job|position|internship)\b.*)",
        single=True,
    ),
    _pattern(
        "job", "state", r"(?P<value>(?:have )?(?:lost|quit|left) (?:my|their) job\b.*)", single=True
    ),
    _pattern(
        "career", "event", r"(?P<value>(?:got|was|have been) (?:promoted|hired|fired|laid off)\b.*)"
    ),
    _pattern(
        "education", "state", rf"(?:am |is |have been )?(?:study(?:ing)?|major(?:ing)? in) {_V}"
    ),
    _pattern("education", "event", r"(?P<value>(?:have )?graduated\b.*)"),
    _pattern("name", "state", rf"(?:am|is) (?:called|named) (?=(?-i:[A-Z])){_V}", single=True),
    _pattern(
        "taste",
        "taste",
        r"(?P<verb>love|like|enjoy|adore|hate|dislike|prefer|loathe|cannot stand) "
        rf"(?!to (?:think|see|hear|say|know|help|just)\b){_V}",
    ),
    _pattern(
        "taste",
        "taste",
        rf"(?P<verb>am|is) (?:an? )?(?:(?:big|huge|total|great|real) )?fan of {_V}",
    ),
    _pattern(
        "taste", "taste", rf"(?P<verb>am|is) (?:into|passionate about|obsessed with|fond of) {_V}"
    ),
    _pattern(
        "pet",
        "state",
        rf"(?:have |own |got |adopted |rescued |have (?:got|adopted) )(?P<value>(?:{_COUNT}|my|"
        rf"another|some) (?:[\w-]+ ){{0,2}}{_ANIMAL}\b(?! toy| stuffed| plush).*)",
    ),
    _pattern("family", "state", rf"have (?P<value>{_COUNT} (?:[\w-]+ ){{0,2}}{_KIN}\b.*)"),
    _pattern(
        "relationship",
        "state",
        r"(?:am|is|are|got|have been) (?P<value>(?:happily )?(?:married|engaged|divorced|widowed|"
        r"separated|"
        r"in a relationship|dating (?=[A-Z])\w+|a single (?:mom|mother|dad|father|parent)|"
        r"single(?=$|[.!,]))\b.*)",
        single=True,
    ),
    _pattern("relationship", "state", r"(?P<value>(?:broke|split) up\b.*)", single=True),
    _pattern("allergy", "state", rf"(?:am|is|have been) (?:\w+ly )?allergic to {_V}"),
    _pattern(
        "health",
        "state",
        r"(?:am|is|got) (?P<value>(?:\w+ )?(?:intolerant|diabetic|asthmatic|pregnant)\b.*)",
    ),
    _pattern("health", "state", rf"have (?P<value>(?:\w+ )?{_CONDITION}\b.*)"),
    _pattern("health", "event", rf"(?:was|am|is|have been|got) diagnosed with {_V}"),
    _pattern(
        "health",
        "event",
        r"(?P<value>(?:broke|sprained|injured|hurt|twisted|fractured) (?:my|their|his|her) .+)",
    ),
    _pattern("health", "event", r"(?P<value>had (?:\w+ ){0,3}(?:surgery|an operation)\b.*)"),
    _pattern(
        "diet",
        "state",
        r"(?:am|is|went|became|have been) (?:an? )?(?P<value>(?:vegan|vegetarian|pescatarian|"
        r"gluten-free)\b)",
        single=True,
    ),
    _pattern("belongings", "state", rf"own (?!up\b|it\b){_V}"),
    _pattern("belongings", "state", rf"have (?P<value>an? (?:[\w-]+ ){{0,2}}{_THING}\b.*)"),
    _pattern("purchase", "event", rf"(?:have )?(?:bought|purchased|ordered) {_V}"),
    _pattern(
        "purchase", "event", r"(?:have )?got (?:myself )?(?P<value>an? new (?!job|idea|friend).+)"
    ),
    _pattern(
        "visit",
        "event",
        r"(?:have )?(?:visited|travell?ed to|flew to|drove to|toured|been to|went to|"
        r"(?:got|came) back from|took an? (?:[\w-]+ ){0,2}trip to) (?!bed|sleep|hell|"
        r"a lot of)(?P<value>.+)",
    ),
    _pattern("hobby", "state", rf"play (?P<value>(?:the )?{_INSTRUMENT}\b.*)"),
    _pattern(
        "hobby", "state", r"(?:am|have been) (?P<value>learning (?!a lot|so much|that|more).+)"
    ),
    _pattern("languages", "state", rf"speak (?=(?:fluent |some |a little )?(?-i:[A-Z])){_V}"),
    _pattern("plan", "plan", rf"(?:(?:am|are|is|have been) planning|plan) (?:(?:to|on|for) )?{_V}"),
    _pattern(
        "plan",
        "plan",
        rf"(?:am|are|is) (?:going|about) to (?!be (?:ok|okay|fine)\b|keep\b|do my\b){_V}",
    ),
    _pattern("plan", "plan", rf"will {_V}"),
    _pattern("plan", "plan", r"(?:am|are|is) (?P<value>(?!going to\b|planning\b)\w+ing .+)"),
    _pattern(
        "goal",
        "state",
        r"want to (?P<value>(?:be(?:come)?|open|start|move|adopt|learn|build|visit|travel|write|"
        r"study|buy)\b.+)",
    ),
    _pattern(
        "activity",
        "state",
        r"(?:am|have been) (?P<value>(?:working on|training for|volunteering|taking|teaching|"
        r"writing|running|practi[sc]ing|researching|saving|coaching|mentoring|studying|building|"
        r"attending) .+)",
    ),
    _pattern("event", "event", rf"(?:have )?(?P<value>(?:{_HAPPENED})\b.+)"),
    _pattern(
        "event",
        "event",
        r"(?P<value>(?!(?:need|feed|want|lov|lik|enjoy|us|need|believ|realiz|seem|agre|hop|car|"
        r"remember|appreciat|deserv|thank|miss|promis|guess|bless|mention|"
        r"talk)(?:ed)?\b)[a-z]+ed\b.+)",
    ),
)

# A plan said with "will", "going to" or the present progressive is a plan only with its date.
DATED_ONLY = re.compile(
    r"will |(?:am|are|is) (?:going to|about to|(?!planning)\w+ing )", re.IGNORECASE
)
# Verbs so common that they mean an event only where a date stands with them.
VAGUE = re.compile(
    rf"(?!(?:have )?(?:{_HAPPENED})\b)|have got\b|(?:have )?(?:gave|received|earned|took|got|"
    rf"went|had|found|made|saw|watched|read|started|began|tried|learned|lost|decided|"
    r"discovered|created|built|met|finished|set up|broke|quit|raised|designed|cooked|passed)\b",
    re.IGNORECASE,
)
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
