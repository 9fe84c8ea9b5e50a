"""Words of the generated set: names with their frequencies, short forms, places. Own writing, facts of common knowledge."""


def _words(text: str) -> list[str]:
    return text.split()


# Name and its short forms; the number is how many of a thousand have it.
RU_MEN = """
130 Александр Саша Шура Саня|80 Сергей Серёжа Серый|70 Дмитрий Дима Митя|65 Андрей Андрюша|65 Алексей Лёша Алёша
50 Максим Макс|50 Евгений Женя|50 Иван Ваня|45 Михаил Миша|40 Владимир Вова Володя|40 Николай Коля|35 Артём Тёма
30 Роман Рома|30 Павел Паша|25 Виктор Витя|25 Юрий Юра|25 Константин Костя|20 Олег Олежка|20 Игорь Игорёк
20 Денис Дэн|20 Антон Антоша|18 Виталий Виталик|15 Илья Илюша|15 Кирилл Кирюша|12 Григорий Гриша|12 Георгий Гоша Жора
10 Пётр Петя|10 Вячеслав Слава|10 Василий Вася|8 Станислав Стас|8 Фёдор Федя|6 Борис Боря|6 Семён Сеня|5 Лев Лёва
4 Яков Яша|4 Ярослав Ярик Слава|3 Тимофей Тима|3 Степан Стёпа|3 Вадим Вадик|2 Эдуард Эдик|2 Глеб Глебушка
"""
RU_WOMEN = """
75 Елена Лена|70 Татьяна Таня|65 Наталья Наташа Ната|65 Ольга Оля|60 Анна Аня Нюра|55 Екатерина Катя|50 Ирина Ира
50 Светлана Света|50 Анастасия Настя|45 Мария Маша Маруся|40 Юлия Юля|40 Александра Саша Шура|30 Людмила Люда
30 Марина Мариша|30 Галина Галя|30 Надежда Надя|25 Дарья Даша|25 Виктория Вика|25 Евгения Женя|20 Ксения Ксюша
20 Валентина Валя|20 Оксана Ксюша|20 Любовь Люба|15 Вера Верочка|15 Лариса Лара|15 Полина Поля|12 Софья Соня
12 Елизавета Лиза|12 Алёна Алёнка|10 Нина Ниночка|10 Вероника Ника|10 Валерия Лера|8 Тамара Тома|8 Кристина Крис
6 Диана Диана|6 Лидия Лида|5 Зинаида Зина|5 Варвара Варя|4 Маргарита Рита Марго|3 Раиса Рая|3 Инна Инночка
"""
EN_MEN = """
60 James Jim Jimmy|60 John Jack Johnny|55 Robert Bob Rob|50 Michael Mike|45 William Bill Will|40 David Dave|35 Richard Dick Rick
35 Thomas Tom|35 Charles Charlie Chuck|30 Joseph Joe|30 Daniel Dan Danny|30 Matthew Matt|25 Anthony Tony|20 Andrew Andy
20 Christopher Chris|20 Edward Ed Ted|15 Kenneth Ken|15 Stephen Steve|15 Benjamin Ben|15 Samuel Sam|12 Nicholas Nick
12 Gregory Greg|10 Patrick Pat|10 Joshua Josh|10 Henry Harry|8 Lawrence Larry|8 Ronald Ron|6 Peter Pete|5 Frederick Fred
"""
EN_WOMEN = """
60 Mary Molly Polly|50 Elizabeth Liz Beth Betty|45 Jennifer Jen Jenny|40 Margaret Maggie Peggy|40 Susan Sue|35 Sarah Sally
35 Catherine Kate Cathy|30 Patricia Pat Trish|30 Jessica Jess|25 Barbara Barb|25 Rebecca Becky|25 Samantha Sam|20 Emily Emmy
20 Victoria Vicky|15 Deborah Debbie|15 Christine Chris|15 Charlotte Lottie|12 Caroline Carrie|12 Dorothy Dot|10 Pamela Pam
10 Stephanie Steph|10 Abigail Abby|8 Theresa Terry Tess|8 Olivia Liv|6 Eleanor Ellie|6 Judith Judy|5 Isabella Bella
"""
RU_COMMON = _words("""
Иванов Смирнов Кузнецов Попов Васильев Петров Соколов Михайлов Новиков Фёдоров Морозов Волков Алексеев Лебедев Семёнов
Егоров Павлов Козлов Степанов Николаев Орлов Андреев Макаров Никитин Захаров Зайцев Соловьёв Борисов Яковлев Григорьев
Романов Воробьёв Сергеев Кузьмин Фролов Александров Дмитриев Королёв Гусев Киселёв Ильин Максимов Поляков Сорокин
Виноградов Ковалёв Белов Медведев Антонов Тарасов Жуков Баранов Филиппов Комаров Давыдов Беляев Герасимов Богданов
""")
RU_STEMS = _words("""
Щербак Мельник Гончар Ткач Кравц Бондар Шевч Хруст Цветк Черкас Журавл Чист Щук Рябин Берёзк Дубров Осин Калин Сосн
Бобр Медн Золот Серебр Желез Камен Песк Глин Рощ Луг Пол Болот Озер Рек Мор Остров Гор Скал Долг Коротк Кругл Прям Крив
Больш Мал Стар Молод Храбр Добр Лют Зл Красн Черн Зелен Син Рыж Сед Бород Ус Голов Рук Плет Сапож Кож Шап Рубах Пояс
Топор Пил Молот Гвозд Подков Колес Телег Сан Лод Парус Вёсл Рыбак Охот Стрел Лук Щит Мечник Конюх Пастух Кормил Хлеб
Калач Пирог Блин Каш Щегл Снегир Дрозд Дятл Сорок Ворон Галк Чайк Журб Филин Сов Ястреб Кречет Лис Зай Барсук Куниц
Ёж Хорь Хвост Лапт Шуб Зим Весн Лет Осен Мороз Снеж Дожд Ветр Гром Туч Заря Ноч Рассвет Полун Четверг Суббот
""")
RU_ENDINGS = ("ов", "ев", "ин", "ский", "енко", "ников", "ушкин", "аков")
EN_COMMON = _words("""
Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts Green Hall
Wood Jackson Clarke Harris Clark Turner Hill Moore Cooper Ward Baker Allen Young King Scott Lee Mitchell Campbell Martin
""")
EN_STEMS = _words("""
Ash Black Brad Bright Brook Carl Chester Clay Cran Dal East Elm Fair Farn Glen Gold Green Hart Hazel High Hol Kirk Lang
Lind Mar Mid Nor Oak Pem Rad Red Rock Sand Shel Stan Sud Thorn Wal West Whit Win
""")
EN_ENDINGS = ("ford", "wood", "ton", "ley", "field", "man", "well", "worth", "by", "shaw", "combe", "more")
# What a rare surname begins with besides: a few thousand households of a million share none of the above.
RU_RARE = _words("""
Бар Вер Гор Дар Зар Кар Лар Мар Нар Пар Сар Тар Хар Чар Шар Бел Вел Дел Зел Кел Мел Пел Сел Тел Чел Бал Вал Гал Дал Жал
Кал Мал Нал Пал Тал Бур Гур Дур Жур Кур Мур Пур Сур Тур Шур Бог Вог Дог Лог Мог Рог Тог Бут Гут Кут Лут Мут Шут Тут Лаг
""")
EN_RARE = _words("""
Bar Ber Bor Bur Car Cor Dar Der Dor Far Fer Gar Gor Har Her Hor Jar Kar Ker Lar Lor Mar Mer Mor Nar Ner Nor Par Per Por
""")
RU_CITIES = _words("""
Москва Санкт-Петербург Новосибирск Екатеринбург Казань Самара Омск Челябинск Ростов-на-Дону Уфа Красноярск Пермь Воронеж
Волгоград Краснодар Саратов Тюмень Тольятти Ижевск Барнаул Иркутск Ярославль Владивосток Томск Оренбург Кемерово Рязань
""")
EN_CITIES = _words("""
London Birmingham Leeds Glasgow Sheffield Manchester Edinburgh Liverpool Bristol Cardiff Leicester Coventry Nottingham
Newcastle Plymouth Derby Southampton Portsmouth Brighton Reading Norwich Oxford Cambridge York Exeter Gloucester
""")
RU_STREETS = _words("""
Ленина Советская Молодёжная Центральная Школьная Новая Садовая Лесная Набережная Мира Гагарина Зелёная Первомайская
Комсомольская Пушкина Октябрьская Заводская Полевая Кирова Луговая Строителей Солнечная Речная Береговая Чехова Горького
Толстого Некрасова Лермонтова Чапаева Калинина Фрунзе Свердлова Крупской Победы Космонавтов Королёва Циолковского
Жуковского Суворова Кутузова Нахимова Щорса Крылова Грибоедова Тургенева Достоевского Вокзальная Северная Южная
""")
EN_STREETS = _words("""
High Station Church Victoria Green Manor Park Queen King Mill London Albert Windsor Springfield Grange Chapel Castle
Meadow Highfield Bridge School Stanley George Alexandra Orchard Grove Clarence York Cambridge Oxford Bishop Harbour
Willow Chestnut Laburnum Hawthorn Juniper Lavender Magnolia Nightingale Kingfisher Heron Falcon Foxglove Primrose
""")
EN_KINDS = ("Street", "Road", "Lane", "Avenue", "Close", "Drive")
RU_DISTRICTS = _words("""
Центральный Северный Южный Заречный Октябрьский Ленинский Кировский Приморский Железнодорожный Промышленный Академический
Солнечный Юбилейный Черёмушки Заводской Левобережный Правобережный Привокзальный Индустриальный Дзержинский Металлургов
""")
EN_DISTRICTS = _words("""
Northfield Westgate Eastside Riverside Hillcrest Oldtown Parkside Whitemoor Stonebridge Longmead Broadoak Fairview
Marshgate Newlands Thornhill Ravenscourt Elmstead Copperfield Brackenwood Summerhill Waterloo
""")
RU_MAIL = ("mail.ru", "yandex.ru", "bk.ru", "gmail.com", "rambler.ru", "list.ru")
EN_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "btinternet.com")

# Romanisations in use, as the letters in which they differ from the plainest one.
PLAIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i i k l m n o p r s t u f kh ts ch sh shch - y - e iu ia".replace("-", "\u200b").split(" "),
        strict=True,
    )
) | {"ъ": "", "ь": ""}
ROMAN = {
    "passport": {"ъ": "ie"},
    "bgn": {"й": "y", "ё": "yo", "ю": "yu", "я": "ya", "ь": "'"},
    "gost": {"х": "x", "ц": "cz", "щ": "shh", "й": "j", "ё": "yo", "ю": "yu", "я": "ya", "ь": ""},
    "iso9": {
        "ж": "ž",
        "х": "h",
        "ц": "c",
        "ч": "č",
        "ш": "š",
        "щ": "ŝ",
        "й": "j",
        "ю": "û",
        "я": "â",
        "ё": "ë",
        "э": "è",
    },
    "informal": {"х": "h", "щ": "sch", "й": "y", "ё": "e", "ю": "yu", "я": "ya", "ц": "c"},
}
