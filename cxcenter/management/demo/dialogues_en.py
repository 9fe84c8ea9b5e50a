"""English talks of the demo."""

from cxcenter.management.demo.dialogue import Dialogue

DIALOGUES = (
    Dialogue(
        "Repair takes long",
        "Case registered",
        3,
        """
< Hello. My {car} has been at {dealer} for {weeks} weeks and nobody calls me.
> Hello, {name}. I see the repair order, it is the gearbox. I am calling the dealer, give me two minutes please.
< I was promised an answer by Wednesday. It is Friday.
# The dealer waits for the bearing set, order {order}. No date in their system.
> The part left the store yesterday and arrives on {day}. Two more days for the work.
< And how do I get to the office until then?
> A loan car is yours from day 16 of a repair. I am ordering it now, they will call you within the hour.
< Good. Please write to me yourself when it is ready, I am tired of asking.
> I will. I have registered a case, so that nothing depends on my memory.
""",
        ("complaint", "{car}: repair at {dealer} takes {weeks} weeks"),
    ),
    Dialogue(
        "Warranty claim",
        "Answered at once",
        5,
        """
< Hi, the heated seat of my {car} stopped working. Is it under warranty? 31,000 km.
> Hello, {name}. Yes: three years or 100,000 km. No need to pay for the diagnosis either.
< Great. What should I bring?
> Only the car and the registration. If you send the VIN here I will write it into the booking.
< It is on the photo of the papers, can I send it later?
> Of course, right into this chat.
""",
    ),
    Dialogue(
        "Warranty claim",
        "Waits for the dealer",
        3,
        """
< Good afternoon. {dealer} says the squeaking suspension is "a feature". I do not believe it.
> Good afternoon, {name}. Which side is it, and at what speed?
< Front left, at every bump, since {day}.
> There is a bulletin about this bush. I am sending it to the dealer together with your number.
< So they will change it?
= Customer has a squeak from the front left, bulletin 21-14 fits. The dealer refused without looking.
> Hello, {name}, I am on the second line. The dealer will look at the car once more, and this time with our engineer.
< When?
> On {day}, he has an hour free at nine. I have kept it for you.
< I will be there. Thank you.
""",
        ("complaint", "{dealer} refused a known suspension fault"),
    ),
    Dialogue(
        "Body and paint",
        "Case registered",
        4,
        """
< There are three small bubbles under the paint of my {car}, near the tailgate lamp. Photos attached in the mail.
> Hello, {name}. I see the photos, thank you. How old is the car?
< Two years and a month.
> Then the paint warranty holds. It needs a look with a gauge: which dealer is near you?
< {dealer}.
> Noted. They will call you to choose the day; I am opening a case with the photos.
""",
        ("request", "Bubbles under the paint, {car}"),
    ),
    Dialogue(
        "Tyres and wheels",
        "Order placed",
        5,
        """
< Hello, do you have Nord Ice 205/55 R16 in stock?
> Hello, {name}. Yes, 36 pieces. Is it for {car}?
< Yes. Do I need other bolts for steel rims?
> No, the same bolts fit. Fitting on the day of delivery is free with four tyres.
< Then four, please, fitting at {dealer}.
> Order {order} is ready, I am sending the link for payment. The hour of fitting is chosen after it.
< Paid. {day} morning, please.
> Booked for {day}, 10:00.
""",
    ),
    Dialogue(
        "Order and delivery",
        "Answered at once",
        4,
        """
< Where is my order {order}? The site says "packed" for three days.
> Hello, {name}. Looking at it. The carrier took it last night, the site is a day late with the status.
< When does it come?
> On {day}, between 10 and 14. The courier calls an hour before.
< Ok, thanks.
""",
    ),
    Dialogue(
        "Choice of a part",
        "Order placed",
        5,
        """
< I need front brake pads for {car}. There are two kinds on the site, which one?
> Hello, {name}. It depends on the calipers. Please send the VIN, it takes a minute.
< XNA4PL20KX0{order}
> Thank you. Yours are the 16-inch calipers: the pads with the number 4105. They are 20 roubles cheaper, too.
< Nice, that does not happen often. In the basket then.
> They are reserved for 48 hours. Fitting is half an hour, if you like.
< No, I do it myself.
""",
    ),
    Dialogue(
        "Maintenance",
        "Booked",
        5,
        """
< Hello, I would like to book the second service for my {car}.
> Hello, {name}. Which day suits you, and rather the morning or the evening?
< {day}, early.
> {day}, 8:30 at {dealer}. The price is fixed: oil, three filters, inspection.
< Can I wait there?
> Yes, it takes about an hour and a half. There is coffee and a desk to work at.
< Perfect.
""",
    ),
    Dialogue(
        "Diagnostics",
        "Booked",
        4,
        """
< The yellow engine lamp is on since this morning. Is it safe to drive?
> Hello, {name}. Is it steady or does it blink?
< Steady.
> Then you may drive gently, without long climbs. I would look at it soon: {day} at 12 is free at {dealer}.
< Ok. How long do they keep it?
> For diagnostics of the engine the car stays for the day; we bring you to the metro and back.
< Book it, please.
> Done. If the lamp starts blinking, stop and write here: roadside help is free for you.
""",
    ),
    Dialogue(
        "Another time",
        "Booked",
        5,
        """
< I cannot come on {day}, can I move it?
> Hello, {name}. Of course. The same hour a day later is free, would that do?
< Yes, thank you.
> Moved. The reminder comes the evening before.
""",
    ),
    Dialogue(
        "Work of a dealer",
        "Case registered",
        2,
        """
< I got my {car} back from {dealer} with a scratch on the door. They say it was there before.
> I am sorry to read this, {name}. Do you have the acceptance act with the picture of the car?
< Yes, and the door is clean on it.
> Please send a photo of it, and of the door.
# The act of {day} shows no damage on the left side. The dealer has no camera record of the wash.
> I see it clearly. The dealer answers for the car while it stands with him, so he repairs the door.
< They talked to me as if I had made it up.
= Scratch after a repair, the act proves it. The customer is hurt by the tone; please call him yourself.
> {name}, good day. I head this case now. The dealer's manager will call you today and apologise, and the painter has an hour on {day}.
< We will see.
""",
        ("complaint", "{dealer}: scratch on the door after a repair"),
    ),
    Dialogue(
        "Quality of the car",
        "Answered at once",
        4,
        """
< The screen of my {car} freezes every week. For this money it should not.
> Hello, {name}. You are right. Which version is shown under Settings, About?
< 4.2.1
> The freezing is cured in 4.3. It installs over Wi-Fi in twenty minutes, shall I push it to your car now?
< Yes.
> It is on its way. Start the car once in the evening and agree to the question on the screen.
< Done, it is installing. Thanks.
""",
    ),
)
