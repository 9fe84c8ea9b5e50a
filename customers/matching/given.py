"""Given names and what they become among friends: one name a line, its short and foreign forms after the colon.

A form is looked up by its skeleton, so that Саша is found by Sasha too. A form may stand with several names.
"""

ROWS = """
Александр: саша сашка саня санек шура шурик алекс алик alexander alexandre alex alec xander aleksander oleksandr
Александра: саша сашенька шура шурочка аля sandra alexandra alex lexi sasha oleksandra
Алексей: леша лешка алеша леха alexey alexei alexis oleksiy
Анатолий: толя толик толян anatole
Андрей: андрюша дрон andrew andre andreas
Антон: тоша антоша тоха anton anthony
Антонина: тоня тося тонечка antonia
Анна: аня анечка анюта нюра ася ann anne annie hanna hannah
Анастасия: настя настенька ася стася anastasia stacy nastassia
Арсений: сеня арсюша arseny arsenii
Артем: тема артемий артемка artem artyom artemy
Артур: артурчик arthur art
Богдан: даня богдаша bohdan
Борис: боря борька boris
Вадим: вадик дима vadim
Валентин: валя валек valentine
Валентина: валя валюша тина valentina
Валерий: валера лера valery
Валерия: лера лерочка валера valeria
Варвара: варя варенька barbara
Василий: вася васек василь basil vasyl
Вера: верочка веруня vera
Вероника: ника вероничка veronica
Виктор: витя витек victor vic
Виктория: вика тори викуся victoria vicky tori
Виталий: виталик виталя vitaly
Виолетта: виола вета violet violetta
Владимир: вова володя вовка вован vladimir volodymyr
Владислав: влад слава владик vladislav
Всеволод: сева vsevolod
Вячеслав: слава славик vyacheslav
Галина: галя галка галочка halyna galina
Геннадий: гена генка gennady
Георгий: гоша жора гера george georgy
Герман: гера herman
Глеб: глебушка gleb
Григорий: гриша гриня gregory greg
Даниил: даня данила данил данька daniel dan danny danila
Дарья: даша дашенька daria darya dasha
Денис: дениска ден dennis denis
Диана: ди dina diana diane
Дмитрий: дима митя димон димка dmitry dmitri dimitri dmytro
Евгений: женя женька жека eugene gene yevgeny
Евгения: женя женечка eugenia
Егор: егорка гоша yegor
Екатерина: катя катерина катюша катенька catherine katherine kate katie kathy ekaterina kateryna
Елена: лена алена леночка ленка helen helena elena ellen olena
Елизавета: лиза лизочка elizabeth eliza
Захар: захарка zachary zakhar
Зинаида: зина зиночка zinaida
Зоя: зоечка zoe
Иван: ваня ванька ванек ivan john
Игорь: игорек гоша igor ihor
Илья: илюша илюха ilya elijah elias
Инна: инночка inna
Ирина: ира иришка ириша irene iryna
Карина: кара carina karina
Кирилл: кира кирюша cyril kirill
Кира: кирочка kira
Константин: костя костик constantine kostya
Кристина: крис кристи christina christine kristina tina
Ксения: ксюша ксеня оксана xenia kseniya oksana
Лариса: лара larissa
Лев: лева левушка leo leon lev
Леонид: леня леня leonid
Лидия: лида лидочка lydia
Лилия: лиля lily lilia
Любовь: люба любаша lyubov
Людмила: люда мила люся людочка ludmila liudmyla
Максим: макс максик max maxim
Маргарита: рита марго маргоша margaret rita margarita
Марина: мариша маринка marina
Мария: маша маруся маня машенька mary maria marie masha
Марк: марик mark marcus
Матвей: мотя матюша matthew matvey
Михаил: миша мишка мишаня michael mike mick mikhail mykhailo
Надежда: надя наденька nadezhda hope nadia
Наталья: наташа ната наталия таша natalia natalie natasha
Никита: никитка ник nikita
Николай: коля колян николаша nicholas nick nikolai mykola
Нина: ниночка nina
Нелли: неля nelly
Олег: олежка олежек oleg oleh
Олеся: леся olesya
Ольга: оля олечка олька olga olha
Павел: паша пашка павлик paul pavel pavlo
Петр: петя петька peter pete petro
Полина: поля полинка аполлинария paulina
Раиса: рая raisa
Регина: ина regina
Роман: рома ромка ромчик roman
Ростислав: ростик слава rostislav
Руслан: русик руся ruslan
Савелий: сава сева savely
Светлана: света светик лана svetlana
Святослав: слава свят svyatoslav
Семен: сема сеня simon semyon
Сергей: сережа серега серый sergey serge sergei serhiy
Софья: соня софа софия софочка sophia sophie sofia
Станислав: стас слава стасик stanislav stan
Степан: степа степка stephan stepan
Таисия: тая тася taisia
Тамара: тома томочка tamara
Татьяна: таня танюша танечка tatiana tanya
Тимофей: тима тимоша timothy tim timofey
Тимур: тима timur
Федор: федя федька theodore fyodor fedor
Филипп: филя филя philip phil
Эдуард: эдик эд edward eduard
Эльвира: эля elvira
Эмма: эммочка emma
Юлия: юля юлька юленька julia juliet yulia
Юрий: юра юрик yury yuri iurii
Яков: яша яша jacob jake yakov
Яна: яночка yana jana
Ярослав: ярик слава yaroslav
Abigail: abby gail
Adam: ad
Albert: al bert bertie
Alan: al allan allen
Amanda: mandy
Angela: angie
Arthur: art artie
Barbara: barb barbie babs
Benjamin: ben benny benji
Bradley: brad
Caroline: carrie carol lina
Catherine: kate katie cathy kathy kat kitty katherine kathleen cate
Charles: charlie chuck chas
Charlotte: charlie lottie
Christopher: chris kit topher
Christine: chris christina chrissy tina
Daniel: dan danny
David: dave davy
Deborah: deb debbie
Donald: don donny
Dorothy: dot dolly dottie
Edward: ed eddie ted teddy ned
Edwin: ed eddie
Eleanor: ellie nell nora
Elizabeth: liz lizzie beth betty eliza lisa bess betsy libby
Emily: em emmy
Eugene: gene
Florence: flo
Frances: fran frannie
Francis: frank frankie
Frederick: fred freddie
Gabriel: gabe
Gabrielle: gabby
Geoffrey: geoff jeff jeffrey
Gerald: gerry jerry
Gregory: greg
Harold: harry hal
Henry: harry hank hal
Isabella: bella izzy isabel isabelle
Jacob: jake
Jacqueline: jackie
James: jim jimmy jamie
Janet: jan
Jennifer: jen jenny
Jessica: jess jessie
John: jack johnny jon
Jonathan: jon jonny nathan
Joseph: joe joey
Joshua: josh
Judith: judy
Kenneth: ken kenny
Lawrence: larry laurie laurence
Leonard: leo len lenny
Louis: lou louie lewis
Madeline: maddie madeleine
Margaret: maggie meg peggy marge greta daisy
Martin: marty
Mary: molly polly mae maria marie
Matthew: matt matty
Megan: meg
Melissa: mel missy
Michael: mike mick mikey mickey
Nathaniel: nathan nate nat
Nicholas: nick nicky nico
Nicole: nikki nicky
Olivia: liv livvy
Oliver: ollie
Pamela: pam
Patricia: pat patty trish tricia
Patrick: pat paddy rick
Penelope: penny
Peter: pete
Philip: phil pip
Raymond: ray
Rebecca: becky becca
Richard: dick rick ricky rich richie
Robert: bob bobby rob robbie bert
Ronald: ron ronnie
Rosemary: rose rosie
Samantha: sam sammy
Samuel: sam sammy
Sarah: sally sara sadie
Sophia: sophie
Stephanie: steph
Stephen: steve stevie steven
Susan: sue susie suzanne
Terence: terry
Theresa: terry tess tessa theresa
Theodore: ted theo teddy
Thomas: tom tommy
Timothy: tim timmy
Victoria: vicky tori
Vincent: vince vinny
Walter: walt wally
William: bill billy will willie liam
Zachary: zach zack
"""
