"""Calls about metrics."""

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from cxcenter.core.api.pagination import KeysetPagination
from cxcenter.core.api.viewsets import ApiViewSet
from quality.api import serializers
from quality.metrics.behind import contacts
from quality.metrics.dimensions import DIMENSIONS
from quality.metrics.registry import METRICS
from quality.metrics.reports import Asked, named, reach_of, report
from quality.metrics.shown import as_json
from routing.models import WorkItem

SPAN = ("since", "until", "policy", "policy_version", "zone", "team", *DIMENSIONS)


class Metrics(ApiViewSet):
    """What is measured, its values, and the contacts behind them. People see the numbers of the teams they supervise."""

    scope = "metrics"
    queryset = WorkItem.objects.none()
    serializer_class = serializers.MetricRow
    filter_backends = ()
    pagination_class = None
    parameters = {
        "list": (),
        "report": (*SPAN, "by", "metrics", "interval"),
        "contacts": (*SPAN, "metric", *KeysetPagination.names),
    }

    def _asked(self, request: Request, form: type[serializers.Span], **more: Any) -> Asked:
        query = form(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        said = {**query.validated_data, **more}
        said.pop("metric", None)
        reach = reach_of(self.actor, said.pop("team", None))
        return Asked(**said, queues=reach.queues, operators=reach.operators)

    @extend_schema(responses={200: forced_singular_serializer(serializers.Catalogue)})
    def list(self, request: Request) -> Response:
        """Return all metrics with their formulas in words."""
        rows = [
            {
                "code": code,
                "name": metric.name,
                "formula": metric.formula,
                "unit": metric.unit,
                "parameters": metric.parameters,
                "source": metric.source,
                "contacts": metric.of_contacts,
            }
            for code, metric in METRICS.items()
        ]
        return Response(serializers.Catalogue({"results": rows}).data)

    @extend_schema(parameters=[serializers.ReportQuery], responses={200: serializers.ReportBody})
    @action(detail=False, methods=["get"])
    def report(self, request: Request) -> Response:
        """Return values of metrics by interval and dimension. All of an answer is of one moment of the database."""
        told = report(self._asked(request, serializers.ReportQuery))
        body = as_json(told, named(told, self.actor.language))
        return Response({"since": body.pop("from"), "until": body.pop("to"), **body})

    @extend_schema(parameters=[serializers.ContactsQuery], responses={200: serializers.ContactRow(many=True)})
    @action(detail=False, methods=["get"], pagination_class=KeysetPagination)
    def contacts(self, request: Request) -> Response:
        """Return the contacts that a metric counts: as many as its number says; of a share or mean those above the line."""
        rows = contacts(self._asked(request, serializers.ContactsQuery), request.query_params["metric"])
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(serializers.ContactRow(page, many=True).data)
