"""Resolve what a target stands on: Debian packages, or a registry's image and conda packages."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from lockyard.errors import SpecError
from lockyard.lock.model import BaseImage, CondaPackage, Deb, Target
from lockyard.resolve.debian.resolver import resolve_debian, upstream_version
from lockyard.resolve.image.resolver import resolve_image
from lockyard.resolve.moves import Moves
from lockyard.resolve.request import Pins, World
from lockyard.sources.conda import mirror_address
from lockyard.sources.debian import mirror_url
from lockyard.sources.http import session
from lockyard.sources.pypi import certificate
from lockyard.spec.model import (
    CondaSource,
    DebianBase,
    DebianSource,
    Env,
    ImageBase,
    RegistrySource,
    Requirements,
    Workspace,
)
from lockyard.spec.names import target_name

_MOVE = "--upgrade-package"
_SUBDIRS = {"linux/amd64": "linux-64", "linux/arm64": "linux-aarch64"}


@frozen(kw_only=True)
class ResolvedBase:
    """A target, and what of it isn't wheels."""

    target: Target
    debs: tuple[Deb, ...] = ()
    conda: tuple[CondaPackage, ...] = ()
    image: BaseImage | None = None


@frozen(kw_only=True)
class BaseResolver:
    """Resolve the bases of an env's targets; ``asked`` maps who asks to what."""

    workspace: Workspace
    env: Env
    pins: Pins
    world: World

    def resolve(
        self, variant: str, platform: str, asked: Mapping[str, Requirements]
    ) -> ResolvedBase:
        """Resolve the base of one target."""
        base = self.workspace.bases[self.env.base]
        if isinstance(base, DebianBase):
            self._refuse(asked, "conda", 'a base of kind "debian" has no conda prefix')
            return self._debian(base, variant, platform, asked)
        self._refuse(asked, "debian", "a base that is an image takes no Debian packages")
        return self._image(base, variant, platform, asked)

    def _refuse(self, asked: Mapping[str, Requirements], kind: str, reason: str) -> None:
        for label, each in asked.items():
            if getattr(each, kind):
                raise SpecError(
                    reason,
                    where=f"{label}: requirements.{kind}",
                    solution="leave these requirements out, or choose another base",
                )

    def _target(self, variant: str, platform: str, python: str, glibc: str) -> Target:
        return Target(
            name=target_name(variant, platform),
            variant=variant,
            platform=platform,
            base=self.env.base,
            python=python,
            glibc=glibc,
        )

    def _debian(
        self, base: DebianBase, variant: str, platform: str, asked: Mapping[str, Requirements]
    ) -> ResolvedBase:
        source = self.workspace.sources[base.source]
        assert isinstance(source, DebianSource)  # noqa: S101 - the reader has seen to it
        architecture = platform.partition("/")[2]
        old = [
            deb
            for deb in self.pins.of("debs")
            if isinstance(deb, Deb) and deb.architecture in {architecture, "all"}
        ]
        free = self.pins.moves.names
        roots: dict[str, tuple[str, ...]] = {f"base {self.env.base}": base.packages}
        roots |= {label: each.debian for label, each in asked.items() if each.debian}
        roots |= _exact(self.pins.moves, {deb.name for deb in old})
        debs = resolve_debian(
            session=session(certificate(self.world.environ)),
            mirror=mirror_url(source.mirror, self.world.environ),
            source=base.source,
            suite=base.suite,
            components=base.components,
            architecture=architecture,
            keys=source.keys,
            roots=roots,
            pinned={deb.name: deb.version for deb in old if deb.name not in free},
            cache=self.world.cache / "debian",
            now=self.world.now,
            keyring=self.world.root / source.keyring if source.keyring else None,
            reporter=self.world.reporter,
        ).debs
        debs = tuple(_unlabelled(deb) for deb in debs)
        by_name = {deb.name: deb for deb in debs}
        interpreter = f"python{base.python}"
        for needed in (interpreter, "libc6"):
            if needed not in by_name:
                raise SpecError(
                    f"the base has no package {needed}",
                    where=f"WORKSPACE.toml: bases.{self.env.base}.packages",
                    solution=f'add "{needed}", or correct the base\'s python',
                )
        target = self._target(
            variant,
            platform,
            upstream_version(by_name[interpreter]),
            upstream_version(by_name["libc6"]),
        )
        return ResolvedBase(target=target, debs=debs)

    def _image(
        self, base: ImageBase, variant: str, platform: str, asked: Mapping[str, Requirements]
    ) -> ResolvedBase:
        # Its solver is large, and half of the envs have nothing of conda.
        from lockyard.resolve.conda.resolver import (  # noqa: PLC0415
            CondaRequirement,
            VirtualPackages,
            resolve_conda,
        )

        registry = self.workspace.sources[base.source]
        channel = self.workspace.sources[base.conda]
        assert isinstance(registry, RegistrySource)  # noqa: S101 - the reader has seen to it
        assert isinstance(channel, CondaSource)  # noqa: S101 - the reader has seen to it
        image = resolve_image(base, registry, platform=platform, environ=self.world.environ)
        label = f"base {self.env.base}"
        requirements = [CondaRequirement(text=f"python {base.python}.*", origin=label)]
        requirements += [
            CondaRequirement(text=text, origin=asker)
            for asker, each in asked.items()
            for text in each.conda
        ]
        name = target_name(variant, platform)
        conda = resolve_conda(
            requirements=requirements,
            subdir=_SUBDIRS[platform],
            virtual=VirtualPackages(
                glibc=base.glibc, cuda=variant.removeprefix("cuda") if variant != "cpu" else None
            ),
            channel=channel.channel,
            source=base.conda,
            mirror=mirror_address(base.conda, channel.mirror, self.world.environ),
            pinned=[
                each
                for each in self.pins.of("conda")
                if isinstance(each, CondaPackage) and (not each.targets or name in each.targets)
            ],
            upgrade=self.pins.moves.packages,
            cache=self.world.cache / "conda",
            exclude_newer=self.pins.cutoff(base.conda),
            reporter=self.world.reporter,
        )
        python = next(each.version for each in conda if each.name == "python")
        return ResolvedBase(
            target=self._target(variant, platform, python, base.glibc), conda=conda, image=image
        )


def _exact(moves: Moves, names: set[str]) -> dict[str, tuple[str, ...]]:
    """Return the Debian relations of packages that are to move to one version."""
    wanted = [each.partition("==") for each in sorted(moves.packages)]
    relations = tuple(
        f"{name} (= {version})" for name, _, version in wanted if version and name in names
    )
    return {_MOVE: relations} if relations else {}


def _unlabelled(deb: Deb) -> Deb:
    """Take out what only this call asked for: the lock tells what the spec asks for."""
    return evolve(deb, required_by=tuple(each for each in deb.required_by if each != _MOVE))
