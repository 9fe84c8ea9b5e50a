"""What all rooms of the REST API share. Import from the modules: the framework loads some of them while it loads."""
