"""What the packages' own scripts would have left behind, worked out instead of run.

A script is known by its package's name. Each known one has a function here that makes the
same files, or a word on why a fresh installation in an image needs nothing of it. A package
with a script that isn't known is refused: it might matter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from attrs import evolve

from lockyard.build.debian.archive import DebArchive
from lockyard.build.debian.database import merged
from lockyard.build.entry import Entry, directory, symlink, text
from lockyard.build.tree import Tree
from lockyard.errors import BuildError

# Scripts that a fresh installation in an image needs nothing of.
IDLE = {
    "adduser": "moves a setting of older versions",
    "apt": "makes its user (see accounts) and enables timers, which no image runs",
    "bash": "registers a manual page; /bin/sh is dash's",
    "coreutils": "moves a program of older versions",
    "dash": "takes /bin/sh over, which its archive already has",
    "debconf": "upgrades its own database",
    "debian-archive-keyring": "removes keys of older versions",
    "dpkg": "moves files of older versions, enables a timer",
    "init-system-helpers": "undoes a diversion of debootstrap",
    "libc6": "restarts services and checks the kernel",
    "libcrypt-dev": "makes a folder of a link of older versions",
    "libgcrypt20": "removes libraries of older versions",
    "libgssapi-krb5-2": "moves a setting of older versions",
    "libpam-runtime": "writes /etc/pam.d/common-*: nobody logs in to an image",
    "libpam0g": "restarts services",
    "libpython3.11-minimal": "makes sitecustomize.py, which its archive already has",
    "netbase": "makes /etc/hosts and /etc/networks, which engines mount their own over",
    "openssl": "makes /usr/lib/ssl, which its archive already has",
    "passwd": "makes the shadow files (see accounts)",
    "perl": "registers alternatives of manual pages",
    "perl-base": "moves a folder of older versions",
    "python3.11": "compiles modules, which is done where the recipe says so",
    "usr-is-merged": "checks what this builder sees to",
    "util-linux-extra": "moves a setting of older versions",
}


def configure(debs: Iterable[DebArchive], tree: Tree) -> None:
    """Put into the tree what the packages' preinst and postinst would have made.

    Raise BuildError for a package whose scripts aren't known.
    """
    unknown = []
    for deb in debs:
        scripts = sorted({"preinst", "postinst"} & deb.control.keys())
        effect = EFFECTS.get(deb.name)
        if effect:
            for entry in effect(tree):
                tree.replace(evolve(entry, owner=deb.file))
        elif scripts and deb.name not in IDLE:
            unknown.append(f"{deb.file} ({', '.join(scripts)})")
    if unknown:
        raise BuildError(
            f"these have scripts that matter, and nothing is executed here: {', '.join(unknown)}",
            where="Debian packages",
            solution="invoke why tells who needs them; leave that out, or require it in an env that"
            " extends this one, sets run-scripts and is built with --builder docker",
        )


def _base_files(tree: Tree) -> Iterator[Entry]:
    share = "usr/share/base-files"
    yield from _copied(tree, f"{share}/dot.profile", "root/.profile")
    yield from _copied(tree, f"{share}/dot.bashrc", "root/.bashrc")
    yield from _copied(tree, f"{share}/profile", "etc/profile")
    yield from _copied(tree, f"{share}/motd", "etc/motd")
    yield symlink("etc/dpkg/origins/default", "debian")
    for path in ("mnt", "srv", "opt", "etc/opt", "var/opt", "media"):
        yield directory(path)
    yield directory("var/mail", mode=0o2775, gid=8)
    yield symlink("var/spool/mail", "../mail")
    yield directory("run/lock", mode=0o1777)
    yield symlink("var/run", "/run")
    yield symlink("var/lock", "/run/lock")
    for name in ("bin", "etc", "games", "include", "lib", "sbin", "share", "share/man", "src"):
        yield directory(f"usr/local/{name}")
    yield symlink("usr/local/man", "share/man")


def _libc_bin(tree: Tree) -> Iterator[Entry]:
    yield from _copied(tree, "usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf")


def _ca_certificates(tree: Tree) -> Iterator[Entry]:
    """Enable every certificate, as update-ca-certificates(8) does for a fresh installation.

    Less its links by hashed names: OpenSSL looks into the bundle first, by way of cert.pem.
    """
    folder = "usr/share/ca-certificates"
    found = sorted(e.path for e in tree.below(folder) if e.path.endswith(".crt"))
    names = [path.removeprefix(f"{folder}/") for path in found]
    yield text("etc/ca-certificates.conf", "".join(f"{name}\n" for name in names))
    bundle = []
    for path in found:
        content = _content(tree, path)
        bundle.append(content if content.endswith(b"\n") else content + b"\n")
        stem = path.rpartition("/")[2].removesuffix(".crt")
        stem = stem.replace(" ", "_").replace("(", "=").replace(")", "=").replace(",", "_")
        yield symlink(f"etc/ssl/certs/{stem}.pem", f"/{path}")
    yield text("etc/ssl/certs/ca-certificates.crt", b"".join(bundle))
    yield directory("usr/local/share/ca-certificates")


def _debianutils(tree: Tree) -> Iterator[Entry]:
    shells = [_content(tree, "usr/share/debianutils/shells")]
    for entry in sorted(tree.below("usr/share/debianutils/shells.d"), key=lambda e: e.path):
        # As update-shells(8) has it: each shell, and the path of a base that isn't merged.
        shells += [
            line + b"\n" + (b"/usr" + line + b"\n" if line.startswith(b"/bin/") else b"")
            for line in _content(tree, entry.path).splitlines()
        ]
    yield text("etc/shells", b"".join(shells))
    yield from _alternative("which", "/usr/bin/which", "/usr/bin/which.debianutils", 0)


def _mawk(_: Tree) -> Iterator[Entry]:
    slaves = {"nawk": ("/usr/bin/nawk", "/usr/bin/mawk")}
    yield from _alternative("awk", "/usr/bin/awk", "/usr/bin/mawk", 5, slaves)


def _gcc(_: Tree) -> Iterator[Entry]:
    for name, path in {"cc": "gcc", "c89": "c89-gcc", "c99": "c99-gcc"}.items():
        yield from _alternative(name, f"/usr/bin/{name}", f"/usr/bin/{path}", 20)


def _gxx(_: Tree) -> Iterator[Entry]:
    yield from _alternative("c++", "/usr/bin/c++", "/usr/bin/g++", 20)


def _cpp(_: Tree) -> Iterator[Entry]:
    yield from _alternative("cpp", "/lib/cpp", "/usr/bin/cpp", 10)


def _util_linux(_: Tree) -> Iterator[Entry]:
    yield from _alternative("pager", "/usr/bin/pager", "/usr/bin/more", 50)


def _tar(_: Tree) -> Iterator[Entry]:
    yield from _alternative("rmt", "/usr/sbin/rmt", "/usr/sbin/rmt-tar", 50)


def _login(_: Tree) -> Iterator[Entry]:
    yield text("etc/subuid", "")
    yield text("etc/subgid", "")


def _libpam_modules(_: Tree) -> Iterator[Entry]:
    yield text("etc/security/opasswd", "", mode=0o600)
    yield text("etc/environment", "")


def _readline_common(tree: Tree) -> Iterator[Entry]:
    yield from _copied(tree, "usr/share/readline/inputrc", "etc/inputrc")


def _python(_: Tree) -> Iterator[Entry]:
    yield directory("usr/local/lib/python3.11/dist-packages")


def _tzdata(_: Tree) -> Iterator[Entry]:
    yield symlink("etc/localtime", "/usr/share/zoneinfo/Etc/UTC")
    yield text("etc/timezone", "Etc/UTC\n")


EFFECTS: Mapping[str, Callable[[Tree], Iterator[Entry]]] = {
    "base-files": _base_files,
    "base-passwd": lambda _: iter(()),  # accounts makes its files
    "ca-certificates": _ca_certificates,
    "cpp": _cpp,
    "debianutils": _debianutils,
    "g++": _gxx,
    "gcc": _gcc,
    "libc-bin": _libc_bin,
    "libpam-modules": _libpam_modules,
    "login": _login,
    "mawk": _mawk,
    "python3.11-minimal": _python,
    "readline-common": _readline_common,
    "tar": _tar,
    "tzdata": _tzdata,
    "util-linux": _util_linux,
}


def _alternative(
    name: str,
    link: str,
    path: str,
    priority: int,
    slaves: Mapping[str, tuple[str, str]] | None = None,
) -> Iterator[Entry]:
    """Give the links and the record that update-alternatives(1) makes for one choice."""
    links = {name: (link, path), **(slaves or {})}
    for each, (at, to) in links.items():
        yield symlink(merged(at[1:]), f"/etc/alternatives/{each}")
        yield symlink(f"etc/alternatives/{each}", to)
    record = ["auto", link]
    for each, (at, _) in (slaves or {}).items():
        record += [each, at]
    record += ["", path, str(priority), *(to for _, to in (slaves or {}).values()), ""]
    yield text(f"var/lib/dpkg/alternatives/{name}", "\n".join([*record, ""]))


def _copied(tree: Tree, source: str, path: str) -> Iterator[Entry]:
    entry = tree.get(source)
    if entry is not None:
        yield evolve(entry, path=path)


def _content(tree: Tree, path: str) -> bytes:
    entry = tree.get(path)
    if entry is None or entry.open is None:
        return b""
    with entry.open() as stream:
        return stream.read()
