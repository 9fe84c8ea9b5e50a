"""The rules that supervisors set, as one document: read, compared, checked as a whole."""
