"""The live board of supervisors."""
