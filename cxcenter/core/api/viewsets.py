"""What every view set of the API does alike."""

from datetime import UTC
from typing import TYPE_CHECKING, Any, ClassVar, cast

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from cxcenter.core.api.idempotency import Idempotent
from cxcenter.core.api.pagination import KeysetPagination

if TYPE_CHECKING:
    from cxcenter.accounts.models import User


class ApiViewSet(Idempotent, GenericViewSet[Any]):
    """Rows by `visible_to`, doors by `scope`, pages by `keyset`; parameters nobody knows are refused."""

    scope: ClassVar[str]
    # Action → a scope of its own.
    scopes: ClassVar[dict[str, str]] = {}
    keyset: ClassVar[tuple[str, ...]] = ("-id",)
    detail_class: ClassVar[Any] = None
    http_method_names = ("get", "head", "post", "patch", "put", "delete")
    # Action → parameters it knows besides the filters of lists.
    parameters: ClassVar[dict[str, tuple[str, ...]]] = {}
    lookup_value_converter = "int"

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Write times in UTC, whatever zone a person's pages show."""
        with timezone.override(UTC):
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what the address does not do, and parameters that mean nothing."""
        if str(request.method).lower() not in self.action_map:
            raise MethodNotAllowed(str(request.method))
        super().initial(request, *args, **kwargs)
        self._refuse_parameters(request)

    def _refuse_parameters(self, request: Request) -> None:
        """A misspelled filter, or one without a value, would return too much."""
        known: set[str] = set(self.parameters.get(self.action or "", ()))
        if self.action == "list":
            known = {*KeysetPagination.names, *getattr(self, "filterset_class", _NoFilters).base_filters}
        wrong = {name: _("There is no such parameter.") for name in request.query_params if name not in known}
        wrong |= {name: _("Give a value, or leave it out.") for name, text in request.query_params.items() if not text}
        if wrong:
            raise serializers.ValidationError(wrong)

    @property
    def actor(self) -> "User":
        """The user who calls."""
        return cast("User", self.request.user)

    def rows(self) -> Any:
        """Return the rows that the caller may see."""
        return super().get_queryset().visible_to(self.actor)  # type: ignore[attr-defined]

    def get_queryset(self) -> Any:
        """Return `rows`; the schema is written without a caller."""
        return super().get_queryset() if getattr(self, "swagger_fake_view", False) else self.rows()

    def get_serializer_class(self) -> Any:
        """Return the form of a row: fuller where one row is shown."""
        return self.detail_class if self.detail_class and self.action != "list" else self.serializer_class

    def read(self, form: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """Return the checked fields of the request's body. Raises ValidationError."""
        body = form(data=self.request.data, context=self.get_serializer_context())
        body.is_valid(raise_exception=True)
        return dict(body.validated_data)

    def show(self, pk: Any, *, status: int = 200) -> Response:
        """Answer a write with the row as it is now."""
        return Response(self.get_serializer(self.get_queryset().get(pk=pk)).data, status=status)


class _NoFilters:
    base_filters: ClassVar[dict[str, Any]] = {}
