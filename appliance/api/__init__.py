"""The REST API: the same verbs as the screens, for programs that bring a token of a person."""
