"""The call as a machine: what happened (`facts`), what may be done (`table`), what came of it (`reducer`). No Django here."""
