"""Bringing customers from files: how files are read (`tables`), what their columns mean (`mapping`, `reading`), how rows are kept (`planning`, `writing`)."""
