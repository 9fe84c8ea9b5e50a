"""Browsers that are telephones at a SIP platform, as far as the server knows them: what they tell."""

from interactions.adapters.voice.sip import Word
from interactions.models import Call, Exchange, Extension
from routing.actions import sip
from tests import world

PHONE = "+79001234567"


class Telephones:
    """The browsers of two operators. `says` is one of them telling."""

    def __init__(self, floor) -> None:
        channel = world.make_line(floor.queue, "SIP")
        self.exchange = Exchange.objects.create(
            name="Platform", kind="sip", channel=channel, host="sip.test", socket="wss://sip.test/ws", secret="shared"
        )
        self.alice = Extension.objects.create(exchange=self.exchange, interface="1017", user=floor.alice)
        self.bob = Extension.objects.create(exchange=self.exchange, interface="1018", user=floor.bob)
        self.count = 0

    def says(self, phone: Extension, word: str, call: str = "c1", **more) -> Call | None:
        self.count += 1
        return sip.tell(phone=phone, call=call, word=Word(word), key=more.pop("key", f"k{self.count}"), **more)

    def rings(self, *phones: Extension, call: str = "c1") -> Call:
        for phone in phones:
            found = self.says(phone, "rings", call, number=PHONE)
        return found
