"""Values of metrics as people read them."""

from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cxcenter.core.templatetags.cx import clock
from quality.metrics.metric import Number, Unit

NOTHING = "–"
# Shorter times are told to a tenth of a second.
EXACT_S = 100


def said(value: Number, unit: Unit) -> str:
    """Return a value with its unit: 1,204; 81.1 %; 7.8 s; 4:32."""
    if value is None:
        return NOTHING
    if unit == Unit.SHARE:
        return f"{_rounded(100 * value, 0 if value in {0, 1} else 1)} %"
    if unit == Unit.SECONDS:
        return f"{_rounded(value, 1)} {_('s')}" if value < EXACT_S else clock(round(value))
    return _rounded(value, 0 if unit == Unit.COUNT else 2)


def _rounded(value: float, digits: int) -> str:
    """Return a number with so many digits, a half rounded up, as the chart's numbers are in the browser."""
    exact = Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return number_format(exact, digits, force_grouping=True)
