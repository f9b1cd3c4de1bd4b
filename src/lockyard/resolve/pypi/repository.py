"""The package index as pip-tools sees it, for another Python (child process only)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from pip._internal.commands.install import InstallCommand
from pip._internal.index.package_finder import PackageFinder
from pip._internal.models.link import Link
from pip._internal.models.selection_prefs import SelectionPreferences
from pip._internal.operations.prepare import RequirementPreparer
from pip._internal.req import InstallRequirement
from pip._internal.resolution.resolvelib.resolver import Resolver
from pip._vendor.packaging.requirements import Requirement
from piptools.repositories import PyPIRepository

from .foresight import Foresight
from .memory import Memory
from .metadata import MetadataReader
from .pages import Pages
from .protocol import Request
from .recipes import Recipes, WheelsFirst
from .refusal import refusal
from .reticent import keep_no_credentials
from .seams import ForeignPython
from .suited import Suited
from .supply import PageSupply
from .target import PythonTarget
from .trust import read_certificates_once


class ForeignCommand(InstallCommand):
    """Make pip's resolver and preparer such that they work for a target."""

    def __init__(self, target: PythonTarget, metadata: MetadataReader) -> None:
        super().__init__(name="install", summary="")
        self.target = target
        self.metadata = metadata

    def make_resolver(self, **given: Any) -> Resolver:  # type: ignore[override]
        """See RequirementCommand; check Requires-Python against the target's Python."""
        resolver = super().make_resolver(**given, py_version_info=self.target.version_info)
        if not isinstance(resolver, Resolver):
            raise refusal("seams", "pip's resolver is another one")
        factory = resolver.factory
        factory._make_install_req_from_spec = _without_addresses(
            factory._make_install_req_from_spec
        )
        return resolver

    def make_requirement_preparer(  # type: ignore[override]
        self, **given: Any
    ) -> RequirementPreparer:
        """See RequirementCommand; learn dependencies without downloading wheels."""
        preparer = super().make_requirement_preparer(**given)
        self.metadata.attach(preparer)
        return preparer


def _without_addresses(
    make: Callable[..., InstallRequirement],
) -> Callable[..., InstallRequirement]:
    """Refuse dependencies that bring their own address: pip would fetch, and even build, them."""

    def checked(specifier: str, comes_from: InstallRequirement | None) -> InstallRequirement:
        requirement = make(specifier, comes_from)
        if requirement.link is not None:
            parent = comes_from.name if comes_from is not None else ""
            text = f"it requires {requirement.name} from an address of its own"
            raise refusal("metadata", text, parent or "")
        return requirement

    return checked


class ForeignRepository(PyPIRepository):
    """A package index whose finder and resolver serve a target."""

    def __init__(self, request: Request) -> None:
        cache = Path(request.cache)
        super().__init__(_pip_arguments(request), cache_dir=str(cache / "pip-tools"))
        read_certificates_once(self.session, request.cert)
        keep_no_credentials(self.session)
        if not self.session.is_secure_origin(Link(request.index)):
            raise refusal("index", "is no https address, and what it says can't be trusted")
        supply = PageSupply(
            self.session, request.index, Path(request.shared) if request.shared else None
        )
        self.foresight = Foresight(request)
        supply.expect(self.foresight.beyond([*_names(request.requirements), *request.pins]))
        self.pages = Pages(
            supply,
            self._finder.search_scope,
            Suited(request.target, frozenset(request.sdists)),
            Memory(cache / "pages"),
            dated=request.cutoff is not None,
        )
        store = Memory(cache / "metadata")
        self.recipes = Recipes(request)
        reader = MetadataReader(self.pages, store, self.recipes)
        self._command = ForeignCommand(request.target, reader)
        self._finder = PackageFinder.create(
            link_collector=self.pages,
            selection_prefs=SelectionPreferences(
                allow_yanked=True,  # where a requirement pins one with ==; see PEP 592
                format_control=WheelsFirst(frozenset(request.sdists)),
                prefer_binary=True,  # an sdist only where no wheel will do
                release_control=self.options.release_control,
            ),
            target_python=ForeignPython(request.target),
            uploaded_prior_to=self.options.uploaded_prior_to,
        )


def _names(requirements: Iterable[str]) -> Iterator[str]:
    """Give the names of what is required on the target, which markers are evaluated for."""
    for each in map(Requirement, requirements):
        if each.marker is None or each.marker.evaluate():
            yield each.name


def _pip_arguments(request: Request) -> list[str]:
    arguments = [
        "--isolated",
        "--no-input",
        "--disable-pip-version-check",
        "--keyring-provider=disabled",
        "--progress-bar=off",
        "--retries=3",
        "--only-binary=:all:",
        "--use-deprecated=legacy-certs",  # its own context is of no use; see trust
        f"--index-url={request.index}",
        f"--cache-dir={Path(request.cache) / 'pip'}",
    ]
    if request.cutoff is not None:
        arguments.append(f"--uploaded-prior-to={request.cutoff}")
    return arguments
