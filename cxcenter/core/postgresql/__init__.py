"""Django's PostgreSQL backend, with a cheaper look at kept connections (base.py). Named by ENGINE in the settings."""
