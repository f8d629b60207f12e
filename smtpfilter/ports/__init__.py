"""The seams of the filter: what the pipeline needs of the world, each with the errors that it may
raise.
"""
