"""The app's registration with Django."""

from django.contrib.admin.apps import AdminConfig


class Administration(AdminConfig):
    """Django's admin with our site."""

    default_site = "cxcenter.administration.site.Site"
