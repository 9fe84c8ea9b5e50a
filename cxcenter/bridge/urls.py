"""Addresses for telephony platforms."""

from django.urls import path

from cxcenter.bridge import views

app_name = "bridge"
urlpatterns = [
    path("<int:exchange>/events/", views.events, name="events"),
    path("<int:exchange>/commands/", views.asked, name="commands"),
]
