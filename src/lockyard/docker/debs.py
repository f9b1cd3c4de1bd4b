"""What an image's context has for Debian packages whose scripts run while it is built."""

from __future__ import annotations

import json
from collections.abc import Iterator

from lockyard.plan.image import ImagePlan
from lockyard.plan.layer import FilesLayer

FOLDER = "debs"
# Above the packages: an env's own files stand over theirs.
LAST = "last"
_SCRIPT = f"""\
# Installs the packages beside this by the image's own dpkg. No service is begun.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\\nexit 101\\n' >"$policy"
  chmod 0755 "$policy"
fi
dpkg --force-confdef,confold --install /context/{FOLDER}/*.deb
dpkg --audit
# What has the time in it, or is left of what was there before.
find /var/log -type f -exec rm -f {{}} +
rm -f /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old
"""


def install_texts(plan: ImagePlan) -> Iterator[tuple[str, str]]:
    """Give the path and the text of the script that installs an image's packages, if it has any."""
    if plan.installed:
        yield f"{FOLDER}/install.sh", _SCRIPT


def is_last(plan: ImagePlan, layer: object) -> bool:
    """Tell whether a layer stands above what is installed."""
    return bool(plan.installed) and isinstance(layer, FilesLayer)


def install_steps(plan: ImagePlan, epoch: int) -> Iterator[str]:
    """Give the instructions that install an image's packages, if it has any."""
    if not plan.installed:
        return
    # useradd writes down the day of a password, and takes it from there.
    fixed = [f"SOURCE_DATE_EPOCH={epoch}", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "TZ=UTC"]
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    # So that what a script compiles has no time in it.
    fixed += [path, "HOME=/root", "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0"]
    command = ["/usr/bin/env", "-i", *fixed, "/bin/sh", "-eu", f"/context/{FOLDER}/install.sh"]
    yield f"RUN --network=none --mount=type=bind,target=/context {json.dumps(command)}"
    if any(is_last(plan, layer) for layer in plan.layers):
        yield f"ADD --link layers/{LAST}-*.tar.gz /"
