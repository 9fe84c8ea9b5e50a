"""Pages of the board, and the acts of a supervisor."""
