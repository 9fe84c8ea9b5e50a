"""Calls about queues, work items and operators."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cxcenter.core.api.viewsets import ApiViewSet
from routing.actions import presence, queueing
from routing.api import filters, serializers
from routing.models import Presence, Queue, WorkItem


class Queues(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Queues and how many wait."""

    scope = "routing"
    queryset = Queue.objects.select_related("team").prefetch_related("memberships")
    serializer_class = serializers.QueueRow
    filterset_class = filters.QueueFilter

    def rows(self) -> Any:
        """Add the numbers of this moment."""
        return super().rows().with_numbers()


class WorkItems(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Visits of sessions to queues, with their legs."""

    scope = "routing"
    queryset = WorkItem.objects.select_related("queue", "interaction").prefetch_related("legs__operator")
    serializer_class = serializers.WorkItemRow
    filterset_class = filters.WorkItemFilter

    @extend_schema(request=serializers.AskForm)
    @action(detail=True, methods=["post"])
    def ask(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say which levels of skills a waiting contact asks for, besides the rules: an answer in a menu, a bot's guess.

        They never loosen. 409 (code "left") if it does not wait.
        """
        item = self.get_object()
        asked = self.read(serializers.AskForm)["skills"]
        return self.show(queueing.ask_for(item_id=item.pk, asked=asked, actor=self.actor).pk)


class Operators(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Operators and their states."""

    scope = "routing"
    keyset = ("user_id",)
    queryset = Presence.objects.select_related("user__team", "reason")
    serializer_class = serializers.OperatorRow
    filterset_class = filters.OperatorFilter

    @extend_schema(request=serializers.ModeForm)
    @action(detail=True, methods=["post"])
    def mode(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set an operator's state. 409 (code "open_contacts") for going offline with contacts in work.

        Who has no page open is taken off duty again by the sweep.
        """
        operator = self.get_object().user
        form = self.read(serializers.ModeForm)
        presence.refuse_stranger(self.actor, operator)
        presence.set_mode(user=operator, actor=self.actor, **form)
        return self.show(operator.pk)
