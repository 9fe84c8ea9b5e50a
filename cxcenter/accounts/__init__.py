"""Users, teams, roles, preferences and API tokens."""
