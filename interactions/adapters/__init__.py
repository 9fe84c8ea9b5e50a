"""What speaks with the systems behind our channels: one folder is one channel."""
