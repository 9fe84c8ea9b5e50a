"""English quick replies and articles of the demo."""

# (shortcut, text, how often used)
QUICK_REPLIES = (
    ("hello", "Hello, {customer}. My name is {operator}, I am reading your message now.", 412),
    ("wait", "Thank you. I am looking into it, please give me two minutes.", 377),
    ("claim-docs", "To check the claim I need the repair order and the mileage. A photo of the order is enough.", 141),
    ("claim-date", "The dealer has named the date. I will check on that day and write to you myself.", 96),
    ("loan-car", "While your car is being repaired we can offer you a loan car. Would that help?", 58),
    ("part-vin", "Please send the VIN: with it I will choose a part that fits for certain.", 203),
    ("delivery", "Your order leaves our store today and arrives within two working days.", 120),
    ("book-when", "Which day suits you, and rather the morning or the evening?", 188),
    ("book-done", "You are booked. We will remind you the day before; to move the visit, just write here.", 164),
    ("sorry", "I am sorry that it turned out this way. I will find out what happened and come back to you today.", 87),
    ("second-line", "I am passing your question to a colleague who knows more about it. He sees our whole talk.", 44),
    ("bye", "Thank you for writing to {queue}. If anything comes up, we are here.", 265),
)

ARTICLES = (
    (
        "Warranty: what it covers and for how long",
        """The car is covered for three years or 100,000 km, whichever comes first; paint for three years; rust through the body for seven.

Covered: faults of material and assembly. Not covered: parts that wear out (pads, wipers, clutch after 30,000 km), damage from outside, work of a workshop that is not ours.

The warranty is lost only for what was caused by a breach of the rules, not for the whole car. A missed service does not end it by itself: the dealer has to show that the fault comes from it.

Ask for: VIN, mileage, date of sale, a photo or a description of the fault.""",
    ),
    (
        "Time limits of a warranty repair",
        """Our own standard: diagnosis in 3 working days, repair in 15 calendar days. The law gives 45 days.

From day 16 the customer may have a loan car; a senior operator approves it. From day 30 register a complaint, priority high, and tell the customer who is responsible.

Never promise a date that the dealer has not confirmed. Say instead when you will come back with an answer, and do.""",
    ),
    (
        "Loan car: who gets one",
        """A loan car is offered when a warranty repair lasts longer than 15 days, or at once if the car broke down more than 100 km from home.

Needed: passport, driving licence held for three years. The loan car is insured; fuel is paid by the customer. Second line approves in an hour during office hours.""",
    ),
    (
        "Choosing a part by VIN",
        """1. Ask for the VIN (17 characters, no letters I, O, Q).
2. Enter it in the catalogue; check model year and engine with the customer.
3. If two parts fit, name both with the difference and the price.
4. Reserve for 48 hours; the number of the order goes to the chat and to the e-mail.

Parts fitted at our dealer have two years of warranty, the others one year.""",
    ),
    (
        "Delivery and return of parts",
        """Delivery: two working days to large cities, five to seven elsewhere; free from 5,000 roubles. Wheels and bodies go by a carrier, three to nine days.

Return: 14 days, in the package, not fitted. Money comes back within 10 days to the same card. Tyres ordered by mistake in size are exchanged free of charge.""",
    ),
    (
        "Maintenance: intervals and prices",
        """Every 15,000 km or once a year. First: oil, oil filter, inspection by 32 points. Second: air and cabin filters as well. Fourth: spark plugs and brake fluid.

The price is fixed by model and engine and is in the booking form: it does not grow at the counter. Work that was not agreed is not paid.""",
    ),
    (
        "Booking, moving and cancelling a visit",
        """A visit is booked for a day and an hour; free hours are shown for each dealer. To move it, two hours before are enough. Without a call we wait 30 minutes.

For diagnostics of the engine or the gearbox the car stays for the day: say so, and offer a lift.""",
    ),
    (
        "How to answer a complaint",
        """Read the whole history first: the customer should not tell it again. Say what you understood, in one sentence. Say what happens next, who does it and when you write again.

Register a case of the kind "Complaint" for everything that is not solved within the talk. Do not argue about feelings, do not blame the dealer, do not promise money: compensation is decided by the second line.""",
    ),
)
