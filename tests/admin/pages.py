"""Filling in pages of the administration as a browser does."""

from django.contrib import admin
from django.forms import FileField, MultipleChoiceField
from django.urls import reverse

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def address(model, what: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def form_of(answer) -> dict:
    """Return what the browser would send if the page were saved as it is."""
    data = {}
    forms = [answer.context["adminform"].form]
    for inline in answer.context["inline_admin_formsets"]:
        formset = inline.formset
        forms += [formset.management_form, *formset.forms]
    for form in forms:
        for bound in form:
            if isinstance(bound.field, FileField):
                # Nothing is chosen: what is there stays.
                continue
            value = bound.value()
            if value is None and isinstance(bound.field, MultipleChoiceField):
                # No box is ticked.
                continue
            if isinstance(value, bool):
                if value:
                    data[bound.html_name] = "on"
                continue
            if isinstance(value, (list, tuple)) and not hasattr(bound.field, "each"):
                data[bound.html_name] = [str(getattr(one, "pk", one)) for one in value]
                continue
            data[bound.html_name] = bound.field.prepare_value(value) if value is not None else ""
    return data


def act(page, model, action: str, *rows, **more) -> object:
    data = {"action": action, "_selected_action": [row.pk for row in rows], **more}
    return page.post(address(model, "changelist"), data, follow=True)


def save(page, model, row=None, **changes):
    """Open a page, change some fields, save."""
    url = address(model, "change", row.pk) if row else address(model, "add")
    return page.post(url, {**form_of(page.get(url)), **changes}, follow=True)
