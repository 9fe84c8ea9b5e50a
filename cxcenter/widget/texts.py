"""Texts of the frame, in the language that is active. Words in braces are filled in by the page."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext


def texts() -> dict[str, str]:
    """Return all texts of the frame's scripts by their names."""
    return {**_frame(), **_before(), **_talk(), **_lines(), **_rating(), **_away(), **_calls()}


def _frame() -> dict[str, str]:
    return {
        "chat": _("Chat"),
        "open_chat": _("Open chat"),
        "close_chat": _("Close chat"),
        "minimise": _("Minimise"),
        "call_us": _("Call from the browser"),
        "sound_on": _("Switch the sound on"),
        "sound_off": _("Switch the sound off"),
        "new_message": _("New message"),
        "unread": _("Unread: {n}"),
        "loading": _("Loading"),
        "no_answer": _("The chat cannot be loaded now."),
        "retry": _("Try again"),
        "online": _("online"),
        "answers_in_minute": _("Answers within a minute"),
        "answers_in": _("Answers in about {time}"),
        "minutes": _("{n} min"),
        "hours": _("{n} h"),
        "reconnecting": _("reconnecting…"),
        "no_connection": _("No connection. We keep what you write and send it at once when you are back."),
    }


def _before() -> dict[str, str]:
    return {
        "hello": _("Hello. Tell us who you are, and an operator who knows the subject will answer."),
        "write_us": _("Hello. Write your question, and an operator who knows the subject will answer."),
        "your_name": _("Your name"),
        "contact": _("Phone or e-mail"),
        "contact_why": _("to find you if the line drops"),
        "topic": _("What is it about?"),
        "choose_topic": _("Choose a topic"),
        "consent": _("I agree to the {link}"),
        "consent_link": _("processing of my data"),
        "start": _("Start the chat"),
        "start_icon": "message-circle",
        "need_contact": _("Write a phone or an e-mail, so that we can find you if the line drops."),
        "bad_contact": _("Write a phone with the country code, like +7 900 555-01-84, or an e-mail."),
        "need_consent": _("We need your consent to answer you."),
    }


def _talk() -> dict[str, str]:
    return {
        "messages": _("Messages"),
        "your_message": _("Your message"),
        "write": _("Write a message"),
        "send": _("Send"),
        "attach": _("Attach a file"),
        "emoji": _("Emoji"),
        "today": _("Today"),
        "yesterday": _("Yesterday"),
        "bot": _("Bot"),
        "operator": _("Operator"),
        "waits": _("waits"),
        "file_waits": _("goes with your first message"),
        "sending": _("sending"),
        "sent": _("sent"),
        "delivered": _("delivered"),
        "read": _("read"),
        "too_large": _("too large, {limit} MB at most"),
        "too_large_for_line": _("too large for this site"),
        "not_sent": _("not sent"),
        "remove": _("Remove"),
        "typing": _("{name} is typing"),
        "new_below": _("New messages"),
        "looking": _("Looking for an operator"),
        "place": _("You are number {n} in the queue."),
        "place_first": _("You are next."),
        "wait_about": _("The wait is about {time}."),
        "wait_minute": _("The wait is less than a minute."),
        "no_estimate": _("We answer as soon as somebody is free."),
        "end_chat": _("End the chat"),
        "end_sure": _("End the chat?"),
        "end_yes": _("End"),
        "end_no": _("Stay"),
        "kb": _("{n} KB"),
        "mb": _("{n} MB"),
        "earlier": _("Loading earlier messages"),
        "photo": _("Picture {name}"),
    }


def _lines() -> dict[str, str]:
    return {
        "line_joined": _("{name} joined the chat"),
        "line_transferred": _("{name} passed the chat to a colleague"),
        "line_back_in_queue": _("We are looking for another operator for you."),
        "line_closed": _("The chat is over"),
        "line_closed_ended": _("You ended the chat"),
        "line_closed_left": _("The chat was closed while you were away"),
        "line_closed_refused": _("The chat was closed: nobody could answer you"),
        "line_closed_silent": _("The chat was closed: nobody wrote for long"),
        "line_closed_callback": _("You asked to be called back"),
        "line_callback_taken": _("You keep the place of your callback. We will not call."),
        "line_away": _("Nobody can answer now. You keep your place, or leave a request and we will come back to you."),
        "line_overflow_queue": _("We have passed you on to colleagues who can answer sooner. You keep your place."),
        "line_overflow_callback": _("You have waited long. We can call you back: you keep your place."),
        "line_overflow_form": _(
            "You have waited long. You keep your place, or leave a request and we will come back to you."
        ),
        "line_silent_warning": _("Are you still here? The chat closes soon if nobody writes."),
    }


def _rating() -> dict[str, str]:
    return {
        "how_was_it": _("How was it?"),
        "chat_over": _("The chat is over"),
        "rate_answer": _("Rate the answer"),
        "of_five": _("{n} of 5"),
        "stars_1": _("Very bad"),
        "stars_2": _("Bad"),
        "stars_3": _("So-so"),
        "stars_4": _("Good"),
        "stars_5": _("Excellent"),
        "easy": _("It was easy to solve my question"),
        "of_seven": _("{n} of 7"),
        "not_at_all": _("not at all"),
        "fully": _("fully agree"),
        "better": _("What should we do better?"),
        "optional": _("optional"),
        "skip": _("Skip"),
        "rated": _("Thank you, your rating is noted."),
        "not_solved": _("Your question is not solved?"),
        "open_again": _("Open the chat again"),
    }


def _away() -> dict[str, str]:
    return {
        "away": _("We are away now"),
        "busy": _("All operators are busy"),
        "not_sent_words": _("Your message was not sent:"),
        "back_at": _("Back {when}"),
        "at_time": _("{day} at {time}"),
        "day_today": _("today"),
        "day_tomorrow": _("tomorrow"),
        "leave_request": _("Leave a request"),
        "how_to_answer": _("How to answer you"),
        "call_me": _("Call me back"),
        "write_me": _("Write to me"),
        "phone": _("Phone"),
        "email": _("E-mail"),
        "day": _("Day"),
        "time": _("Time"),
        "your_question": _("Your question"),
        "book_call": _("Book a call"),
        "send_request": _("Send the request"),
        "need_phone": _("Write a phone with the country code, like +7 900 555-01-84."),
        "need_email": _("Write an e-mail, like name@example.com."),
        "need_question": _("Write what it is about."),
        "request_taken": _("Your request is taken"),
        "will_call": _("We will call {contact} {when}."),
        "will_write": _("We will write to {contact}."),
        "another_request": _("Leave another request"),
        "show_talk": _("Show the talk"),
    }


def _calls() -> dict[str, str]:
    return {
        "callback": _("Callback"),
        "call_instead": _("Call me back: keep my place"),
        "call_hello": _("Do not wait here: we will call you."),
        "when_call": _("When to call you"),
        "call_soon": _("When my turn comes"),
        "call_soon_why": _("You keep your place in the queue."),
        "call_at": _("At a time I choose"),
        "call_at_why": _("By your clock."),
        "wait_here": _("Back"),
        "as_soon": _("As soon as possible"),
        "will_call_you": _("We will call you"),
        "call_turn": _("We will call {phone} when your turn comes."),
        "call_next": _("You are next."),
        "call_place": _("You are number {n} in the queue."),
        "call_planned": _("We will call {phone} {when}, before {until}."),
        "call_opens": _("We will call {phone} when we open: {when}. You keep your place."),
        "call_again": _("We called {phone}, nobody answered. We will try again {when}."),
        "calling_now": _("We are calling you now"),
        "not_reached": _("We could not reach you"),
        "no_reply": _("We called {phone} several times, nobody answered."),
        "wrong_phone": _("{phone} seems to be a wrong number."),
        "call_change": _("Change the phone or the time"),
        "call_cancel": _("Do not call me"),
        "call_more": _("More"),
        "write_instead": _("Write to us instead"),
    }


def call_texts() -> dict[str, str]:
    """Return all texts of the page of calls by their names."""
    return {**_frame(), **_before(), **_talk(), **_away(), **_calls(), **_spoken(), **_voicemail()}


def _voicemail() -> dict[str, str]:
    return {
        "vm_leave": _("Leave a voice message"),
        "vm_hello": _("Leave a message: we will listen to it and come back to you."),
        "vm_contact_why": _("to answer you"),
        "vm_record": pgettext("voice message", "Record"),
        "vm_recording": _("Speak now"),
        "vm_level": _("How loud you are"),
        "vm_stop": _("Stop"),
        "vm_yours": _("Your message"),
        "vm_send": _("Send"),
        "vm_again": pgettext("voice message", "Record again"),
        "vm_back": _("Back"),
        "vm_wait": _("Go on waiting"),
        "vm_sending": _("Sending your message"),
        "vm_kept": _(
            "No connection. Your message is kept in this browser and sent as soon as it can be, at the latest when you open this page again today."
        ),
        "vm_drop": _("Delete it"),
        "vm_left": _("Your message is left"),
        "ended_voicemail": _("We will listen to it and come back to you."),
        "or_write": _("or leave a request:"),
    }


def _spoken() -> dict[str, str]:
    return {
        "hello": _(
            "Hello. You call us from this page, no phone is needed: allow the microphone when the browser asks."
        ),
        "start": pgettext("act", "Call"),
        "start_icon": "phone",
        "calling": _("Calling…"),
        "on_hold": _("On hold"),
        "recorded": _("The call is recorded."),
        "music_on": _("Switch the music on"),
        "music_off": _("Switch the music off"),
        "will_record": _("The call will be recorded."),
        "mute": _("Switch the microphone off"),
        "unmute": _("Switch the microphone on"),
        "hang_up": _("Hang up"),
        "away_title": _("Nobody can answer now"),
        "away": _("Please call later."),
        "ended_title": _("The call is over"),
        "ended": _("Thank you for your call."),
        "ended_lost": _("The connection was lost. Call again, and we will help you."),
        "ended_refused": _("Nobody could answer you. Please call later."),
        "call_again": _("Call again"),
        "link_over": _("This link cannot be used"),
        "call_without_link": _("Call without the link"),
        "sound_lost": _("The sound is interrupted. It is being connected again."),
        "sound_no_way": _(
            "No way is found for the sound: your network lets none through. It is tried again. Another network may help, or hang up."
        ),
        "sound_bad": _("The connection is bad: you may not be understood well."),
        "sound_blocked": _("The browser keeps the sound back. Click anywhere on the page."),
        "mic_denied": _(
            "The browser does not let us use the microphone. Allow it beside the address of this page, then try again."
        ),
        "mic_none": _("There is no microphone. Plug one in, then try again."),
        "mic_gone": _("There is no microphone. Plug one in, then try again."),
        "mic_busy": _("Another program holds the microphone. Close it, then try again."),
        "mic_insecure": _("A browser gives the microphone to secure pages alone. Open this page by https."),
    }
