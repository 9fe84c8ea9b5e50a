"""Calls about talks, cases and tasks."""

from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from customers.models import Profile
from cxcenter.accounts.scopes import Scope
from cxcenter.core import audit
from cxcenter.core.api.serializers import Empty
from cxcenter.core.api.viewsets import ApiViewSet
from cxcenter.core.errors import Conflict, Forbidden
from interactions.actions import cases, talk
from interactions.api import filters, serializers
from interactions.choices import Audience, Author
from interactions.models import Case, Interaction, Message, Task, Thread


class Threads(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Endless threads: one identity in one channel."""

    scope = "interactions"
    queryset = Thread.objects.select_related("channel")
    serializer_class = serializers.ThreadRow
    filterset_class = filters.ThreadFilter


class Interactions(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Sessions."""

    scope = "interactions"
    queryset = Interaction.objects.select_related("thread__channel", "topic", "disposition")
    serializer_class = serializers.InteractionRow
    filterset_class = filters.InteractionFilter


MESSAGES = Message.objects.select_related("user").prefetch_related("attachments")


class _Messages(mixins.ListModelMixin, ApiViewSet):
    """Messages in the order of the talk."""

    scope = "interactions"
    keyset = ("seq",)
    queryset = MESSAGES
    serializer_class = serializers.MessageRow
    filterset_class = filters.MessageFilter


class ThreadMessages(_Messages):
    """Messages of a thread: those of its sessions that the caller may read."""

    def rows(self) -> Any:
        """Return what the caller may read of the thread."""
        thread = get_object_or_404(Thread.objects.visible_to(self.actor), pk=self.kwargs["thread"])
        return super().rows().filter(thread=thread)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List messages, notes included. The audit log keeps who read."""
        answer = super().list(request, *args, **kwargs)
        audit.record(self.actor, "thread.read", f"thread:{kwargs['thread']}", by="api")
        return answer


class InteractionMessages(_Messages):
    """Messages of a session."""

    @cached_property
    def interaction(self) -> Interaction:
        """The session of the address, if the caller may read it."""
        readable = Interaction.objects.visible_to(self.actor)
        found: Interaction = get_object_or_404(readable, pk=self.kwargs["interaction"])
        return found

    def rows(self) -> Any:
        """Return the messages of the session: who may read it may read them all."""
        return MESSAGES.filter(interaction=self.interaction)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List messages, notes included. The audit log keeps who read."""
        answer = super().list(request, *args, **kwargs)
        audit.record(self.actor, "interaction.read", f"interaction:{self.interaction.pk}", by="api")
        return answer

    @extend_schema(
        request=serializers.MessageForm, responses={200: serializers.MessageRow, 201: serializers.MessageRow}
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Write to the customer, or a note to colleagues. 200 if the `client_key` was stored before.

        409: the session has ended (code "closed"), a colleague's reply crossed this one ("crossed"), a person
        answers in a session that is not in his hands ("not_owner"), or the customer reads nothing there ("no_reader").
        """
        interaction = self.interaction
        form = self.read(serializers.MessageForm)
        if form["audience"] == Audience.ALL:
            talk.refuse_unread(interaction)
            self._refuse_reply_of_others(form.get("client_key"))
        with transaction.atomic():
            message, new = talk.post_message(
                thread_id=interaction.thread_id, author=Author.STAFF, user=self.actor, **form
            )
            if message.interaction_id != interaction.pk:
                # The thread has a newer session: the message was not meant for that one.
                raise Conflict(_("This session has ended."), code="closed")
        return self.show(message.pk, status=201 if new else 200)

    def _refuse_reply_of_others(self, key: UUID | None) -> None:
        """A person replies, as at the desk, where he holds the session; programs and retries may go on."""
        if self.actor.token is not None or self.interaction.legs.filter(operator=self.actor, leg="active").exists():
            return
        if key is None or not self.rows().filter(client_key=key, user=self.actor).exists():
            raise Conflict(_("This session is not in your hands now."), code="not_owner")


class Cases(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """Questions and complaints."""

    scope = "cases"
    queryset = Case.objects.select_related("topic", "owner", "opened_by").prefetch_related("links")
    serializer_class = serializers.CaseRow
    filterset_class = filters.CaseFilter

    @extend_schema(request=serializers.CaseForm, responses={201: serializers.CaseRow})
    def create(self, request: Request) -> Response:
        """Register a case. Without an owner it is the caller's; a program's case is nobody's yet."""
        form = self.read(serializers.CaseForm)
        interaction = form.pop("interaction", None)
        profile = form.pop("profile", None) or (interaction.profile if interaction else None)
        form.setdefault("owner", None if request.auth else self.actor)
        case = cases.register_case(actor=self.actor, profile=profile, interaction=interaction, **form)
        return self.show(case.pk, status=201)

    @extend_schema(request=serializers.CaseEdit)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a case. 409 (code "stale") if somebody changed it since `version`."""
        case = self.get_object()
        form = self.read(serializers.CaseEdit)
        with transaction.atomic():
            profile = form.pop("profile", case.profile)
            cases.change_case(case_id=case.pk, version=form.pop("version"), actor=self.actor, **form)
            if profile != case.profile:
                self._link(case, profile)
        return self.show(case.pk)

    def _link(self, case: Case, profile: Profile | None) -> None:
        if not self.actor.passes(Scope.CUSTOMERS_WRITE):
            raise Forbidden(_("This needs the scope %(scope)s.") % {"scope": Scope.CUSTOMERS_WRITE.value})
        cases.link_case_to_customer(case_id=case.pk, profile=profile, actor=self.actor)

    @extend_schema(request=serializers.CaseLinkForm)
    @action(detail=True, methods=["post"], url_path="interactions")
    def link(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Attach a session to the case. Repeating it changes nothing."""
        case = self.get_object()
        form = self.read(serializers.CaseLinkForm)
        cases.link_case(case=case, interaction=form["interaction"], actor=self.actor)
        return self.show(case.pk)

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["delete"], url_path="interactions/<int:interaction>")
    def unlink(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Detach a session from the case. Repeating it changes nothing."""
        case = self.get_object()
        interaction = get_object_or_404(Interaction.objects.visible_to(self.actor), pk=kwargs["interaction"])
        cases.unlink_case(case=case, interaction=interaction, actor=self.actor)
        return Response(status=204)


class Tasks(mixins.ListModelMixin, mixins.RetrieveModelMixin, ApiViewSet):
    """What people have to do."""

    scope = "cases"
    queryset = Task.objects.select_related("assignee", "team", "created_by", "done_by")
    serializer_class = serializers.TaskRow
    filterset_class = filters.TaskFilter

    @extend_schema(request=serializers.TaskForm, responses={201: serializers.TaskRow})
    def create(self, request: Request) -> Response:
        """Give a person or a team something to do."""
        task = cases.create_task(actor=self.actor, **self.read(serializers.TaskForm))
        return self.show(task.pk, status=201)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def finish(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Mark as done. Repeating it changes nothing."""
        self.read(Empty)
        return self.show(cases.finish_task(task_id=self.get_object().pk, actor=self.actor).pk)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def reopen(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Undo "done"."""
        self.read(Empty)
        return self.show(cases.reopen_task(task_id=self.get_object().pk, actor=self.actor).pk)

    @extend_schema(request=None)
    @action(detail=True, methods=["post"])
    def take(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a task of the team. 409 (code "taken") if a colleague was faster."""
        self.read(Empty)
        return self.show(cases.take_task(task_id=self.get_object().pk, actor=self.actor).pk)
