"""The search for a model's fastest settings in the window; imported when a model's settings are shown."""
