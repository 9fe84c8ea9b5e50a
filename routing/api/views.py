"""Calls about queues, work items and operators."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cxcenter.core.api.serializers import Empty
from cxcenter.core.api.viewsets import ApiViewSet
from cxcenter.core.errors import Invalid
from routing.actions import callbacks, presence, queueing
from routing.api import filters, serializers
from routing.models import Callback, Presence, Queue, WorkItem


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


class Callbacks(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Customers who are to be called back."""

    scope = "routing"
    queryset = Callback.objects.with_calling().select_related("queue", "thread__identity")
    serializer_class = serializers.CallbackRow
    filterset_class = filters.CallbackFilter

    @extend_schema(
        request=serializers.CallbackForm, responses={200: serializers.CallbackRow, 201: serializers.CallbackRow}
    )
    def create(self, request: Request) -> Response:
        """Plan a callback. 200 if the phone or the customer has one in that queue: it is changed, not doubled.

        409: he is being called at this moment (code "calling").
        """
        form = self.read(serializers.CallbackForm)
        if not form["queue"].callbacks:
            raise Invalid(_("This queue does not route callbacks: give its team a task instead."), field="queue")
        callback, made = callbacks.request(actor=self.actor, **form)
        return self.show(callback.pk, status=201 if made else 200)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Call nobody. Repeating it changes nothing. 409 (code "calling") while an operator is calling."""
        self.read(Empty)
        return self.show(callbacks.cancel(callback_id=self.get_object().pk, actor=self.actor).pk)


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
