"""Asking the engines: virus scanners and spam scanners, over their sockets."""
