"""A small town guide in eleven languages: questions with their passages, in the words of each language."""
# ruff: noqa: E501  # letters of Chinese, Japanese and Korean are twice as wide

from dataclasses import dataclass
from itertools import product


@dataclass(frozen=True)
class Guide:
    """Words of one language. names: two halves of a town's name, and what stands between them; passage: with {town},
    {river}, {year} and {good}; asked: (question, answer) with the same fields; ends: how a sentence ends; wrong: an answer
    of another kind."""

    abstain: str
    names: tuple[str, str, str]
    passage: str
    asked: tuple[tuple[str, str], ...]
    rivers: str
    goods: str
    ends: str
    wrong: str

    def rows(self) -> list[dict[str, str]]:
        """120 questions about 40 towns."""
        first, between, second = self.names
        towns = [one + between + other for one, other in product(first.split(), second.split())]
        found = []
        for place, town in enumerate(towns):
            facts = {
                "town": town, "year": str(1200 + 7 * place), "river": self.rivers.split()[place % 5],
                "good": self.goods.split()[place // 2 % 5],
            }  # fmt: skip
            passage = self.passage.format(**facts)
            found += [
                {"question": asked.format(**facts), "answer": said.format(**facts), "passage": passage}
                for asked, said in self.asked
            ]
        return found


GUIDES = {
    "en": Guide(
        "unknown",
        ("Ash Brook Clay Dun Elm Fern Green Hazel", "", "ford ton bury field wick"),
        "{town} is an old town on the river {river}. It was founded in {year}. The town is known for its {good}, and every "
        "autumn there is a feast.",
        (("What is {town} known for?", "{good}"), ("On which river does {town} lie?", "{river}"),
         ("In which year was {town} founded?", "{year}")),
        "Avon Severn Trent Tyne Exe", "cheese honey glass leather soap", ".", "nobody knows",
    ),
    "de": Guide(
        "unbekannt",
        ("Birken Eschen Fichten Grün Hasel Kirsch Linden Rosen", "", "dorf heim berg feld bach"),
        "{town} ist eine alte Stadt am Fluss {river}. Sie wurde im Jahr {year} gegründet. Die Stadt ist bekannt für {good}, und "
        "jeden Herbst gibt es dort ein Fest.",
        (("Wofür ist {town} bekannt?", "{good}"), ("An welchem Fluss liegt {town}?", "{river}"),
         ("In welchem Jahr wurde {town} gegründet?", "{year}")),
        "Elbe Saale Isar Weser Mosel", "Käse Honig Glas Leder Töpferwaren", ".", "das weiß niemand",
    ),
    "ru": Guide(
        "неизвестно",
        ("Бело Ново Старо Верхне Красно Черно Каменно Зелено", "", "горск дольск реченск озёрск польск"),
        "{town} — старинный город на реке {river}. Он был основан в {year} году. Город известен тем, что здесь делают {good}, "
        "и каждую осень там проходит праздник.",
        (("Что делают в городе {town}?", "{good}"), ("На какой реке стоит город {town}?", "{river}"),
         ("В каком году был основан город {town}?", "{year}")),
        "Ока Кама Волга Лена Дон", "сыр мёд стекло мыло масло", ".", "никто не знает",
    ),
    "el": Guide(
        "άγνωστο",
        ("Νέα Παλιά Άνω Κάτω Μεγάλη Μικρή Αγία Ιερά", " ", "Βρύση Πέτρα Λίμνη Σκάλα Ράχη"),
        "Η πόλη {town} βρίσκεται δίπλα στον ποταμό {river}. Ιδρύθηκε το έτος {year}. Είναι γνωστή για το προϊόν της: {good}. "
        "Κάθε φθινόπωρο γίνεται εκεί γιορτή.",
        (("Για ποιο προϊόν είναι γνωστή η πόλη {town};", "{good}"), ("Δίπλα σε ποιον ποταμό βρίσκεται η πόλη {town};", "{river}"),
         ("Ποιο έτος ιδρύθηκε η πόλη {town};", "{year}")),
        "Αχελώο Πηνειό Έβρο Νέστο Αξιό", "τυρί μέλι γυαλί δέρμα κρασί", ".", "κανείς δεν ξέρει",
    ),
    "ar": Guide(
        "غير معروف",
        ("وادي عين جبل تل دير بئر قصر برج", " ", "النخيل الزهور الحمام السلام النور"),
        "{town} مدينة قديمة تقع على نهر {river}. تأسست عام {year}. تشتهر المدينة بصناعة {good}، ويقام فيها احتفال كل خريف.",
        (("بماذا تشتهر مدينة {town}؟", "{good}"), ("على أي نهر تقع مدينة {town}؟", "{river}"), ("متى تأسست مدينة {town}؟", "{year}")),
        "النيل الفرات دجلة الأردن العاصي", "الجبن العسل الزجاج الجلود الصابون", ".", "لا أحد يعرف",
    ),
    "he": Guide(
        "לא ידוע",
        ("גבעת נוף בית תל עין הר שדה נווה", " ", "הזית הרימון התמר האלון השקד"),
        "{town} היא עיירה עתיקה על נהר {river}. היא נוסדה בשנת {year}. העיירה ידועה בייצור {good}, ובכל סתיו נערך בה חג.",
        (("במה ידועה העיירה {town}?", "{good}"), ("על איזה נהר נמצאת העיירה {town}?", "{river}"),
         ("באיזו שנה נוסדה העיירה {town}?", "{year}")),
        "הירדן הירקון הקישון השורק התנינים", "גבינה דבש זכוכית סבון יין", ".", "איש אינו יודע",
    ),
    "hi": Guide(
        "अज्ञात",
        ("राम श्याम सूरज चंद्र देव हरि गंगा कमल", "", "पुर नगर गढ़ गाँव वाड़ा"),
        "{town} {river} नदी के किनारे बसा एक पुराना नगर है। इसकी स्थापना {year} में हुई थी। यह नगर {good} के लिए प्रसिद्ध है और हर शरद में "
        "यहाँ मेला लगता है।",
        (("{town} किसके लिए प्रसिद्ध है?", "{good}"), ("{town} किस नदी के किनारे बसा है?", "{river}"),
         ("{town} की स्थापना किस वर्ष हुई थी?", "{year}")),
        "गंगा यमुना गोदावरी नर्मदा कावेरी", "पनीर शहद काँच साबुन रेशम", "।", "कोई नहीं जानता",
    ),
    "zh": Guide(
        "不知道",
        ("青 白 红 金 玉 石 云 龙", "", "川 山 湖 泉 桥"),
        "{town}是一座位于{river}岸边的古镇，建于{year}年。镇上最有名的特产是{good}，每年秋天都会举行庆典。",
        (("{town}最有名的特产是什么？", "{good}"), ("{town}位于哪条河的岸边？", "{river}"), ("{town}建于哪一年？", "{year}年")),
        "东河 西河 南河 北河 清河", "茶叶 瓷器 丝绸 蜂蜜 铜矿", "。", "没有人晓得",
    ),
    "ja": Guide(
        "不明",
        ("青 白 赤 金 玉 石 雲 竜", "", "川町 山町 沢町 田町 原町"),
        "{town}は{river}のほとりにある古い町で、{year}年に作られました。町の名物は{good}で、毎年秋に祭りがあります。",
        (("{town}の名物は何ですか？", "{good}"), ("{town}はどの川のほとりにありますか？", "{river}"), ("{town}は何年に作られましたか？", "{year}年")),
        "東川 西川 南川 北川 中川", "お茶 陶器 和紙 味噌 蜂蜜", "。", "誰も知らない",
    ),
    "th": Guide(
        "ไม่ทราบ",
        ("บ้าน เมือง หนอง ดอน ท่า คลอง เขา วัง", "", "ทอง แก้ว ใหม่ ไทร หิน"),
        "{town}เป็นเมืองเก่าริมแม่น้ำ{river} ก่อตั้งขึ้นในปี {year} เมืองนี้มีชื่อเสียงเรื่อง{good} และมีงานประจำปีทุกฤดูหนาว",
        (("{town}มีชื่อเสียงเรื่องอะไร", "{good}"), ("{town}ตั้งอยู่ริมแม่น้ำอะไร", "{river}"), ("{town}ก่อตั้งขึ้นในปีใด", "{year}")),
        "ปิง วัง ยม น่าน ชี", "ผ้าไหม น้ำผึ้ง เครื่องแก้ว ข้าวหอม สบู่", " ", "ไม่มีใครรู้",
    ),
    "ko": Guide(
        "모름",
        ("청 백 홍 금 옥 석 운 용", "", "천시 산시 강시 호시 포시"),
        "{town}는 {river} 가에 있는 오래된 도시로 {year}년에 세워졌다. 이 도시의 특산물은 바로 {good}, 해마다 가을에 축제가 열린다.",
        (("{town}의 특산물은 무엇입니까?", "{good}"), ("{town}는 어느 강가에 있습니까?", "{river}"), ("{town}는 몇 년에 세워졌습니까?", "{year}년")),
        "한강 금강 낙동강 섬진강 영산강", "도자기 인삼 비단 벌꿀 녹차", ".", "아무도 알지 못한다",
    ),
}  # fmt: skip
