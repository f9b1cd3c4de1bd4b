"""The env in whose image packages of another env are compiled."""

from __future__ import annotations

from collections.abc import Iterator

from lockyard.errors import Fault
from lockyard.spec.model import Env

_PLAIN = "cpu"


def builder_names(env: Env) -> dict[str, str]:
    """Return by the packages that an env has compiled the names of their builders."""
    return {str(name): str(rule.builder) for name, rule in env.sdists.items() if rule.builder}


def builder_variant(builder: Env, variant: str) -> str:
    """Return the builder's variant that compiles for a variant: the same, or ``cpu``."""
    return variant if variant in builder.variants else _PLAIN


def builder_faults(env: Env, builder: Env, file: str) -> Iterator[Fault]:
    """Give why an env's packages can't be compiled in the image of another."""
    key = next(f"sdists.{name}.builder" for name in builder_names(env))
    if compiled := builder_names(builder):
        reason = f"{builder.name} has {', '.join(sorted(compiled))} compiled itself"
        yield Fault(file, key, reason, "name an env that needs no builder")
    if builder.run:
        reason = f"{builder.name} has commands to run, and the stage that compiles runs none"
        yield Fault(file, key, reason, "name an env that has no run")
    if builder.run_scripts:
        reason = f"{builder.name} has packages installed by their scripts, which isn't done there"
        yield Fault(file, key, reason, "name an env that has no run-scripts")
    if builder.base != env.base:
        # Its Python, its C library and its prefix are what extensions are compiled for.
        reason = f"{builder.name} stands on {builder.base}, and this env on {env.base}"
        yield Fault(file, key, reason, "name an env of the same base")
    for platform in sorted(set(env.platforms) - set(builder.platforms)):
        yield Fault(file, key, f"{builder.name} isn't for {platform}", "add it to its platforms")
    for variant in sorted(env.variants):
        if builder_variant(builder, variant) not in builder.variants:
            reason = f"{builder.name} has neither variant {variant} nor {_PLAIN}"
            yield Fault(file, key, reason, "add one to its variants")
