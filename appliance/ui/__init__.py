"""How the screens look: theme, static files, template tags."""
