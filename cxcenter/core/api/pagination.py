"""Pages by keyset: cheap at any depth, and stable while rows are added."""

import base64
import binascii
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Model, Q
from django.utils.translation import gettext as _
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from cxcenter.core.errors import Invalid

Row = dict[str, Any]


class KeysetPagination(BasePagination):
    """Go on after the last row of the page before: `keyset` of the view names columns that are unique together."""

    page_size = 50
    max_page_size = 200
    names = ("cursor", "page_size")

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the page that the request's `cursor` and `page_size` ask for. Raises Invalid for wrong ones."""
        self.request, self.next_after = request, None
        self.keyset: tuple[str, ...] = view.keyset
        size = self._size(request.query_params.get("page_size"))
        cursor = request.query_params.get("cursor")
        if cursor is not None:
            queryset = queryset.filter(after(self.keyset, self._decode(cursor, queryset.model)))
        rows = list(queryset.order_by(*self.keyset)[: size + 1])
        if len(rows) > size:
            del rows[-1]
            self.next_after = [getattr(rows[-1], name.lstrip("-")) for name in self.keyset]
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        """Return the page with the address of the next one, null at the end."""
        return Response({"next": self._next(), "results": data})

    def _size(self, text: str | None) -> int:
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= self.max_page_size):
            raise Invalid(_("Choose a page size from 1 to %(most)s.") % {"most": self.max_page_size}, field="page_size")
        return int(text)

    def _next(self) -> str | None:
        if self.next_after is None:
            return None
        cursor = base64.urlsafe_b64encode(json.dumps(self.next_after, default=str).encode()).decode()
        return str(replace_query_param(self.request.build_absolute_uri(), "cursor", cursor))

    def _decode(self, cursor: str, model: type[Model]) -> list[Any]:
        try:
            values = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
            fields = [model._meta.get_field(name.lstrip("-")) for name in self.keyset]
            found = [field.to_python(value) for field, value in zip(fields, values, strict=True)]  # type: ignore[union-attr]
            if None not in found:
                return found
        except (ValueError, TypeError, RecursionError, OverflowError, ValidationError, binascii.Error):
            pass
        raise Invalid(_("This cursor is not one of ours. Begin with the first page."), field="cursor")

    def get_schema_operation_parameters(self, view: Any) -> list[Row]:
        """Describe the parameters for the schema."""
        return [
            {
                "name": "cursor",
                "in": "query",
                "description": "Where the page before ended: taken from its `next`.",
                "schema": {"type": "string"},
            },
            {
                "name": "page_size",
                "in": "query",
                "description": "Rows on a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": self.max_page_size,
                    "default": self.page_size,
                },
            },
        ]

    def get_paginated_response_schema(self, schema: Row) -> Row:
        """Describe the page for the schema."""
        following = {
            "type": "string",
            "format": "uri",
            "nullable": True,
            "description": "The next page; null at the end.",
        }
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": following, "results": schema},
        }


def after(keyset: tuple[str, ...], values: list[Any]) -> Q:
    """Return the condition on rows that follow `values` in the order of `keyset` ("-name": descending).

    It bounds the first column by itself as well: that is where an index can begin.
    """
    found, equal = Q(), Q()
    for name, value in zip(keyset, values, strict=True):
        column = name.lstrip("-")
        found |= equal & Q(**{f"{column}__{'lt' if name.startswith('-') else 'gt'}": value})
        equal &= Q(**{column: value})
    first = keyset[0]
    return found & Q(**{f"{first.lstrip('-')}__{'lte' if first.startswith('-') else 'gte'}": values[0]})
