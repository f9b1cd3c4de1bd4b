"""A base that is a registry's image with Python from conda, resolved for one target."""

from __future__ import annotations

from attrs import frozen

from lockyard.lock.virtual import VirtualPackages
from lockyard.resolve.base import Asked, ResolvedBase
from lockyard.resolve.image.resolver import resolve_image
from lockyard.resolve.request import Pins, World
from lockyard.sources.conda import channel_access
from lockyard.spec.model import CondaSource, ImageBase, RegistrySource
from lockyard.spec.platform import SUBDIRS


@frozen(kw_only=True)
class ImageBaseResolver:
    """Resolve a base by its ``name`` in the workspace."""

    name: str
    base: ImageBase
    registry: RegistrySource
    channel: CondaSource
    pins: Pins
    world: World

    def resolve(self, asked: Asked) -> ResolvedBase:
        """See BaseResolver."""
        # Its solver is large, and half of the envs have nothing of conda.
        from lockyard.resolve.conda.resolver import (  # noqa: PLC0415
            CondaRequirement,
            resolve_conda,
        )

        asked.refuse("debian", "a base that is an image takes no Debian packages")
        python = CondaRequirement(text=f"python {self.base.python}.*", origin=f"base {self.name}")
        held = self.pins.conda(asked.name)
        conda = resolve_conda(
            requirements=[
                python,
                *(
                    CondaRequirement(text=text, origin=label)
                    for label, each in asked.by.items()
                    for text in each.conda
                ),
            ],
            subdir=SUBDIRS[asked.platform],
            virtual=VirtualPackages(
                glibc=self.base.glibc,
                cuda=None if asked.variant == "cpu" else asked.variant.removeprefix("cuda"),
            ),
            channel=self.channel.channel,
            source=self.base.conda,
            mirror=channel_access(
                self.base.conda, self.channel.channel, self.channel.mirror, self.world.environ
            ),
            pinned=held,
            upgrade=self.pins.moves.of({each.name for each in held}),
            cache=self.world.cache / "conda",
            exclude_newer=self.pins.cutoff(self.base.conda),
            reporter=self.world.reporter,
        )
        version = next(each.version for each in conda if each.name == "python")
        image = self.pins.image(self.base, asked.platform) or resolve_image(
            self.base, self.registry, platform=asked.platform, environ=self.world.environ
        )
        return ResolvedBase(
            target=asked.target(self.name, version, self.base.glibc), conda=conda, image=image
        )
