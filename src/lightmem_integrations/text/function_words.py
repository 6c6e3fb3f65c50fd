"""Function words of scripts other than Latin: what asks, points or joins, and tells no subject.

Short lists of the commonest ones, by hand; what they lack, idf makes cheap.
"""

# ruff: noqa: RUF001 - these are the letters that they look like

from __future__ import annotations

import re

FUNCTION_WORDS: frozenset[str] = frozenset(
    """
    क्या कौन कब कहाँ कहां क्यों कैसे कैसा कैसी किस किसे किसका किसकी किसके किसने कितना कितने कितनी
    है हैं था थे थी हो हूँ हूं का की के को से में पर ने और या भी ही तो यह वह मैं मेरा मेरी मेरे मुझे
    что кто кого кому чем где когда куда откуда как какой какая какое какие почему зачем ли же и а
    но в во на с со у к ко о об от до за из по для это этот эта эти я ты он она оно мы вы они мне
    меня мой моя моё мое мои моей моего моему мою тебя твой его её ее их был была было были есть
    ما ماذا من متى أين كيف لماذا هل كم أي في على إلى عن مع و هو هي هذا هذه ذلك تلك التي الذي
    מה מי מתי איפה איך למה האם כמה איזה של את על עם הוא היא זה זאת אני
    τι ποιος ποια ποιο πότε πού πως γιατί και να το ο η οι τα του της των με σε για από είναι
    """.casefold().split()
)

FUNCTION_CHARACTERS: frozenset[str] = frozenset(
    "的了吗嗎呢吧啊呀我你您他她它们們是在有和就也都很还還不没沒这這那哪什么么麼怎谁誰个個"
)
"""Chinese: a pair of these is no subject either."""

# Within runs without blanks: cut out, longest first, so that no pair spans them.
FUNCTION_PHRASES: re.Pattern[str] = re.compile(
    "的时候|的時候|时候|時候|为什么|為什麼|怎么样|怎麼樣|什么时候|什麼時候|多少|哪里|哪裡|哪儿|哪兒|多久"
    "|ですか|ますか|でした|ました|ません|です|ます|どこ|いつ|だれ|誰|何|なぜ|どう|どんな|どれくらい|どの"
    "|무엇|누구|언제|어디|무슨|입니다|습니다|인가요|예요|이에요|뭐야"
    "|หรือเปล่า|เมื่อไหร่|เมื่อไร|ใช่ไหม|อย่างไร|ที่ไหน|ยังไง|อะไร|ทำไม|ใคร|ไหน|ครับ|ค่ะ"
)
