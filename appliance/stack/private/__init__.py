"""The services of the private stack, one file each: configuration, command line, readiness.

Each has `start(environment, environ)`, which returns a running Child, and `ready(environment)`.
"""
