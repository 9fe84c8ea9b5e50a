"""Values of metrics as people read them."""

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from cxcenter.core.templatetags.cx import clock
from quality.metrics.registry import Number, Unit

NOTHING = "–"
# Shorter times are told to a tenth of a second.
EXACT_S = 100


def said(value: Number, unit: Unit) -> str:
    """Return a value with its unit: 1,204; 81.1 %; 7.8 s; 4:32."""
    if value is None:
        return NOTHING
    if unit == Unit.SHARE:
        percent = 100 * value
        return f"{number_format(percent, 0 if percent in {0, 100} else 1)} %"
    if unit == Unit.SECONDS:
        return f"{number_format(value, 1)} {_('s')}" if value < EXACT_S else clock(round(value))
    return number_format(value, 0 if unit == Unit.COUNT else 2, force_grouping=True)
