"""The pages of the settings; imported when they are opened for the first time."""
