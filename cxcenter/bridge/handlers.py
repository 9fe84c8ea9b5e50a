"""The bridge's reactions to facts. Each may run twice."""

from cxcenter.bridge import tasks
from cxcenter.core.events import handles
from interactions.choices import ExchangeKind
from interactions.events import CommandGiven
from interactions.models import Exchange


@handles(CommandGiven)
def send_command(fact: CommandGiven) -> None:
    """An operator has pressed something: a platform with an address for commands gets it at once."""
    platforms = Exchange.objects.filter(pk=fact.exchange, kind=ExchangeKind.BRIDGE)
    if platforms.exclude(url="").exists():
        tasks.send.delay(fact.exchange)
