"""Views of the desk, by subject: pages, talk, sessions, customers, cases, tasks, knowledge."""
