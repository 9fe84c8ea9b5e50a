"""Pages of channels, texts, talks and cases."""

from interactions.admin import cases, channels, knowledge, outages, talk

__all__ = ["cases", "channels", "knowledge", "outages", "talk"]
