"""All addresses of the product."""

from django.contrib import admin
from django.urls import include, path

from cxcenter import home, numbers
from cxcenter.core import health
from cxcenter.widget import views as widget

handler500 = "cxcenter.core.failure.failed"
urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in/", home.SignIn.as_view(), name="sign-in"),
    path("sign-out/", home.sign_out, name="sign-out"),
    path("preferences/", home.save_preferences, name="preferences"),
    path("desk/", include("cxcenter.desk.urls")),
    path("board/", include("cxcenter.board.urls")),
    path("reports/", include("cxcenter.reports.urls")),
    path("bridge/", include("cxcenter.bridge.urls")),
    path("widget/", include("cxcenter.widget.urls")),
    path("widget.js", widget.loader, name="widget-loader"),
    path("api/", include("cxcenter.api.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.alive, name="healthz"),
    path("readyz", health.ready, name="readyz"),
    path("metrics", numbers.numbers, name="metrics"),
]
