"""Running a command and looking at what it changed."""
