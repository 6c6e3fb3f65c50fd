"""Whether a fact late in a long message is found like one at its beginning.

    python benchmarks/long_turns.py --data beam.json.gz

Thirty facts of our own are planted in long messages of each of three chats, one a message: after a
fifth of its lines in one store, after four fifths in another.
"""

from __future__ import annotations

import random
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lightmem_integrations import LightMem, Settings
from lightmem_integrations.evaluation.conversations import Conversation, read
from lightmem_integrations.evaluation.report import percent
from lightmem_integrations.records.conversation import Turn

FACTS = {
    "My dog is called Biscuit and he is nine years old.": "What is the name of my dog?",
    "By the way, my landlord agreed to lower the rent to 840 euros.": "How much rent do I pay?",
    "I should add that my sister Marta works at the aquarium in Genoa.": (
        "Where does my sister work?"
    ),
    "My blood type is B negative, the nurse told me yesterday.": "Which blood type do I have?",
    "The password hint for the cabin safe is the year of our wedding.": (
        "What is the hint for the safe?"
    ),
    "I am allergic to walnuts, so no nut cake for the party.": "What food can't I eat?",
    "Our flight to Oslo leaves on the ninth of June at seven.": "When do we fly to Oslo?",
    "I lent my blue tent to Pavel until the end of the month.": "Who has my tent?",
    "The violin teacher moved our lessons to Thursday evening.": (
        "On which day are my music lessons?"
    ),
    "Grandma's recipe uses two spoons of plum jam instead of sugar.": (
        "What does grandma put in instead of sugar?"
    ),
    "I finally sold the motorbike to a man from Ghent.": "To whom did I sell my motorcycle?",
    "My locker at the pool is number 317.": "What is my locker's number?",
    "We named the sailing boat Albatross after the poem.": "How is our boat called?",
    "My cousin Rui is getting married in a vineyard next spring.": (
        "Where will my cousin's wedding be?"
    ),
    "I switched my phone contract to Telvia last week.": "Which phone company am I with?",
    "The doctor wants me to take the iron pills only in the morning.": (
        "When must I take my iron tablets?"
    ),
    "My favourite author is Halldor Laxness.": "Which writer do I like most?",
    "The spare key is under the third flower pot on the balcony.": (
        "Where did I hide the spare key?"
    ),
    "Our choir sings the Faure Requiem in November.": "Which piece does my choir perform?",
    "I scored 112 points in the language exam.": "How did I do in the language test?",
    "My first car was a green Lada with a broken radio.": "What was my first car?",
    "The plumber called Idris fixed the boiler for free.": "Who repaired the boiler?",
    "I keep the garden seeds in the old tea box.": "Where are the seeds for the garden?",
    "My manager Yolanda is leaving the firm in August.": "When does my boss leave?",
    "I promised Theo to water his cactus on Sundays.": "What did I promise Theo?",
    "The best man's speech must not mention the Rome trip.": "What should the speech leave out?",
    "My shoe size for climbing is 41 and a half.": "Which size are my climbing shoes?",
    "We chose the wallpaper with the small herons for the nursery.": (
        "Which wallpaper did we choose?"
    ),
    "The school bus now stops at the old mill.": "Where does the school bus stop?",
    "I dream of opening a bakery in Porto.": "What business would I like to open?",
}

LONG = (2_400, 6_000)  # characters: some 500 to 1,300 tokens
QUIET = Settings(background_indexing=False, max_turn_chars=1_000_000)


def planted(chat: Conversation, share: float) -> tuple[list[list[Turn]], dict[str, str]]:
    """The sessions with the facts in them, and by question the id of the turn that answers it."""
    sessions = [list(session.turns) for session in chat.sessions]
    long = [
        (i, j)
        for i, turns in enumerate(sessions)
        for j, turn in enumerate(turns)
        if LONG[0] < len(turn.text) < LONG[1]
    ]
    drawn = random.Random(7).sample(long, min(len(FACTS), len(long)))
    answered = {}
    for (fact, question), (i, j) in zip(FACTS.items(), drawn, strict=False):
        turn = sessions[i][j]
        lines = turn.text.split("\n")
        lines.insert(int(share * len(lines)), fact)
        sessions[i][j] = replace(turn, text="\n".join(lines))
        answered[question] = turn.id or ""
    return sessions, answered


def ranks(chats: list[Conversation], share: float) -> list[int]:
    """Rank of the turn that answers each question; 0 if it is not among the first ten."""
    found = []
    for chat in chats:
        sessions, answered = planted(chat, share)
        with tempfile.TemporaryDirectory() as name, LightMem(name, settings=QUIET) as memory:
            for number, turns in enumerate(sessions):
                memory.add(turns, user_id="user", session_id=f"s{number}")
            memory.index_pending()
            for question, turn_id in answered.items():
                hits = memory.recall(question, user_id="user", k=10, max_tokens=100_000).hits
                ids = [each for hit in hits for each in hit.source.turn_ids]
                found.append(ids.index(turn_id) + 1 if turn_id in ids else 0)
    return found


def main(
    *,
    data: Annotated[Path, typer.Option(help="Chats with long messages.", exists=True)],
) -> None:
    """Print one row for each place of the facts."""
    chats = [each for each in read(data) if each.turns][:3]
    if not any(LONG[0] < len(turn.text) < LONG[1] for chat in chats for turn in chat.turns):
        raise typer.BadParameter(
            f"{data.name} has no message of {LONG[0]:,} to {LONG[1]:,} characters"
        )
    table = Table("the fact stands", "questions", "hit@1", "hit@10", "MRR")
    for place, share in (("early", 0.2), ("late", 0.8)):
        found = ranks(chats, share)
        count = len(found)
        table.add_row(
            place,
            str(count),
            percent(sum(rank == 1 for rank in found) / count),
            percent(sum(rank > 0 for rank in found) / count),
            percent(sum(1 / rank for rank in found if rank) / count),
        )
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
