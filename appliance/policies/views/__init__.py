"""The screens of this subject: layers, sender lists, ban rule sets, networks and profiles."""
