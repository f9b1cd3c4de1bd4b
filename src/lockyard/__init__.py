"""Turn env specs into locks, and locks into images that are the same to the bit anywhere.

The folders are in the order in which data flows; each imports only from those before it:

1. ``spec``      reads ``WORKSPACE.toml``, ``envs/`` and ``images/`` into models
2. ``lock``      the lockfile: its model, its text, whether it still satisfies its spec
3. ``export``    a lock in the forms that other tools read
4. ``sources``   turns the name of a source into an address, and speaks HTTP
5. ``resolve``   spec to lock: images, Debian and conda packages, wheels, each pinned
6. ``store``     artifacts and layers by digest
7. ``fetch``     lock to store: downloads, verified
8. ``plan``      lock to ordered layer descriptions and image config; decides, touches nothing
9. ``build``     layer descriptions to layers, from the store, executing nothing
10. ``assemble`` layers to an OCI image layout
11. ``ship``     an image to an archive, an engine or a registry
12. ``docker``   the same plans as Dockerfiles with their contexts, and an engine that builds them
13. ``verify``   rebuilds under other conditions, compared entry by entry
14. ``trial``    an image in an engine: what is in it, and what it does
15. ``azureml``  curated environments, in the forms that Azure ML's tools read
16. ``catalog``  the page that shows what the fleet has
17. ``tasks``    what each task does, put together from the parts
18. ``cli``      the edge: arguments, progress, output, exit statuses
"""

__version__ = "0.1.0"

# Part of every layer's key. Whatever changes a byte of what Lockyard writes into images
# raises it; the golden digests in the tests change only together with it.
ASSEMBLY_VERSION = 2
