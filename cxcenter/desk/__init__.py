"""The operator's workspace: screens that join the apps and hold no rules of their own."""
