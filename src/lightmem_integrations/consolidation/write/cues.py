"""Cues in English words that speak against a fact: denial, hearsay, supposition, other people."""

from __future__ import annotations

import re

CLAUSE = re.compile(
    r",(?!\d)|[;:()\u2013\u2014]| - |\b(?:but|and then|although|though|because|while)\b|"
    r"\band (?=never)"
)
# Said of what is liked, hoped for or easy: nothing is denied.
NO_DENIAL = re.compile(
    r"\b\w{2,6}n't (?:i|you|he|she|it|we|they)\b|"  # "I should start, shouldn't I?"
    r"\b(?:can't|cannot|can not) imagine (?:\w+ ){1,3}without\b|"
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
    r"sin|non|senza|nie|kaum|sans|tampoco|arr\u00eat\u00e9 de|dej\u00e9 de|"
    r"aufgeh\u00f6rt|against|skip|omit)\b|n't\b",
    re.IGNORECASE,
)
DENIES = re.compile(
    r"\b(?:not|no|never|none|nothing|nobody|without|cannot|unable|quit|end(?:s|ed|ing)?|lost|"
    r"hate[sd]?|used to|instead|rather|only|against|wish(?:es|ed)?|"
    r"(?<!a )(?:little|few)|miss(?:es|ed)?|left|hard|new to|yet|ruled? out|g(?:i|a)ve[sn]? up|"
    r"turned down|ex)\b|n't\b|\b(?:avoid|stop|lack|refus|dislik|allerg|intoleran|"
    r"former|previous|cancel|fail|skip|leav|declin|struggl|difficult|reject)",
    re.IGNORECASE,
)
HEARD = re.compile(
    r"\b(?:apparently|supposedly|allegedly|rumou?rs?|reportedly|gossip|word (?:is|has it|on the "
    r"street)|(?:people|they|everyone) (?:say|claim|think)s?|(?:i|i've|we) (?:just )?heard|"
    r"some(?:body|one) (?:said|told)|(?<!\bi )(?:said|mentioned) that|"
    r"(?!you\b|have\b|has\b|had\b|just\b|being\b|never\b|as\b|like\b)\w{2,20} (?:said|mentioned)|"
    r"(?!you\b)\w{2,20} (?:claims|claimed|reckons|swears|told me|tells me|says|thinks|believes|"
    r"suspects|assumes|guesses|fears|expects|insists(?! on)|wants (?:me|us|him|her|them))|"
    r"swears by|according to|(?:i|we)(?:'ve)? read (?:somewhere|that)|angeblich|meint|"
    r"dicen que|dice que|il para\u00eet|selon) ",
    re.IGNORECASE,
)
TELLS_WHO = re.compile(
    r"\b(?:said|says|told|tells|claims?|claimed|according|heard|rumou?r|think|thinks|apparently|"
    r"believes?|reckons|suspects?|assumes?|fears?|expects?|insists?|read|suggest\w*|"
    r"recommend\w*|propose[sd]?|offer\w*|advise[sd]?|invite[sd]?|asks|asked|swears|finds?|findet|meint|"
    r"angeblich|geh\u00f6rt|dice|cree|dit|pense|selon)\b",
    re.IGNORECASE,
)
SUPPOSED = re.compile(
    r"\b(?:if|unless|whether|imagine|suppose|supposing|hypothetically|i wish|as though|lol|lmao|"
    r"rofl|provided|as long as|in case|depend(?:s|ing) on|let's say|assum(?:e|ing)|wenn|falls|ob|"
    r"should (?:the|my|our|we)|si (?=je|on|nous|tengo|puedo))\b|\b(?:ha){2,9}\W{0,9}$",
    re.IGNORECASE,
)
# Of what follows only: "I made a cake, maybe you would like it."
HEDGED = re.compile(
    r"\b(?:i'd love|would love|might|maybe|perhaps|probably|possibly|i doubt|not sure|wondering|"
    r"(?-i:may)|could be|no idea|hop(?:e|ing)|i (?:think|guess)|as far as i|vielleicht|"
    r"wahrscheinlich|peut-\u00eatre|h\u00e9site|tal vez|quiz\u00e1s?)\b|\bwould (?:be|have|like)\b",
    re.IGNORECASE,
)
SUPPOSES = re.compile(
    r"\b(?:if|unless|would|wish|wishes|want|wants|hope|hopes|may|might|could|consider|considers|"
    r"considering|think|thinking|dream|plan|plans|possibly|perhaps|like to|not sure|unsure|"
    r"wonders?|maybe|interested|open to|when|whether|imagin|probabl|doubt|tries|tried|try|"
    r"should|provided|as long as|in case|guess|depend|likely|seem|suspect|believ|wenn|falls|ob\b|"
    r"vielleicht|si\b|peut|h\u00e9sit|quiz)",
    re.IGNORECASE,
)
INTENDED = re.compile(
    r"\b(?:should|ought to|need to|wants?|(?:wanted|hope|hopes|hoping|meant|mean|try|trying|"
    r"tried|plan|plans|planning|intend|like|love|supposed) to(?! (?:tell|ask|share|let)\b)|"
    r"thinking (?:of|about) (?:an?|the|\w+ing))\b",
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
    r"|\b(?:almost|nearly) (?!every|all|always|finish|done|here|there|a|the|\d|"
    r"[a-z]+ (?:years?|months?|weeks?|days?|hours?))[a-z]{3}",
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
# What relatives are called, in the languages in which "not" is known.
_CALLED = (
    "mother mum mom mama mutter madre m\u00e8re|father dad daddy papa vater padre p\u00e8re|"
    "parents eltern padres|brother bruder hermano fr\u00e8re|sister schwester hermana s\u0153ur|"
    "husband hubby spouse mann marido mari|wife spouse frau mujer esposa femme|son sohn hijo fils|"
    "daughter tochter hija fille|child children kid kids baby toddler kinder hijos enfants|"
    "grandmother grandma granny nana oma abuela|grandfather grandpa granddad opa abuelo"
)
KIN = tuple(frozenset(each.split()) for each in _CALLED.split("|"))
SOMEBODY_ELSE = re.compile(r"(?:he|she|they|he's|she's|they're|his|her|their)\b", re.IGNORECASE)
OF_SEVERAL = re.compile(r"\b(?:they|they're|their|them)\b", re.IGNORECASE)
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
# Longer than a title; titles are the first group, so that none ends where another quotation begins.
QUOTED = re.compile(
    r"([\"\u201c][^\"\u201d]{0,29}[\"\u201d])|[\"\u201c][^\"\u201d]{30,2000}(?:[\"\u201d]|$)"
)
TWO_LETTERS = re.compile(r"[a-z]{1,2}")  # a function word, whatever the language
FIRST_PERSON = re.compile(
    r"\b(?:I|I'm|I've|I'd|I'll|my|mine|me|[Ii]ch|[Mm]eine?|[Jj]e|[Yy]o|[Vv]oy|[Tt]engo)\b"
)
YOU = re.compile(r"\b(?:you|your|yours|you're|you've|we|our|ours|us|we're|we've)\b", re.IGNORECASE)
OBJECT = re.compile(r"\b(?:me|us)\b")
# What came to nothing or to an end: a statement of it has the same word, or a denial.
LAPSED = re.compile(
    r"\b(?:(?:gave|give|given|giving) up|collapsed?|postponed?|delayed|(?:broke|broken|split) up|"
    r"(?:drop|dropped|dropping) out|failed?|missed|declined|rejected|withdrew|withdrawn|yet to|"
    r"until|expired|closed down|shut down|got rid of|sold(?! me)|retired|divorced|abandoned|"
    r"ran out|died|passed away|burned down|fired|laid off)\b",
    re.IGNORECASE,
)
SORRY = re.compile(r"\b(?:sorry|unfortunately|sadly|afraid)\b", re.IGNORECASE)
OVER = re.compile(
    r"\b(?:used to (?!it\b|that\b|the\b)|formerly|back then|back when|in the old days|"
    r"when i (?:lived|worked|studied))",
    re.IGNORECASE,
)
AHEAD = re.compile(
    r"\b(?:will|i'll|we'll|going to|gonna|(?:i'm|we're|i am|we are) \w{2,20}ing|tomorrow|"
    r"tonight|next (?:week|month|year)|(?:i|we) (?:can|could) \w{1,20} you|voy a|"
    r"va a|werden?|wird)\b",
    re.IGNORECASE,
)
SPEAKER_DOES = re.compile(r"\b(?:I|I'm|I've|I'd|I'll|[Ww]e|[Ww]e're|[Ww]e've|[Ww]e'll)\b")
PAST = re.compile(
    r"\b(?:was|were|had|did|once|former|\w{2,20}ed|taught|lived|went|ran|got|bought|sold|gave|took|made|"
    r"came|saw|met|left|kept|lent|wrote|won|lost|led|drove|flew|rode|sang|spoke|\w{3,20}\u00f3)\b",
    re.IGNORECASE,
)
NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-Z][a-z]+|^[A-Z][a-z]+(?= [a-z])")
COMPARES = re.compile(r"\b(?:than|prefer\w*|rather)\b", re.IGNORECASE)
# Words of a statement about what was said, which need not stand in a turn.
FRAME = re.compile(
    r"user|answer|favou?r|consider|mention|suggest|recommend|suspect|advis|invit|declin|refus|intend|ow[ne]|prefer|"
    r"avoid|dislik|enjoy|practi[sc]|cancel|attend|arriv|purchas|belong"
)
# A part or some times; all or always; this once.
PART = re.compile(
    r"\b(?:(?:half|most|some|thirds?|few|handful|couple) of|half (?:the|my|our)|only (?:the|got)|"
    r"so far|the first (?:\w{1,20} ){1,2}of|partly|mostly|sometimes|occasionally|rarely|seldom|"
    r"hardly ever|every other|usually|manchmal|parfois|a veces|"
    r"(?:almost|nearly) (?:\w{1,20}ed|bought|went|got))\b",
    re.IGNORECASE,
)
KEEPS_PART = re.compile(
    rf"{PART.pattern}|\b(?:half|most|some|few|part|first|third|only|nearly|almost|but)",
    re.IGNORECASE,
)
WHOLE = re.compile(
    r"\b(?:all|every(?! other| second)|every(?:thing|one|day)|always|whole|entire|daily|often)\b",
    re.IGNORECASE,
)
ONCE = re.compile(
    r"\b(?:for (?:this|that|today|now|once)|this (?:time|one|email|once|answer)|today|diesmal)\b",
    re.IGNORECASE,
)
CORRECTS = re.compile(
    r"\b(?:no,? wait|(?:sorry|oops|wait|no|actually),? (?:i mean|no\b|not\b|scratch|make|rather)|"
    r"i meant|scratch that|correction|make that|update:|or rather|"
    r"(?:moved|changed|switched) (?:it|that|them) to)",
    re.IGNORECASE,
)
# What is put to somebody, and how it is taken.
PUTS = re.compile(
    r"\?\s*$|\b(?:should|could|how about|what about|you can|try|recommend|suggest|might|may|let's|"
    r"consider|have to|must|i can|i'd|we can)\b",
    re.IGNORECASE,
)
AGREES = re.compile(
    r"\W{0,5}(?:\w{1,20}\W{1,5}){0,2}?(?:yes|yeah|yep|sure|ok|okay|please|do (?:that|it|so)|"
    r"go ahead|perfect|exactly|deal|of course|absolutely|definitely|let's|right|agreed|see you|"
    r"i'm in|ja|gern|oui|s\u00ed|claro)\b",
    re.IGNORECASE,
)
WAVERS = re.compile(
    r"\b(?:maybe|perhaps|we'll see|(?:one|some) day|think|not sure|might)\b", re.IGNORECASE
)
# Clauses, and such as begin with a subject of their own: "Ana sings and Ben plays".
PARTS = re.compile(
    r",(?!\d)|[;:()\u2013\u2014]| - |\b(?:but|while|and then)\b|\band (?=[A-Z]|(?:the|my|his|her) )"
)
OWN_SUBJECT = re.compile(
    r"\W{0,3}(?!(?:I|we|he|she|they|it|who|which|you|your|this|that|there|what|not|just|also|then|these|"
    r"with|without|in|on|at|for|before|after|since|during|by|el|la|le|der|die|das)\b)"
    r"((?:(?:the|my|our|his|her|their|an?) )?[\w'-]{1,40}"
    r"(?: (?!they\b|he\b|she\b|it\b|I\b)[\w-]{1,40})?) "
    r"(?:is|are|was|were|has|have|had|does|do|did|will|can|(?!this)[a-z]{2,20}s|[a-z]{2,20}ed)\b",
    re.IGNORECASE,
)
REPORTS = re.compile(
    r"\b(?:said|says|told|tells|claim|suggest|recommend|propos|offer|advis|invit|mention|asks|asked)",
    re.IGNORECASE,
)
