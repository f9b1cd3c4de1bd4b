"""What each task does, put together from the parts.

Modules are imported where they are first needed: a task that finds nothing to do has read a
few small files, and must not pay for the parts that it doesn't use.
"""
