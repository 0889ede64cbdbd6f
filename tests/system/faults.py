"""The shim (tests/faults/shim.c) from the outside: what happens at which call of the daemon."""
import mmap
import os
import shutil
import struct

from programs import BUILD, Tocsind

SHIM = os.path.join(BUILD if os.path.exists(os.path.join(BUILD, "tests", "faults", "shim.so"))
                    else os.path.join(BUILD, "plain"), "tests", "faults", "shim.so")
STORAGE = ("open", "write", "read", "sync", "truncate", "rename", "unlink", "map")
NETWORK = ("socket", "connect", "send", "receive", "accept")
KINDS = STORAGE + NETWORK + ("load",)
KILL_BEFORE, KILL_AFTER, SHORT = -1, -2, -3
FOR_EVER = 2 ** 63
POINT = struct.Struct("<QQQqQ")
CLOCK_AT = POINT.size * len(KINDS)


class Faults:
    """The shared page. calls and met are read while the daemon runs; fail, kill and clear may be
    called before it starts or meanwhile."""

    def __init__(self, folder, loses_power=False):
        assert os.path.exists(SHIM), f"{SHIM} is not there: make system builds it"
        self.folder = os.path.join(str(folder), "data")
        self.path = os.path.join(str(folder), "faults")
        # below the folder, where the sandbox lets the daemon write
        self.synced = os.path.join(self.folder, "synced") if loses_power else None
        self.library = ""  # only loads of libraries with this in their names count
        if loses_power:
            os.makedirs(self.synced)
        with open(self.path, "wb") as f:
            f.truncate(CLOCK_AT + 8)
        with open(self.path, "r+b") as f:
            self._page = mmap.mmap(f.fileno(), CLOCK_AT + 8)

    def _set(self, kind, first, until, what):
        """The range last: it is what the daemon looks at first."""
        at = KINDS.index(kind) * POINT.size
        struct.pack_into("<Q", self._page, at + 16, 0)
        struct.pack_into("<q", self._page, at + 24, what)
        struct.pack_into("<Q", self._page, at + 8, first)
        struct.pack_into("<Q", self._page, at + 16, until)

    def fail(self, kind, what, first=0, times=FOR_EVER):
        """Calls from number `first` on; 0: from now on."""
        first = first or self.calls(kind) + 1
        self._set(kind, first, min(first + times, FOR_EVER), what)

    def clear(self):
        for kind in KINDS:
            self._set(kind, 0, 0, 0)

    def calls(self, kind):
        return struct.unpack_from("<Q", self._page, KINDS.index(kind) * POINT.size)[0]

    def met(self, kind):
        return struct.unpack_from("<Q", self._page, KINDS.index(kind) * POINT.size + 32)[0]

    def step_clock(self, seconds):
        struct.pack_into("<q", self._page, CLOCK_AT, int(seconds * 1e9))

    @property
    def before(self):
        """What to put before the daemon's command line."""
        return ["env", f"LD_PRELOAD={SHIM}", f"FAULTS_CONTROL={self.path}",
                f"FAULTS_FOLDER={self.folder}", f"FAULTS_LIBRARY={self.library}"] + \
            ([f"FAULTS_SYNCED={self.synced}"] if self.synced else [])

    def lose_power(self):
        """Once the daemon is gone: what was not synced is as it was when it last was."""
        left = self.folder + ".left"
        os.rename(self.synced, left)
        shutil.rmtree(self.folder)
        os.rename(left, self.folder)

    def tocsind(self, folder, config, **more):
        return Tocsind(folder, config, before=self.before, **more)
