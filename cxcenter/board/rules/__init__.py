"""The rules on screen: what is filled in, and how rules and results are worded."""
