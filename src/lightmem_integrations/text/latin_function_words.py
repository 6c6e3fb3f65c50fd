"""Function words of languages in Latin script: what tells a language, and no subject.

The commonest of each, by hand. Without accents where people often leave them out.
"""

# ruff: noqa: RUF001 - these are the letters that they look like

from __future__ import annotations

_LISTS: dict[str, str] = {
    "de": """
        der die das den dem des ein eine einen einem einer eines kein keine keinen keinem keiner
        und oder aber doch denn weil dass daß ob wenn als wie ich du er sie es wir ihr mich dich ihn
        mir dir ihm ihnen uns euch mein meine meinen meinem meiner meines dein deine deinen deinem
        deiner sein seine seinen seinem seiner ihre ihren ihrem ihrer unser unsere unseren unserem
        unserer bin bist ist sind seid war warst waren habe hast hat haben hatte hatten hattest
        werde wirst wird werden wurde wurden worden kann kannst können konnte muss musst müssen
        musste will willst wollen wollte soll sollte mag möchte darf nicht nichts auch noch nur
        schon sehr so dann da hier dort jetzt im in ins am an ans auf aus bei beim bis durch für
        gegen mit nach ohne über um unter von vom vor zu zum zur zwischen seit was wer wen wem wo
        wann warum wohin woher welche welcher welches welchen man sich dieser diese dieses diesen
        diesem mal ja etwas alle gerade heute gestern morgen immer""",
    "fr": """
        le la les un une des du de au aux et ou mais donc car que qui quoi dont où quand comment
        pourquoi combien quel quelle quels quelles je tu il elle on nous vous ils elles me te se moi
        toi lui leur leurs eux mon ma mes ton ta tes son sa ses notre nos votre vos ce cet cette ces
        cela ça suis es est sommes êtes sont étais était étaient été être ai as a avons avez ont
        avais avait avoir eu fait faire vais vas va allons vont ne pas plus jamais rien aussi très
        dans sur sous avec sans pour par chez vers entre en y si comme tout tous toute toutes bien
        depuis pendant hier aujourd'hui demain déjà encore toujours puis alors
        l' d' j' n' m' t' s' c' qu'""",
    "es": """
        el la los las un una unos unas lo de del al y e o u pero porque que qué quien quién quienes
        cual cuál cuando cuándo donde dónde adonde como cómo cuanto cuánto cuánta cuántos cuántas yo
        tú tu él ella nosotros ustedes ellos ellas me te se nos le les mi mis tus su sus nuestro
        nuestra mío mía este esta estos estas esto ese esa eso esos esas soy eres es somos son era
        eran fue fueron ser estoy está estás estamos están estaba estar he has ha hemos han había
        haber hay tengo tiene tienes tenemos tienen tenía no ni sí también muy más en con sin por
        para sobre entre hasta desde hacia si ya todo toda todos todas voy va vamos van ayer hoy
        mañana siempre nunca nada algo""",
    "it": """
        il lo la i gli le un uno una di del dello della dei degli delle a al allo alla ai agli alle
        da dal dalla dai dalle in nel nello nella nei nelle su sul sulla sui sulle con per tra fra e
        ed o ma però perché che chi cosa quando dove come quanto quanta quanti quante quale quali io
        tu lui lei noi voi loro mi ti si ci vi ne mio mia miei mie tuo tua tuoi tue suo sua suoi sue
        nostro nostra questo questa questi queste quello quella quelli quelle sono sei è siamo siete
        era erano essere stato stata ho hai ha abbiamo avete hanno avevo aveva avere faccio fa fare
        vado va non anche più molto già ancora sempre mai ieri oggi domani se poi cui quindi
        l' dell' nell' all' dall' sull' un' quell' c' d'""",
    "pt": """
        o a os as um uma uns umas de do da dos das em no na nos nas ao à aos às por pelo pela pelos
        pelas para pra com sem sobre entre até desde e ou mas porque que quem qual quais quando onde
        como quanto quanta quantos quantas eu tu você vocês ele ela nós eles elas me te se lhe meu
        minha meus minhas teu tua seu sua seus suas nosso nossa dele dela este esta isto esse essa
        isso aquele aquela sou é és somos são era eram foi foram ser estou está estamos estão estava
        estar tenho tem temos têm tinha ter há não nem sim também muito mais já ainda sempre nunca
        vou vai vamos vão ontem hoje amanhã tudo todo toda todos todas""",
    "nl": """
        de het een en of maar want omdat dat die dit deze ik jij je hij zij ze wij we jullie u mij
        me hem haar ons hun mijn jouw zijn onze uw ben bent is was waren wordt worden werd heb hebt
        heeft hebben had hadden kan kunnen kon moet moeten wil willen zal zullen zou niet niets geen
        ook nog al wel heel erg zeer dan toen nu hier daar er in op aan uit bij tot door voor tegen
        met naar zonder over om onder van te tussen sinds wat wie waar wanneer waarom hoe welke welk
        als zo iets alle gisteren vandaag morgen altijd nooit""",
    "da": """
        jeg du han hun vi I de det den en et mig dig ham hende os dem min mit mine din dit dine sin
        sit sine hans hendes vores deres er var har havde bliver blev være været skal skulle vil
        ville kan kunne må ikke også meget og eller men at som der fordi hvis når hvad hvem hvor
        hvornår hvorfor hvordan hvilken hvilket i på til fra med af om for ved efter under over uden
        mellem nu her så denne dette disse igår altid aldrig noget nogle ingen""",
    "no": """
        jeg du han hun vi dere de det den en ei et meg deg ham henne oss dem min mi mitt mine din
        ditt dine sin sitt sine hans hennes vår vårt våre deres er var har hadde blir ble være vært
        skal skulle vil ville kan kunne må ikke også veldig og eller men at som fordi hvis når hva
        hvem hvor hvorfor hvordan hvilken hvilket i på til fra med av om for ved etter under over
        uten mellom nå her så denne dette disse alltid aldri noe noen ingen""",
    "sv": """
        jag du han hon vi ni de det den en ett mig dig honom henne oss dem min mitt mina din ditt
        dina sin sitt sina hans hennes vår vårt våra deras är var har hade blir blev vara varit ska
        skulle vill ville kan kunde måste inte också mycket och eller men att som för eftersom om
        när vad vem var vart varför hur vilken vilket vilka i på till från med av vid efter under
        över utan mellan nu här där så denna detta dessa igår alltid aldrig något några ingen""",
    "fi": """
        minä mä sinä sä hän me te he minun mun sinun sun hänen meidän teidän heidän minulla mulla
        minut minua minulle mulle sinulla sinulle hänellä on oli ovat olivat olen olet olin olit
        olemme ollut ole olla ei en et eivät emme ja tai mutta että koska jos kun kuin mitä mikä
        missä mistä mihin milloin kuka kenen miksi miten kuinka tämä tämän se sen siellä täällä
        siitä nyt myös vain vielä jo aina hyvin niin joka jotka""",
    "pl": """
        ja ty on ona ono my wy oni one mnie mi mną cię ci go jego jej ją mu nas nam was im ich mój
        moja moje moją mojej mojego moim twój twoja twoje swój swoją się jest są jestem jesteś
        jesteśmy był była było byli były być będę będzie mam masz ma mamy mają miał miała nie tak
        też także bardzo i oraz a ale albo bo że żeby jeśli gdy kiedy gdzie skąd dokąd kto co czego
        czym kogo komu dlaczego jak jaki jaka jakie jaką który która które ile czy w we z ze na do
        od po przez przed za nad pod przy bez dla o u ten ta to tego tej tym te już jeszcze teraz
        wczoraj dzisiaj jutro zawsze nigdy""",
    "tr": """
        ben sen biz siz onlar bana sana bize size onu beni seni bizi sizi benim senin onun bizim
        sizin bende sende bir bu şu ve veya ya ama fakat çünkü ki de da mi mı mu mü ile için gibi
        kadar daha en çok değil var yok ne kim kime nerede nereye nereden neden niçin nasıl hangi
        kaç zaman olan oldu olarak her hep şimdi sonra önce dün bugün yarın""",
}  # fmt: skip

_ENGLISH_TOO = """
    not no yes nor more most much many all both every few other another one two now today tomorrow
    yesterday still yet also only really maybe like get got go going know think see said say says
    yeah hey hi thanks thank please well good great new old after before over under between during
    without within while since until against his may cannot won't wasn't ok okay lol wow day time
""".split()  # noqa: SIM905 - a list of literals would be ten times as long

NAME_PARTS: frozenset[str] = frozenset(
    """
    de la le les du des el los las del al di da do das dos della der den die von van het e y i o a
    en on un una une il san te me ma mi mon ja ya no na so es is as par sur tu ton son com
    """.split()  # noqa: SIM905 - a list of literals would be ten times as long
)
"""Function words that names and addresses hold as well: "Los Angeles", "Leonardo da Vinci"."""

LANGUAGES: tuple[str, ...] = tuple(_LISTS)
"""Languages in Latin script, besides English, whose inflections are known; by ISO 639-1."""

ENGLISH_HINTS: frozenset[str] = frozenset(_ENGLISH_TOO)
"""Words by which English is told, besides those that it does not index."""

WORDS_OF: dict[str, frozenset[str]] = {
    language: frozenset(words.casefold().split()) for language, words in _LISTS.items()
}
"""Function words by language."""
