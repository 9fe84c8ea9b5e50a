"""What the schema says of the API as a whole."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class TokenScheme(OpenApiAuthenticationExtension):
    """Tokens, as the documentation page asks for them."""

    target_class = "cxcenter.accounts.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        """Describe the header."""
        return {"type": "http", "scheme": "bearer", "description": "A token of an integration: cx_…"}


def tighten(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Say of the bodies what holds for them: no other fields in requests, no missing ones in answers."""
    for name, component in result["components"]["schemas"].items():
        if name.endswith("Request"):
            component.setdefault("additionalProperties", False)
        elif "properties" in component and name != "Problem":
            component["required"] = sorted(component["properties"])
    return result
