"""Cues in English words that speak against a fact: denial, hearsay, supposition, other people."""

from __future__ import annotations

import re

CLAUSE = re.compile(r"[,;:()\u2013\u2014]| - |\b(?:but|and then|although|though|because|while)\b")
# Said of what is liked, hoped for or easy: nothing is denied.
NO_DENIAL = re.compile(
    r"\b(?:can't|cannot|couldn't|could not|can not) (?:wait|believe|imagine|help|stop|recommend|"
    r"be (?:happier|more|better|prouder)|get (?:enough|over)|thank|say (?:it )?enough)\b|"
    r"\b(?:won't|wouldn't|don't|never) (?:believe|miss|mind|worry|forget|give up|regret|get me "
    r"wrong)\b|\bnot (?:only|just|bad)\b|\bno (?:doubt|wonder|problem|worries|matter|way)\b|"
    r"\b(?:never|not) (?:been|felt|thought|seen|expected|imagined)\b|\bwhy not\b|"
    r"\bnothing (?:but|like|beats)\b",
    re.IGNORECASE,
)
DENIED = re.compile(
    r"\b(?:not|no longer|never|none|no|cannot|without|nor|neither|stopped|quit|any ?more|"
    r"nobody|nothing|hardly|barely|doubt|refuse[sd]?|hates?|hated|dislikes?|disliked|detests?|loathes?|"
    # German, Dutch, French, Spanish, Portuguese, Italian.
    r"kein\w{0,2}|nicht|niemals|ohne|geen|niet|nooit|ne|pas|jamais|aucune?|nunca|jam\u00e1s|n\u00e3o|sem|"
    r"sin|non|senza)\b|n't\b",
    re.IGNORECASE,
)
DENIES = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|without|cannot|unable|quit|end(?:s|ed|ing)?|lost|"
    r"hate[sd]?|used to|instead|rather|only|against|miss(?:es|ed)?|left|hard|new to|yet|ruled? out|"
    r"g(?:i|a)ve[sn]? up|turned down|ex)\b|n't\b|\b(?:avoid|stop|lack|refus|dislik|allerg|"
    r"intoleran|former|previous|cancel|fail|skip|leav|declin|struggl|difficult|reject)",
    re.IGNORECASE,
)
HEARD = re.compile(
    r"\b(?:apparently|supposedly|allegedly|rumou?rs?|reportedly|gossip|word (?:is|has it|on the "
    r"street)|(?:people|they|everyone) (?:say|claim|think)s?|(?:i|i've|we) (?:just )?heard|"
    r"some(?:body|one) (?:said|told)|(?<!\bi )(?:said|mentioned) that|"
    r"(?!you\b|have\b|has\b|had\b|just\b|being\b|never\b|as\b|like\b)\w{2,20} (?:said|mentioned)|"
    r"(?!you\b)\w{2,20} (?:claims|claimed|reckons|swears|told me|tells me|says|thinks|believes|"
    r"suspects|assumes|guesses|fears|expects|insists|wants (?:me|us|him|her|them))) ",
    re.IGNORECASE,
)
TELLS_WHO = re.compile(
    r"\b(?:said|says|told|tells|claims?|claimed|according|heard|rumou?r|think|thinks|apparently|"
    r"believes?|reckons|suspects?|assumes?|fears?|expects?|insists?|wants?)\b",
    re.IGNORECASE,
)
SUPPOSED = re.compile(
    r"\b(?:if|unless|whether|imagine|suppose|supposing|hypothetically|i wish|as though|i'd love|"
    r"would love|might|maybe|perhaps|probably|possibly|i doubt|not sure|wondering|lol|lmao|rofl)\b|"
    r"\bwould (?:be|have|like)\b|\b(?:ha){2,9}\W{0,9}$",
    re.IGNORECASE,
)
SUPPOSES = re.compile(
    r"\b(?:if|unless|would|wish|wishes|want|wants|hope|hopes|may|might|could|consider|considers|"
    r"considering|think|thinking|dream|plan|plans|possibly|perhaps|like to|not sure|unsure|"
    r"wonders?|maybe|interested|open to|when|whether|imagin|probabl|doubt|tries|try|"
    r"should)",
    re.IGNORECASE,
)
INTENDED = re.compile(
    r"\b(?:should|ought to|need to|(?:want|wants|wanted|hope|hopes|hoping|meant|mean|try|trying|"
    r"tried|plan|plans|planning|intend|like|love|supposed) to|thinking (?:of|about))\b",
    re.IGNORECASE,
)
INTENDS = re.compile(
    r"\b(?:need|mean|intend|going to|will\b|aim|lik|lov|supposed|goal|passion|look|expect)",
    re.IGNORECASE,
)
FELL_THROUGH = re.compile(
    r"\b(?:fell|fall|falls|fallen) through\b|\bcancell?ed\b|\bcalled (?:it )?off\b|"
    r"\bdidn't (?:happen|work out|make it|get to|end up|go ahead|go through|get the)\b|"
    r"\b(?:was|were) (?:going|supposed|meant|planning|about) to\b|\bhad (?:been )?plann(?:ed|ing)\b"
    r"|\bcouldn't make it\b|\b(?:backed|pulled) out\b|"
    r"\bchanged (?:my|our|her|his|their) minds?\b|(?:'s|\bis|\bare|\bwas|\bwere) off[.,!]|"
    r"\b(?:been|was|were) meaning to\b|\bforgot (?:again|to (?!tell|mention|say))|\bscrapped\b"
    r"|\bturned (?:me|us|him|her|them|it) down\b|\brejected\b|\bhad to (?:stay|cancel|skip|miss|"
    r"give|postpone|decline|drop)\b"
    r"|\b(?:almost|nearly) (?!every|all|always|finish|done|here|there|a|the|\d)"
    r"[a-z]{3}",
    re.IGNORECASE,
)
_KIN = (
    r"(?:step|half-?|grand|great-?|ex-?|best |old |little |big |older |younger |twin ){0,2}"
    r"(?:sister|brother|sibling|mum|mom|mother|dad|father|parent|wife|husband|spouse|partner|boyfriend|"
    r"girlfriend|son|daughter|kid|child|children|baby|friend|buddy|cousin|aunt|uncle|niece|nephew|boss|"
    r"manager|colleague|co-?worker|roommate|flatmate|neighbou?r|fianc[e\u00e9]e?|ma|pa|teacher|coach|"
    r"landlord|landlady|team-?mate|client|in-law)s?"
)
OF_KIN = re.compile(
    rf"\b(?:my|our|his|her|their|\w{{1,30}}['\u2019]s) (?P<kin>{_KIN})(?!['\u2019]s)\b",
    re.IGNORECASE,
)
SOMEBODY_ELSE = re.compile(r"(?:he|she|they|he's|she's|they're|his|her|their)\b", re.IGNORECASE)
NAMED = re.compile(
    r"(?!(?:This|That|It|There|The|These|Those|What|Which|Who|Here|My|Our|His|Her|Their|You|Your|So|But|"
    r"And|Life|Everything|Something|Nothing|Every|Each|All|How)\b)(?:Aunt |Uncle |Dr\. )?"
    r"([A-Z][a-z]+)(?: [A-Z][a-z]+)? (?:is|was|has|had|got|[a-z]{2,}s)\b"
)
NAMES_KIN = re.compile(rf"\b{_KIN}\b", re.IGNORECASE)
# What somebody does in the conversation itself is in its turns already.
TALK = re.compile(
    r"(?:\S{1,40} ){1,2}?(?:is |are |was )?(?:mention|ask|thank|greet|congratulat|compliment|"
    r"prais|encourag|appreciat)(?:s|es|ed|d|ing|e)? |.{1,200}\bby saying\b",
    re.IGNORECASE,
)
ASKS = re.compile(
    r"(?:(?:and|but|so|hey|oh|well|by the way),? )?(?:who|what|when|where|why|how|which|do|does|"
    r"did|is|are|was|were|can|could|will|would|have|has|had|should|shall|may)\b",
    re.IGNORECASE,
)
QUOTED = re.compile(r"[\"\u201c][^\"\u201d]{30,2000}(?:[\"\u201d]|$)")  # longer than a title
TWO_LETTERS = re.compile(r"[a-z]{1,2}")  # a function word, whatever the language
FIRST_PERSON = re.compile(r"\b(?:I|I'm|I've|I'd|I'll|my|mine|me)\b")
YOU = re.compile(r"\b(?:you|your|yours|you're|you've|we|our|ours|us|we're|we've)\b", re.IGNORECASE)
# What came to nothing or to an end: a statement of it has the same word, or a denial.
LAPSED = re.compile(
    r"\b(?:(?:gave|give|given|giving) up|collapsed?|postponed?|delayed|(?:broke|broken|split) up|"
    r"(?:drop|dropped|dropping) out|failed?|missed|declined|rejected|withdrew|withdrawn|yet to|"
    r"until|expired|closed down|shut down|got rid of|sold|retired|divorced|abandoned|ran out|died|"
    r"passed away|burned down|fired|laid off)\b",
    re.IGNORECASE,
)
SORRY = re.compile(r"\b(?:sorry|unfortunately|sadly|afraid)\b", re.IGNORECASE)
OVER = re.compile(
    r"\b(?:used to (?!it\b|that\b|the\b)|formerly|back then|back when|in the old days|"
    r"when i (?:lived|worked|studied))",
    re.IGNORECASE,
)
AHEAD = re.compile(
    r"\b(?:will|i'll|we'll|going to|gonna|(?:i'm|we're|i am|we are) \w{2,20}ing)\b", re.IGNORECASE
)
SPEAKER_DOES = re.compile(r"\b(?:I|I'm|I've|I'd|I'll|[Ww]e|[Ww]e're|[Ww]e've|[Ww]e'll)\b")
