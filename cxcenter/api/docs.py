"""The documentation page, and the answer for addresses that do not exist."""

from functools import lru_cache
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from cxcenter.core.api.problems import MEDIA_TYPE, problem


class WrittenOnce(SchemaGenerator):
    """The schema is the same for everybody and costs a second to write: once per process and language."""

    def get_schema(self, *_args: Any, **_kwargs: Any) -> Any:
        """Return the schema."""
        return _write(translation.get_language())


@lru_cache
def _write(_language: str) -> Any:
    return SchemaGenerator().get_schema(public=True)


class Schema(SpectacularAPIView):
    """The schema as YAML, or as JSON with `?format=json`."""

    generator_class = WrittenOnce


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI from our own files: no inline script, no style element, as the content policy demands."""

    template_name = "api/docs.html"
    url_name = "api:schema"


@csrf_exempt
def nowhere(_request: HttpRequest, **_kwargs: Any) -> JsonResponse:
    """Refuse any other address of the API, in the form of all refusals."""
    answer = problem(404, "not_found", _("There is no such thing, or you may not know of it."))
    return JsonResponse(answer.data, status=404, content_type=MEDIA_TYPE)
