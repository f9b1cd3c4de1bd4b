"""Build layers from the store's artifacts, executing nothing.

Each kind of artifact becomes entries of a file tree; a tree becomes a tar archive, a tar
archive a compressed blob in the store.
"""
