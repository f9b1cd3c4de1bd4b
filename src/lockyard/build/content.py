"""What is in a layer: its file tree, and which package owns what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from attrs import field, frozen

from lockyard.build.base.accounts import PATHS, ImageAccounts
from lockyard.build.base.files import base_files
from lockyard.build.conda.install import CondaPrefix, conda_packages
from lockyard.build.debian.accounts import Accounts, base_accounts
from lockyard.build.debian.archive import open_debs
from lockyard.build.debian.base import added_tree, base_tree
from lockyard.build.entry import Entry
from lockyard.build.recipe import laid_entries, recipe_tree
from lockyard.build.tree import Tree
from lockyard.build.wheel.archive import open_wheel
from lockyard.build.wheel.install import installed_entries
from lockyard.errors import BuildError
from lockyard.fetch.image import fetch_image
from lockyard.fetch.pool import Cancel
from lockyard.plan.layer import (
    ChosenLayer,
    CondaLayer,
    DebianLayer,
    FilesLayer,
    Layer,
    RecipeLayer,
    WheelLayer,
)
from lockyard.plan.part import Part
from lockyard.store.paths import artifact_paths
from lockyard.store.store import Store


@frozen(kw_only=True)
class Content:
    """A layer's ``tree``, and what packages own, for each package its own.

    Where two packages of the layer own one path, the tree has the first one's: whether that
    is an error, the image says.
    """

    tree: Tree
    owned: Sequence[Entry] = field(default=())


@contextmanager
def layer_content(layer: Layer, store: Store, cancel: Cancel | None = None) -> Iterator[Content]:
    """Give the content of a layer whose artifacts are in the store, as long as the block lasts.

    ``cancel`` ends what takes long.
    """
    with ExitStack() as stack:
        match layer:
            case DebianLayer():
                debs = stack.enter_context(open_debs(artifact_paths(layer.debs, store)))
                below = {deb.file for deb in layer.below}
                yield Content(tree=added_tree(debs, below) if below else base_tree(debs))
            case CondaLayer():
                prefix = CondaPrefix(
                    path=layer.prefix.path,
                    python=layer.prefix.python,
                    channels={each.source: layer.channel for each in layer.packages},
                )
                paths = artifact_paths(layer.packages, store)
                installed = conda_packages(layer.packages, paths, prefix, store.scratch(), cancel)
                yield _owned(stack.enter_context(installed), layer.part)
            case WheelLayer():
                yield _owned(stack.enter_context(_wheels(layer, store)), layer.part)
            case ChosenLayer():
                inner = stack.enter_context(layer_content(layer.layer, store, cancel))
                yield Content(tree=_chosen(layer, inner.tree))
            case RecipeLayer():
                accounts = stack.enter_context(_accounts(layer, store))
                yield Content(tree=recipe_tree(layer, accounts))
            case FilesLayer():
                laid = list(laid_entries(layer, layer.user, f"env {layer.env}"))
                yield Content(tree=Tree(laid), owned=_files(laid))


def _owned(packages: Sequence[Sequence[Entry]], part: Part) -> Content:
    tree, owned = Tree(), list[Entry]()
    for entries in packages:
        Tree(entries)  # a package that contradicts itself is an error in any image
        held = [each for each in entries if part.has(each.path)]
        tree.cover(held)
        owned += held
    return Content(tree=tree, owned=owned)


def _files(entries: Sequence[Entry]) -> list[Entry]:
    return [each for each in entries if each.kind in {"file", "symlink"}]


@contextmanager
def _wheels(layer: WheelLayer, store: Store) -> Iterator[list[list[Entry]]]:
    with ExitStack() as stack:
        yield [
            installed_entries(stack.enter_context(open_wheel(path, file)), layer.prefix)
            for file, path in artifact_paths(layer.wheels, store).items()
        ]


def _chosen(layer: ChosenLayer, tree: Tree) -> Tree:
    chosen = Tree()
    for path in layer.paths:
        entry = tree.get(path[1:])
        if entry is None or entry.kind == "directory":
            raise BuildError(
                f"{layer.title} has no such file",
                where=f"owners: {path}",
                solution="name the package whose file shall stand there, or leave it out",
            )
        chosen.add([entry])
    return chosen


@contextmanager
def _accounts(layer: RecipeLayer, store: Store) -> Iterator[Accounts | ImageAccounts]:
    if layer.image is not None:
        pulled = fetch_image(layer.image, store=store)
        yield ImageAccounts(files=base_files(pulled, store, PATHS))
    else:
        with open_debs(artifact_paths(layer.account_debs, store)) as debs:
            yield base_accounts(debs)
