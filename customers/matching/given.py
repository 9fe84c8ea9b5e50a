"""Given names and what they become among friends: one name a line, its short and foreign forms after the colon.

A form is looked up by its skeleton, so that Саша is found by Sasha too. A form may stand with several names.
"""

ROWS = """
Александр: саша сашка саня санек шура шурик алекс алик alexander alexandre alex alec xander aleksander oleksandr
Александра: саша сашенька шура шурочка аля sandra alexandra alex lexi sasha oleksandra
Алексей: леша лешка алеша леха alexey alexei alexis oleksiy
Алена: аленка аленушка alyona
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
Ксения: ксюша ксеня xenia kseniya
Лариса: лара larissa
Лев: лева левушка leo leon lev
Леонид: леня ленчик leonid
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
Оксана: ксюша ксана оксанка oksana
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
Agnes: aggie nessie
Alan: al allan allen
Albert: al bert bertie
Alexis: lexi alex
Alfred: alf alfie fred
Alice: ali allie
Alison: ali allie
Amanda: mandy
Amelia: millie amy
Andrea: andi
Andrew: andy drew
Angela: angie
Anthony: tony ant anton antony
Antonia: toni tonia
Archibald: archie
Arnold: arnie
Arthur: art artie
August: gus gussie
Barbara: barb barbie babs
Bartholomew: bart
Beatrice: bea trixie
Benjamin: ben benny benji
Bernard: bernie
Bradley: brad
Bridget: biddy bridie
Calvin: cal
Cameron: cam
Camilla: cam millie
Caroline: carrie carol lina
Cassandra: cass cassie
Catherine: kate katie cathy kathy kat kitty katherine kathleen cate
Cecilia: cissy celia
Charles: charlie chuck chas
Charlotte: charlie lottie
Christine: chris christina chrissy tina
Christopher: chris kit topher
Clarence: clary
Clifford: cliff
Clinton: clint
Constance: connie
Cynthia: cindy
Daniel: dan danny
David: dave davy
Deborah: deb debbie
Derek: del
Diana: di
Dominic: dom nick
Donald: don donny
Dorothy: dot dolly dottie
Douglas: doug dougie
Duncan: dunc
Edith: edie
Edward: ed eddie ted teddy ned
Edwin: ed eddie
Elaine: lainie
Eleanor: ellie nell nora
Elijah: eli
Elizabeth: liz lizzie beth betty eliza lisa bess betsy libby
Ellen: nell nellie
Emily: em emmy
Ernest: ernie
Esther: essie hettie
Eugene: gene
Evelyn: eve evie
Fiona: fi
Florence: flo
Frances: fran frannie
Francis: frank frankie
Frederick: fred freddie
Gabriel: gabe
Gabrielle: gabby
Geoffrey: geoff jeff jeffrey
Georgina: georgie gina
Gerald: gerry jerry
Geraldine: gerry
Gilbert: gil bert
Gordon: gordie
Graham: gray
Gregory: greg
Gwendolyn: gwen
Harold: harry hal
Harriet: hattie harry
Helen: nell nellie ellen
Henry: harry hank hal
Herbert: herb bert
Howard: howie
Hubert: bert hugh
Imogen: immy
Isabella: bella izzy isabel isabelle
Jacob: jake
Jacqueline: jackie
James: jim jimmy jamie
Jane: janie jenny
Janet: jan
Janice: jan
Jasmine: jas jaz
Jennifer: jen jenny
Jeremiah: jerry
Jeremy: jerry jem
Jessica: jess jessie
Joanna: jo joan joanne
John: jack johnny jon
Jonathan: jon jonny nathan
Joseph: joe joey
Josephine: jo josie
Joshua: josh
Judith: judy
Julia: jules julie
Julian: jules
Juliet: jules julie
Kenneth: ken kenny
Kimberley: kim
Lawrence: larry laurie laurence
Leonard: leo len lenny
Leslie: les
Lillian: lily lil
Louis: lou louie lewis
Lucinda: lucy cindy
Lucy: lu
Madeline: maddie madeleine
Magdalene: maggie lena
Malcolm: mal
Marcus: marc
Margaret: maggie meg peggy marge greta daisy
Marjorie: marge margie
Martha: marty mattie
Martin: marty
Mary: molly polly mae maria marie
Matthew: matt matty
Maurice: mo morris
Maximilian: max
Megan: meg
Melissa: mel missy
Michael: mike mick mikey mickey
Michelle: shelly mickey
Millicent: millie
Mitchell: mitch
Natalie: nat
Natasha: tasha nat
Nathaniel: nathan nate nat
Neil: neal
Nicholas: nick nicky nico
Nicole: nikki nicky
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
Rupert: rupe
Russell: russ
Ruth: ruthie
Samantha: sam sammy
Samuel: sam sammy
Sarah: sally sara sadie
Sebastian: seb bas
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
Theodore: ted theo teddy
Theresa: terry tess tessa theresa
Thomas: tom tommy
Timothy: tim timmy
Tobias: toby
Tristan: tris
Valerie: val
Vanessa: nessa
Veronica: ronnie nica
Victoria: vicky tori
Vincent: vince vinny
Virginia: ginny ginger
Vivian: viv
Wallace: wally
Walter: walt wally
Wilfred: wilf fred
William: bill billy will willie liam
Winifred: winnie freda
Winston: win
Yvonne: evie
Zachary: zach zack
"""
