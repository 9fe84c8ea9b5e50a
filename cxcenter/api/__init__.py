"""The REST API of all apps: `/api/v1/`."""
