"""Given names and what they become among friends: one name a line, its short and foreign forms after the colon.

A form is looked up by its skeleton, so that Саша is found by Sasha too. A form may stand with several names.
"""

ROWS = """
Агата
Аглая
Агния
Аделина
Азат
Айгуль
Айрат
Айше
Александр: саша сашка саня санек шура шурик алекс алик alexander alexandre alex alec xander aleksander oleksandr
Александра: саша сашенька шура шурочка аля sandra alexandra alex lexi sasha oleksandra
Алексей: леша лешка алеша леха alexey alexei alexis oleksiy
Алена: аленка аленушка alyona
Алина
Алиса
Алишер
Алсу
Альбина
Альфия
Амина
Аминат
Анастасия: настя настенька ася стася anastasia stacy nastassia
Анатолий: толя толик толян anatole
Анвар
Ангелина
Андрей: андрюша дрон andrew andre andreas
Анжела
Анжелика
Анна: аня анечка анюта нюра ася ann anne annie hanna hannah
Антон: тоша антоша тоха anton anthony
Антонина: тоня тося тонечка antonia
Ариадна
Арина
Аркадий
Армен
Арсений: сеня арсюша arseny arsenii
Артем: тема артемий артемка artem artyom artemy
Артур: артурчик arthur art
Аслан
Ахмед
Ашот
Бахтияр
Берта
Богдан: даня богдаша bohdan
Божена
Борис: боря борька boris
Булат
Вагиф
Вадим: вадик дима vadim
Вазген
Валентин: валя валек valentine
Валентина: валя валюша тина valentina
Валерий: валера лера valery
Валерия: лера лерочка валера valeria
Ванда
Варвара: варя варенька barbara
Василий: вася васек василь basil vasyl
Василиса
Вениамин
Вера: верочка веруня vera
Вероника: ника вероничка veronica
Виктор: витя витек victor vic
Виктория: вика тори викуся victoria vicky tori
Виолетта: виола вета violet violetta
Виссарион
Виталий: виталик виталя vitaly
Влада
Владимир: вова володя вовка вован vladimir volodymyr
Владислав: влад слава владик vladislav
Владислава
Всеволод: сева vsevolod
Вячеслав: слава славик vyacheslav
Гавриил
Галина: галя галка галочка halyna galina
Гамзат
Гарик
Геннадий: гена генка gennady
Георгий: гоша жора гера george georgy
Герман: гера herman
Гиви
Глафира
Глеб: глебушка gleb
Григорий: гриша гриня gregory greg
Гузель
Гульнара
Даниил: даня данила данил данька daniel dan danny danila
Данияр
Дарина
Дарья: даша дашенька daria darya dasha
Демид
Денис: дениска ден dennis denis
Диана: ди dina diana diane
Динара
Дмитрий: дима митя димон димка dmitry dmitri dimitri dmytro
Ева
Евангелина
Евгений: женя женька жека eugene gene yevgeny
Евгения: женя женечка eugenia
Евдокия
Егор: егорка гоша yegor
Екатерина: катя катерина катюша катенька catherine katherine kate katie kathy ekaterina kateryna
Елена: лена алена леночка ленка helen helena elena ellen olena
Елизавета: лиза лизочка elizabeth eliza
Ерлан
Есения
Ефим
Жанна
Зарина
Заур
Захар: захарка zachary zakhar
Зинаида: зина зиночка zinaida
Злата
Зоя: зоечка zoe
Зульфия
Зураб
Иван: ваня ванька ванек ivan john
Иванна
Игнат
Игорь: игорек гоша igor ihor
Изабелла
Ильдар
Илья: илюша илюха ilya elijah elias
Инга
Инесса
Инна: инночка inna
Иннокентий
Иоланта
Иосиф
Ирина: ира иришка ириша irene iryna
Камиль
Карен
Карина: кара carina karina
Каролина
Касьян
Кира: кирочка kira
Кирилл: кира кирюша cyril kirill
Клавдия
Клара
Клим
Константин: костя костик constantine kostya
Кристина: крис кристи christina christine kristina tina
Ксения: ксюша ксеня xenia kseniya
Лаврентий
Лада
Лариса: лара larissa
Лев: лева левушка leo leon lev
Лейла
Леонид: леня ленчик leonid
Лидия: лида лидочка lydia
Лилия: лиля lily lilia
Лия
Луиза
Лука
Любовь: люба любаша lyubov
Людмила: люда мила люся людочка ludmila liudmyla
Магомед
Мадина
Майя
Макар
Максим: макс максик max maxim
Малика
Мальвина
Марат
Маргарита: рита марго маргоша margaret rita margarita
Марианна
Марина: мариша маринка marina
Мария: маша маруся маня машенька mary maria marie masha
Марк: марик mark marcus
Марта
Матвей: мотя матюша matthew matvey
Мелания
Милана
Мирон
Мирослава
Михаил: миша мишка мишаня michael mike mick mikhail mykhailo
Мурат
Надежда: надя наденька nadezhda hope nadia
Назар
Наиль
Наталья: наташа ната наталия таша natalia natalie natasha
Наум
Нелли: неля nelly
Нигора
Никита: никитка ник nikita
Николай: коля колян николаша nicholas nick nikolai mykola
Николь
Нина: ниночка nina
Нонна
Нурлан
Оксана: ксюша ксана оксанка oksana
Олег: олежка олежек oleg oleh
Олеся: леся olesya
Олимпия
Ольга: оля олечка олька olga olha
Отар
Павел: паша пашка павлик paul pavel pavlo
Патимат
Пелагея
Петр: петя петька peter pete petro
Платон
Полина: поля полинка аполлинария paulina
Прасковья
Прохор
Раиса: рая raisa
Рамиль
Рамиля
Рафаэль
Рашид
Регина: ина regina
Резеда
Рената
Римма
Ринат
Родион
Роза
Роман: рома ромка ромчик roman
Ростислав: ростик слава rostislav
Ростислава
Руслан: русик руся ruslan
Руслана
Рустам
Сабина
Савелий: сава сева savely
Самуил
Светлана: света светик лана svetlana
Святослав: слава свят svyatoslav
Семен: сема сеня simon semyon
Серафима
Сергей: сережа серега серый sergey serge sergei serhiy
Снежана
Софья: соня софа софия софочка sophia sophie sofia
Станислав: стас слава стасик stanislav stan
Станислава
Степан: степа степка stephan stepan
Стефания
Таисия: тая тася taisia
Тамара: тома томочка tamara
Тарас
Татьяна: таня танюша танечка tatiana tanya
Тигран
Тимофей: тима тимоша timothy tim timofey
Тимур: тима timur
Тихон
Трофим
Ульяна
Фаина
Фарид
Фатима
Федор: федя федька theodore fyodor fedor
Феликс
Филипп: филя филя philip phil
Фрида
Харитон
Хасан
Христина
Шамиль
Эвелина
Эдита
Эдуард: эдик эд edward eduard
Элина
Эльвира: эля elvira
Эльдар
Эльза
Эльмира
Эмиль
Эмма: эммочка emma
Эрик
Эрика
Юлия: юля юлька юленька julia juliet yulia
Юнона
Юрий: юра юрик yury yuri iurii
Яков: яша яша jacob jake yakov
Яна: яночка yana jana
Янина
Ярослав: ярик слава yaroslav
Ярослава
Ясмина
Aaron
Abigail: abby gail
Adam: ad
Agnes: aggie nessie
Alan: al allan allen
Albert: al bert bertie
Alexis: lexi alex
Alfred: alf alfie fred
Alice: ali allie
Alison: ali allie
Amanda: mandy
Amber
Amelia: millie amy
Andrea: andi
Andrew: andy drew
Angela: angie
Anthony: tony ant anton antony
Antonia: toni tonia
Archibald: archie
Arnold: arnie
Arthur: art artie
Ashley
August: gus gussie
Austin
Barbara: barb barbie babs
Bartholomew: bart
Beatrice: bea trixie
Benjamin: ben benny benji
Bernard: bernie
Beverly
Bradley: brad
Brandon
Brenda
Brian
Bridget: biddy bridie
Brittany
Bruce
Bryan
Caleb
Calvin: cal
Cameron: cam
Camilla: cam millie
Carl
Caroline: carrie carol lina
Carolyn
Cassandra: cass cassie
Catherine: kate katie cathy kathy kat kitty katherine kathleen cate
Cecilia: cissy celia
Charles: charlie chuck chas
Charlotte: charlie lottie
Cheryl
Christian
Christine: chris christina chrissy tina
Christopher: chris kit topher
Clara
Clarence: clary
Clifford: cliff
Clinton: clint
Constance: connie
Cynthia: cindy
Daniel: dan danny
Danielle
David: dave davy
Deborah: deb debbie
Debra
Denise
Derek: del
Diana: di
Dominic: dom nick
Donald: don donny
Donna
Doris
Dorothy: dot dolly dottie
Douglas: doug dougie
Duncan: dunc
Dylan
Edith: edie
Edward: ed eddie ted teddy ned
Edwin: ed eddie
Elaine: lainie
Eleanor: ellie nell nora
Elijah: eli
Elizabeth: liz lizzie beth betty eliza lisa bess betsy libby
Ellen: nell nellie
Emily: em emmy
Eric
Erik
Ernest: ernie
Esther: essie hettie
Ethan
Eugene: gene
Evelyn: eve evie
Fiona: fi
Florence: flo
Frances: fran frannie
Francis: frank frankie
Frederick: fred freddie
Gabriel: gabe
Gabrielle: gabby
Gary
Geoffrey: geoff jeff jeffrey
Georgina: georgie gina
Gerald: gerry jerry
Geraldine: gerry
Gilbert: gil bert
Gloria
Gordon: gordie
Grace
Graham: gray
Gregory: greg
Gwendolyn: gwen
Harold: harry hal
Harriet: hattie harry
Heather
Helen: nell nellie ellen
Henry: harry hank hal
Herbert: herb bert
Howard: howie
Hubert: bert hugh
Hugo
Imogen: immy
Isabella: bella izzy isabel isabelle
Jacob: jake
Jacqueline: jackie
James: jim jimmy jamie
Jane: janie jenny
Janet: jan
Janice: jan
Jasmine: jas jaz
Jason
Jennifer: jen jenny
Jeremiah: jerry
Jeremy: jerry jem
Jessica: jess jessie
Joanna: jo joan joanne
John: jack johnny jon
Jonathan: jon jonny nathan
Jordan
Joseph: joe joey
Josephine: jo josie
Joshua: josh
Joyce
Judith: judy
Julia: jules julie
Julian: jules
Juliet: jules julie
Justin
Karen
Kathryn
Kayla
Keith
Kelly
Kenneth: ken kenny
Kevin
Kimberley: kim
Kimberly
Kyle
Laura
Lauren
Lawrence: larry laurie laurence
Leonard: leo len lenny
Leslie: les
Lillian: lily lil
Linda
Logan
Lori
Louis: lou louie lewis
Lucas
Lucinda: lucy cindy
Lucy: lu
Madeline: maddie madeleine
Madison
Magdalene: maggie lena
Malcolm: mal
Marcus: marc
Margaret: maggie meg peggy marge greta daisy
Marilyn
Marjorie: marge margie
Martha: marty mattie
Martin: marty
Mary: molly polly mae maria marie
Mason
Matthew: matt matty
Maurice: mo morris
Maximilian: max
Megan: meg
Melissa: mel missy
Michael: mike mick mikey mickey
Michelle: shelly mickey
Millicent: millie
Mitchell: mitch
Nancy
Natalie: nat
Natasha: tasha nat
Nathaniel: nathan nate nat
Neil: neal
Nicholas: nick nicky nico
Nicole: nikki nicky
Noah
Norman: norm
Oliver: ollie
Olivia: liv livvy
Pamela: pam
Patricia: pat patty trish tricia
Patrick: pat paddy rick
Penelope: penny
Peter: pete
Philip: phil pip
Prudence: prue
Rachel: rach rae
Randy
Raymond: ray
Rebecca: becky becca
Reginald: reg reggie
Richard: dick rick ricky rich richie
Robert: bob bobby rob robbie bert
Roberta: bobbie robbie
Roderick: rod roddy
Rodney: rod roddy
Roger: rodge
Roland: rolly
Ronald: ron ronnie
Rosemary: rose rosie
Roy
Rupert: rupe
Russell: russ
Ruth: ruthie
Ryan
Samantha: sam sammy
Samuel: sam sammy
Sarah: sally sara sadie
Scott
Sean
Sebastian: seb bas
Sharon
Shirley
Sidney: sid
Simon: si
Sophia: sophie
Spencer: spence
Stanley: stan
Stephanie: steph
Stephen: steve stevie steven
Stuart: stu stewart
Susan: sue susie suzanne
Sylvia: syl
Tabitha: tabby
Tamsin: tam
Terence: terry
Teresa
Theodore: ted theo teddy
Theresa: terry tess tessa theresa
Thomas: tom tommy
Tiffany
Timothy: tim timmy
Tobias: toby
Tristan: tris
Tyler
Valerie: val
Vanessa: nessa
Veronica: ronnie nica
Victoria: vicky tori
Vincent: vince vinny
Virginia: ginny ginger
Vivian: viv
Wallace: wally
Walter: walt wally
Wayne
Wilfred: wilf fred
William: bill billy will willie liam
Winifred: winnie freda
Winston: win
Yvonne: evie
Zachary: zach zack
"""
