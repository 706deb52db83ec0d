"""What goes wrong for a reason that may pass: a full disk, a permission, a file server that is away."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator

AWAY = {
    errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH,
    errno.ENOTCONN, errno.ECONNREFUSED, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOLINK, errno.EREMOTEIO,
    errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM, errno.ESHUTDOWN,
}  # fmt: skip
"""What the kernel says of a file server, or a disk, that does not answer; never of a file that is damaged."""
PASSING = AWAY | {
    errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE,
    errno.ENOMEM, errno.EBUSY, errno.EAGAIN, errno.EINTR,
}  # fmt: skip
"""What a disk, its owner or a network file system may put right."""
IN_WORDS = re.compile(r"\berrno = (\d{1,5})\b")
"""How the HDF5 library tells what the system said; h5py does not always take it over."""


def may_pass(error: BaseException | None) -> bool:
    """The same may succeed later: the system said so of the error, or of what caused it."""
    return any(number in PASSING for number in reasons(error))


def is_away(error: BaseException | None) -> bool:
    """What was to be read is on a file server or disk that does not answer."""
    return any(number in AWAY for number in reasons(error))


def remedy(error: OSError) -> str:
    """What to do about what the system refuses while results are written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "make room on the disk of the results (a quota counts too), then try the sweep again"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make the folder of the results writable for this user, then try the sweep again"
    if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
        return "start `autoproc run` with fewer workers, service.n_workers=1, or raise this user's limits (ulimit -n)"
    return "see that the disk of the results is there and sound (`df`, `dmesg`), then try the sweep again"


def reasons(error: BaseException | None) -> Iterator[int]:
    """The numbers that the system has given for an error and for what caused it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError):
            if error.errno is not None:
                yield error.errno
            else:
                yield from map(int, IN_WORDS.findall(str(error)))
        error = error.__cause__
