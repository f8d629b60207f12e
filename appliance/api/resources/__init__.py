"""One file per subject; a resource reads the question, calls the verb, and answers as the command
of the same name does with --json.
"""
