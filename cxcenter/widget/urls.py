"""Addresses of this room."""

from django.urls import path

from cxcenter.widget import api, files, views, voice

app_name = "widget"
urlpatterns = [
    path("frame/<slug:key>/", views.frame, name="frame"),
    path("file/<uuid:file_id>", files.serve, name="file"),
    path("api/session", api.session, name="session"),
    path("api/start", api.start, name="start"),
    path("api/messages", api.messages, name="messages"),
    path("api/files", api.upload, name="files"),
    path("api/file", api.file_address, name="file-address"),
    path("api/marks", api.marks, name="marks"),
    path("api/changes", api.changes, name="changes"),
    path("api/rating", api.rating, name="rating"),
    path("api/end", api.end, name="end"),
    path("api/offline", api.offline, name="offline"),
    path("api/callback", api.callback, name="callback"),
    path("api/callback/cancel", api.cancel_callback, name="cancel-callback"),
    path("music/<slug:key>/", voice.music, name="music"),
    path("call/<slug:key>/", voice.page, name="call"),
    path("api/call/session", voice.session, name="call-session"),
    path("api/call/ticket", voice.ticket, name="call-ticket"),
    path("api/call/start", voice.start, name="call-start"),
    path("api/call/state", voice.state, name="call-state"),
    path("api/call/signal", voice.signal, name="call-signal"),
    path("api/call/ready", voice.ready, name="call-ready"),
    path("api/call/offline", voice.offline, name="call-offline"),
    path("api/call/voicemail", voice.voicemail, name="call-voicemail"),
    path("api/track", api.track, name="track"),
]
