"""What happens between us and a customer: threads, interactions, messages, cases, tasks."""
