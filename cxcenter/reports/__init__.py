"""Reports on screen: a question at an address, its answer as table, chart and file, and the contacts behind each number."""
