"""Words are found in every script, by the very word and by a question in other words."""

# ruff: noqa: RUF001 - these are the letters that they look like

import itertools
import subprocess
import sys
import unicodedata

import pytest

from lightmem_integrations import LightMem, Turn
from lightmem_integrations.storage import lexical
from lightmem_integrations.storage.ledger import put_meta
from lightmem_integrations.text.terms import terms

pytestmark = pytest.mark.slow

CHINESE = """
    我对花生过敏，吃了会起疹子。|我能吃花生酱吗？
    我的车是白色的比亚迪，车牌尾号是73。|我的车牌尾号是多少？
    我爸爸下个月要做膝盖手术。|谁要动膝盖手术？
    我女儿在学小提琴，每周三上课。|女儿哪天上小提琴课？
    上周末我们去了黄山，看到了云海。|我们在哪里看的云海？
    我住在杭州西湖区的一栋老房子里。|我家在杭州的哪个区？
    公司的打印机又坏了，维修要等三天。|打印机要修多久？
    我妹妹在北京读研究生，专业是化学。|妹妹读什么专业？
    我们家的无线密码贴在冰箱上。|无线密码在哪儿？
    我奶奶喜欢听京剧，特别是梅兰芳的。|奶奶爱听什么戏？
    我不喝咖啡，只喝绿茶。|我平时喝什么茶？
    牙医说我左边的智齿要拔掉。|哪颗智齿需要拔？
    我的护照明年三月到期。|护照什么时候过期？
    昨天我把钥匙忘在办公室了。|钥匙落在哪里了？
    医生让我少吃盐，因为血压高。|为什么要少吃盐？
    航班因为大雾延误了四个小时。|航班延误了多久？
    我想买一台二手的尼康相机。|我想买什么牌子的相机？
    我弟弟上个月拿到了驾照。|弟弟什么时候拿的驾照？
"""
JAPANESE = """
    ゴーヤが苦手です。|苦手な野菜は何ですか？
    先週、札幌に引っ越しました。|どこに引っ越しましたか？
    三毛猫の名前はもちです。|猫の名前は？
    毎日地下鉄で通勤しています。|通勤は何を使っていますか？
    父は来月、膝の手術を受けます。|膝の手術を受けるのは誰？
    祖母は演歌をよく聞きます。|祖母が聞く音楽は？
"""
KOREAN = """
    지난주에 부산으로 이사했어요.|어디로 이사했나요?
    매일 지하철로 출근합니다.|출근은 무엇으로 하나요?
    아버지가 다음 달에 무릎 수술을 받으세요.|누가 무릎 수술을 받아요?
    제 생일은 시월 오일입니다.|생일이 언제예요?
    자전거 열쇠를 잃어버렸어요.|무슨 열쇠를 잃어버렸지?
    남편은 초등학교에서 수학을 가르쳐요.|남편은 무엇을 가르치나요?
"""
THAI = """
    ฉันเลี้ยงแมวชื่อโมจิ|แมวของฉันชื่ออะไร
    ฉันแพ้ถั่วลิสง|ฉันแพ้ถั่วอะไร
    พ่อของฉันจะผ่าตัดเข่าเดือนหน้า|ใครจะผ่าตัดเข่า
    ลูกสาวเรียนไวโอลินทุกวันพุธ|ลูกสาวเรียนไวโอลินวันไหน
    ฉันไม่ดื่มกาแฟ ดื่มแต่ชาเขียว|ฉันดื่มชาอะไร
    ฉันทำกุญแจจักรยานหาย|กุญแจอะไรหาย
"""
HINDI = """
    मेरी बेटी हर बुधवार को वायलिन सीखती है।|बेटी वायलिन किस दिन सीखती है?
    दफ़्तर का प्रिंटर फिर खराब हो गया।|प्रिंटर को क्या हुआ?
    पासपोर्ट अगले साल मार्च में खत्म होगा।|पासपोर्ट कब खत्म होगा?
    मैं कॉफ़ी नहीं पीता, सिर्फ़ चाय पीता हूँ।|मैं कॉफ़ी पीता हूँ क्या?
    साइकिल की चाबी खो गई।|कौन सी चाबी खो गई?
"""
SMALL_TALK = """
    今天天气很好，我们喝了茶。|最近工作有点忙。|明天再说吧，我先睡了。|周末想在家休息。
    |这个问题我也不太清楚。|刚才开会开了很久。|我昨天看了一本书。|今天真的好累啊。
    |今日は天気がよくて、水を飲みました。|最近ちょっと忙しいです。|昨日は早く寝ました。
    |오늘은 날씨가 좋아서 물을 마셨어요.|요즘 조금 바빠요.|어제 일찍 잤어요.
    |วันนี้อากาศดีและเราดื่มน้ำ|เย็นนี้กินอะไรดี|ช่วงนี้งานยุ่งมาก
    |आज मौसम अच्छा है और हमने पानी पिया।|रात को क्या खाएँ?|कल फिर बात करते हैं।
""".replace("\n", "").split("|")
SETS = {"zh": CHINESE, "ja": JAPANESE, "ko": KOREAN, "th": THAI, "hi": HINDI}


def pairs(language):
    return [line.strip().split("|") for line in SETS[language].strip().splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    with LightMem(tmp_path_factory.mktemp("store")) as memory:
        for language in SETS:
            said = [text for text, _ in pairs(language)] + SMALL_TALK
            turns = [Turn(role="user", text=text, id=text) for text in said]
            memory.add(turns, user_id=language)
        memory.index_pending()
        yield memory


@pytest.mark.parametrize("language", SETS)
def test_the_message_that_answers_comes_first(told, language):
    first = [
        told.recall(question, user_id=language).hits[0].text == text
        for text, question in pairs(language)
    ]
    assert sum(first) >= 0.9 * len(first)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("ゴーヤが苦手です。", "ゴーヤ"), ("先週、札幌に引っ越しました。", "札幌"),
        ("三毛猫の名前はもちです。", "猫"), ("重跑gen-itgc后还有50条悬空引用。", "itgc"),
        ("我的车牌尾号是73。", "车牌"), ("지난주에 부산으로 이사했어요.", "부산"),
        ("ฉันไม่ชอบมะระ", "มะระ"), ("मुझे हिंदी किताबें पसंद हैं", "किताबें"),
        ("我在北京大学读书", "大学"), ("ខ្ញុំចូលចិត្តផ្លែស្វាយ", "ស្វាយ"), ("ຂ້ອຍມັກໝາກມ່ວງ", "ໝາກມ່ວງ"),
        ("ﾀﾞｲﾔﾓﾝﾄﾞを買った", "ダイヤモンド"), ("Ｔｏｋｙｏ２０２０", "tokyo2020"),
        ("Straße", "STRASSE"), ("İstanbul'da", "istanbul'da"), ("ΟΔΟΣ", "οδος"),
        ("مُحَمَّد", "محمد"), ("co\u00adopera\u00adtive", "cooperative"), ("ﬁnance", "finance"),
    ],
)  # fmt: skip
def test_a_word_is_found_by_itself(text, word):
    assert set(terms(word))
    assert set(terms(word)) <= set(terms(text))


@pytest.mark.parametrize(
    "text", ["café über naïve", "हिंदी फ़िल्म", "고양이", "が", "Việt Nam", "شُكْرًا"]
)
def test_composed_and_decomposed_spellings_are_one(text):
    forms = {tuple(terms(unicodedata.normalize(form, text))) for form in ("NFC", "NFD")}
    assert len(forms) == 1
    assert all(forms)


def test_marks_do_not_split_a_word():
    assert terms("किताबें") == terms("किताब") == ["किताब"]
    assert not set(terms("पानी")) & set(terms("पैसा"))


def test_a_store_of_older_words_is_cut_anew_when_it_is_opened(open_memory, open_ledger, tmp_path):
    text, other = "我的车牌尾号是73。", "plain words"
    memory = open_memory(tmp_path)
    memory.add([Turn(role="user", text=text), Turn(role="user", text=other)], user_id="u")
    memory.close()
    with open_ledger(tmp_path).write() as connection:
        row, user, new = connection.exec_driver_sql(
            "SELECT id, user, terms FROM turns WHERE text = ?", (text,)
        ).one()
        lexical.remove(connection, user, [(row, new)])
        lexical.add(connection, user, [(row, "我的车牌尾号是73")])
        old = "UPDATE turns SET terms = '我的车牌尾号是73' WHERE id = ?"
        connection.exec_driver_sql(old, (row,))
        connection.exec_driver_sql("UPDATE users SET terms = 3")
        put_meta(connection, "terms", "1")
    memory = open_memory(tmp_path)
    with open_ledger(tmp_path).read() as connection:
        user = connection.exec_driver_sql("SELECT id FROM users").scalar_one()
        assert list(lexical.postings(connection, user, "车牌")) == [row]
        held = connection.exec_driver_sql("SELECT terms FROM turns").scalars().all()
        counted = connection.exec_driver_sql("SELECT terms FROM users").scalar_one()
        assert counted == len(list(itertools.chain(*map(str.split, held))))
    assert memory.recall("车牌", user_id="u").hits[0].text == text
    memory.forget(user_id="u")
    with open_ledger(tmp_path).read() as connection:
        assert not connection.exec_driver_sql("SELECT * FROM lexical_vocabulary").all()


def test_marks_without_end_are_cut_as_fast_as_letters():
    code = (
        "from lightmem_integrations.text.inflections import question_terms, turn_terms\n"
        "for marks in ('\\u0315\\u0300', '\\u05c1\\u05b0', '\\U0001d165\\U0001d16e'):\n"
        "    text = 'b' + marks * 50_000\n"
        "    assert turn_terms(text) and question_terms(text)"
    )
    # A process of its own: what takes minutes here holds the interpreter, and no timeout ends it.
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
