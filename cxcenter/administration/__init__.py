"""The administration: its site, its menu. The pages themselves are in each app's admin.py."""
