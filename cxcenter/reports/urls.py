"""Addresses of the reports."""

from django.urls import path

from cxcenter.reports import views

app_name = "reports"
urlpatterns = [
    path("", views.show, name="report"),
    path("report.csv", views.export, name="csv"),
    path("contacts/", views.behind, name="contacts"),
]
