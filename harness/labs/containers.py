"""The containers lab: three hosts as unprivileged containers, reached by ssh as in production.

DRBD, mounts, services and the cloud are the fakes, as programs on the hosts' PATH; everything else on them is real.
"""

from __future__ import annotations

import contextlib

from harness.errors import LabUnavailable
from harness.labs import container_image, container_keys
from harness.labs.docker_cleanup import connect


class ContainersLab:
    """Implements harness.labs.lab.Lab."""

    name = "containers"

    def lacks(self) -> list[str]:
        """What this machine lacks, each with the command that would provide it."""
        lacks = container_keys.lacks()
        try:
            import testcontainers.core.container  # noqa: F401

            with contextlib.closing(connect(timeout_s=5.0)) as client:
                lacks += container_image.lacks(client)
        except ImportError:
            lacks.append("the Python package testcontainers: pip install 'walrus-ha[labs]'")
        except LabUnavailable as error:
            lacks.append(str(error))
        return lacks
