"""What happens to requests for the API before their address is looked up."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

ROOT = "/api/v1/"


class FinalSlash:
    """Read an address of the API without its final slash as the one with it: a redirect would lose what was sent."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer at the address as the schema writes it."""
        if request.path_info.startswith(ROOT) and not request.path_info.endswith("/"):
            request.path_info += "/"
            request.path += "/"
        return self.get_response(request)
