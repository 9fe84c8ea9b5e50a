"""Call logs of other systems: what their columns mean, their rows as calls. What is kept of them: routing/actions/logs.py."""
