"""The visitor's frame and its protocol."""
