"""Voice: each platform's events become the facts of `interactions.calls`, each control its command."""
