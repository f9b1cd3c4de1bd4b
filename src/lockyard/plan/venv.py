"""Where an image's wheels go."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class Venv:
    """A virtual environment at ``prefix`` over the ``interpreter`` of version ``python``.

    ``python`` is the interpreter's full version, as 3.11.2.
    """

    prefix: str
    interpreter: str
    python: str

    @property
    def minor(self) -> str:
        """Return the version that names folders, as 3.11."""
        return ".".join(self.python.split(".")[:2])

    @property
    def executable(self) -> str:
        """Return the interpreter that scripts name in their first line."""
        return f"{self.prefix}/bin/python"

    @property
    def site_packages(self) -> str:
        """Return the folder of modules, relative to the root."""
        return f"{self.prefix[1:]}/lib/python{self.minor}/site-packages"

    def scheme(self, name: str, distribution: str) -> str:
        """Return the folder of an installation scheme, relative to the root.

        The schemes are those of a wheel's data folder (PyPA binary distribution format);
        headers go where pip puts them in a virtual environment.
        """
        return {
            "purelib": self.site_packages,
            "platlib": self.site_packages,
            "scripts": f"{self.prefix[1:]}/bin",
            "headers": f"{self.prefix[1:]}/include/site/python{self.minor}/{distribution}",
            "data": self.prefix[1:],
        }[name]
