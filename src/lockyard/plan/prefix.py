"""Where an image's wheels go."""

from __future__ import annotations

from functools import cached_property

from attrs import frozen


@frozen(kw_only=True)
class Prefix:
    """The folder ``path`` of the image that holds Python packages.

    Where it is ``virtual`` it is a virtual environment over the ``interpreter``, else the
    installation that the interpreter belongs to. ``python`` is the full version, as 3.11.2.
    """

    path: str
    interpreter: str
    python: str
    virtual: bool = True

    # Asked for each file of a wheel: worked out once.
    @cached_property
    def minor(self) -> str:
        """Return the version that names folders, as 3.11."""
        return ".".join(self.python.split(".")[:2])

    @property
    def executable(self) -> str:
        """Return the interpreter that scripts name in their first line."""
        return f"{self.path}/bin/python"

    @cached_property
    def site_packages(self) -> str:
        """Return the folder of modules, relative to the root."""
        return f"{self.path[1:]}/lib/python{self.minor}/site-packages"

    def scheme(self, name: str, distribution: str) -> str:
        """Return the folder of an installation scheme, relative to the root.

        The schemes are those of a wheel's data folder (PyPA binary distribution format);
        headers go where pip puts them.
        """
        include = "include/site" if self.virtual else "include"
        return {
            "purelib": self.site_packages,
            "platlib": self.site_packages,
            "scripts": f"{self.path[1:]}/bin",
            "headers": f"{self.path[1:]}/{include}/python{self.minor}/{distribution}",
            "data": self.path[1:],
        }[name]
