#!/usr/bin/python3
"""Keeps the house in order: who may include whom, which library lives where, and that
everything up to engine/ only computes.

    tests/includes.py               checks the tree, after having checked itself
    tests/includes.py FOLDER        checks the tree in FOLDER

Reads the folders, in order, from src/README.md. One line of file:line for each violation.
"""
import os
import re
import sys
import tempfile

# These stand at the same height and leave each other alone.
LEVEL = [{"backend", "receivers", "store", "net"}, {"tocsind", "tocsin"}]
PURE = ("base", "model", "text", "config", "engine")

# Library header: where it may be included. A name ending in / is a folder.
JSON = ("text/", "backend/", "receivers/", "api/", "tocsin/", "store/", "tests/")
HOMES = [
    (r"yaml\.h", ("text/yaml.c",)),
    (r"pcre2.*\.h", ("model/regex.c",)),
    (r"sqlite3.*\.h", ("store/", "tests/")),
    (r"(event|evhttp|evutil|evdns|event2/.*)(\.h)?", ("net/", "tocsind/", "tests/")),
    (r"curl/.*", ("net/",)),
    (r"jansson.*\.h", JSON),
    (r"cmocka.*\.h", ("tests/",)),
    (r"(snappy-c|protobuf-c/.*)(\.h)?", ("backend/", "tests/")),
    (r"crypt\.h", ("api/",)),
]

# What reads a clock, a file, a socket, the environment or chance, or waits.
IMPURE = """
    clock_gettime clock_getres gettimeofday time ftime clock times localtime localtime_r
    mktime timelocal tzset strftime_l nanosleep clock_nanosleep sleep usleep alarm setitimer
    timer_create timerfd_create
    fopen fopen64 freopen fdopen popen tmpfile open open64 openat creat read write pread
    pwrite readv writev fread fwrite fgets fgetc getc getchar getline getdelim fputs fputc
    putc putchar puts fprintf vfprintf printf vprintf dprintf perror scanf fscanf
    opendir fdopendir readdir scandir glob nftw stat fstat lstat access unlink rename mkdir
    rmdir mkstemp mkdtemp realpath readlink mmap sendfile ioctl fcntl
    socket socketpair connect bind listen accept accept4 send sendto sendmsg recv recvfrom
    recvmsg getaddrinfo getnameinfo gethostbyname gethostname poll select epoll_create1
    inotify_init1 pipe pipe2 eventfd syslog
    getenv secure_getenv setenv putenv unsetenv setlocale
    rand rand_r srand random srandom drand48 lrand48 arc4random getrandom getentropy
    RAND_bytes
    fork vfork execv execve execvp system posix_spawn kill raise signal sigaction
    pthread_create thrd_create getpid getppid getuid getpwuid syscall
""".split()
WORD = re.compile(r"(?<![\w.])(?<!->)(" + "|".join(map(re.escape, IMPURE)) + r")\s*\(")
ENVIRON = re.compile(r"(?<![\w.>])(environ|stdin|stdout)\b")
# The log writes its line, and what ends the process says why: on standard error, nothing else.
MAY = {("base/log.c", "write"), ("base/base.c", "fprintf"), ("base/base.c", "vfprintf"),
       ("base/base.c", "fputs"), ("base/base.c", "fputc")}

OWN = re.compile(r"^static\b[^;=()]*?\b\**(\w+)\s*\(", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
NAMED = re.compile(r"`([a-z_0-9]+/[A-Za-z_0-9./]*)`")


def folders_of(readme):
    """Folders of the list, in order: lines like "base      what it holds" in a ``` block."""
    with open(readme) as f:
        text = f.read()
    block = re.search(r"```\n(.*?)```", text, re.S)
    return [] if not block else [line.split()[0] for line in block[1].splitlines()
                                 if line and not line[0].isspace()]


def bare(text):
    """The source without comments and the insides of strings; lines stay where they are."""
    def blank(m):
        s = m[0]
        if s[0] in "\"'":
            return s[0] + " " * (len(s) - 2) + s[-1]
        return re.sub(r"[^\n]", " ", s)

    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'', blank, text,
                  flags=re.S)


class Check:
    def __init__(self, root):
        self.root = root
        self.found = []
        self.order = []

    def say(self, path, line, text):
        self.found.append(f"{os.path.relpath(path, self.root)}:{line}: {text}")

    def run(self):
        src = os.path.join(self.root, "src")
        readme = os.path.join(src, "README.md")
        self.order = folders_of(readme)
        if not self.order:
            self.say(readme, 1, "has no list of folders")
            return self.found
        self.map(readme, src)
        for folder in self.order:
            self.folder(os.path.join(src, folder), folder)
        for top, _, names in sorted(os.walk(os.path.join(self.root, "tests"))):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    self.includes(os.path.join(top, name), "tests", "tests/")
        return self.found

    def map(self, readme, src):
        real = {d for d in os.listdir(src) if os.path.isdir(os.path.join(src, d))}
        for name in sorted(real - set(self.order)):
            self.say(readme, 1, f"does not list src/{name}/")
        with open(readme) as f:
            for number, line in enumerate(f, 1):
                word = line.split(" ")[0].strip()
                if word in self.order and word not in real:
                    self.say(readme, number, f"src/{word}/ is not there")
                for path in NAMED.findall(line):
                    if not os.path.exists(os.path.join(src, path)) and \
                            not os.path.exists(os.path.join(self.root, path)):
                        self.say(readme, number, f"{path} is not there")

    def folder(self, path, folder):
        if not os.path.isdir(path):
            return
        for name in sorted(os.listdir(path)):
            if name.endswith((".c", ".h")):
                file = os.path.join(path, name)
                self.includes(file, folder, f"{folder}/{name}")
                if folder in PURE:
                    self.pure(file, f"{folder}/{name}")

    def includes(self, file, folder, place):
        with open(file, errors="replace") as f:
            for number, line in enumerate(f, 1):
                m = INCLUDE.match(line)
                if not m:
                    continue
                self.library(file, number, m[2], place)
                if m[1] == '"':
                    self.arrow(file, number, m[2], folder)

    def library(self, file, number, header, place):
        for pattern, homes in HOMES:
            if re.fullmatch(pattern, header) and \
                    not any(place == h or (h.endswith("/") and place.startswith(h))
                            for h in homes):
                self.say(file, number, f"<{header}> belongs to {', '.join(homes)}")

    def arrow(self, file, number, header, folder):
        target = header.split("/")[0]
        if folder == "tests":
            return
        if "/" not in header:
            self.say(file, number, f'"{header}" does not say which folder it is in')
        elif target not in self.order:
            self.say(file, number, f'"{header}" is not of src/')
        elif target == folder:
            return
        elif any(folder in level and target in level for level in LEVEL):
            self.say(file, number, f"{folder}/ and {target}/ leave each other alone")
        elif self.order.index(target) > self.order.index(folder):
            self.say(file, number, f"{folder}/ must not know {target}/, which comes after it")

    def pure(self, file, place):
        with open(file, errors="replace") as f:
            text = bare(f.read())
        own = set(OWN.findall(text))  # a static function of that name hides the system's
        for number, line in enumerate(text.splitlines(), 1):
            if line.lstrip().startswith("#"):
                continue
            for m in WORD.finditer(line):
                if m[1] not in own and (place, m[1]) not in MAY:
                    self.say(file, number, f"{m[1]}(): nothing up to engine/ does that")
            for m in ENVIRON.finditer(line):
                self.say(file, number, f"{m[1]}: nothing up to engine/ does that")


# -- can it fail? ------------------------------------------------------------------------
GOOD = {
    "src/README.md": "# Map\n\n```\nbase      a\nmodel     b\ntext      c\nengine    d\n"
                     "net       e\nstore     f\napi       g\ntocsind   h\n```\n"
                     "| x | `base/a.h` |\n",
    "src/base/a.h": '/* time(NULL) in a comment */\n#include <stddef.h>\nint f(void);\n',
    "src/base/log.c": '#include "base/a.h"\nvoid g(void) { write(2, "read(", 5); }\n',
    "src/model/m.c": '#include "base/a.h"\nvoid g(struct x *x) { x->read(x); x->files.open(1); }\n',
    "src/text/yaml.c": "#include <yaml.h>\n",
    "src/engine/e.c": '#include "model/m.h"\nint deadtime(void);\n'
                      'static bool accept(int c)\n{\n\treturn accept(c);\n}\n',
    "src/net/n.c": '#include <curl/curl.h>\n#include "engine/e.h"\nlong t(void) { return time(0); }\n',
    "src/store/s.c": '#include <sqlite3.h>\n',
    "src/api/a.c": '#include "net/n.h"\n#include "store/s.h"\n',
    "src/tocsind/main.c": '#include "api/a.h"\n',
    "tests/unit/t.c": '#include <cmocka.h>\n#include "net/n.h"\n',
}
BAD = [  # a file, what is put in, what must be found
    ("src/base/a.h", '#include "engine/e.h"\n', "src/base/a.h:1: base/ must not know engine/"),
    ("src/engine/e.c", '\n#include "net/n.h"\n', "src/engine/e.c:2: engine/ must not know net/"),
    ("src/net/n.c", '#include "store/s.h"\n', "src/net/n.c:1: net/ and store/ leave each other"),
    ("src/store/s.c", '#include "net/n.h"\n', "src/store/s.c:1: store/ and net/ leave each other"),
    ("src/engine/e.c", "int f(void)\n{\n\treturn time(NULL);\n}\n", "src/engine/e.c:3: time()"),
    ("src/engine/e.c", "x = clock_gettime(CLOCK_REALTIME, &t);\n", "src/engine/e.c:1: clock_get"),
    ("src/model/m.c", 'f = fopen ("x", "r");\n', "src/model/m.c:1: fopen()"),
    ("src/base/a.h", 'char *h = getenv("HOME");\n', "src/base/a.h:1: getenv()"),
    ("src/text/t.c", "n = read(fd, b, 1);\n", "src/text/t.c:1: read()"),
    ("src/text/t.c", "write(2, b, 1);\n", "src/text/t.c:1: write()"),
    ("src/text/t.c", "extern char **environ;\n", "src/text/t.c:1: environ"),
    ("src/text/t.c", "/* a\n */ random();\n", "src/text/t.c:2: random()"),
    ("src/text/t.c", "#include <yaml.h>\n", "src/text/t.c:1: <yaml.h> belongs to text/yaml.c"),
    ("src/engine/e.c", "#include <event2/event.h>\n", "src/engine/e.c:1: <event2/event.h> belongs"),
    ("src/api/a.c", "#include <sqlite3.h>\n", "src/api/a.c:1: <sqlite3.h> belongs to store/"),
    ("src/net/n.c", "#include <jansson.h>\n", "src/net/n.c:1: <jansson.h> belongs to"),
    ("src/api/a.c", '#include "a.h"\n', 'src/api/a.c:1: "a.h" does not say'),
    ("src/new/n.c", "int x;\n", "src/README.md:1: does not list src/new/"),
    ("src/README.md", GOOD["src/README.md"].replace("`base/a.h`", "`base/gone.h`"),
     "src/README.md:13: base/gone.h is not there"),
    ("src/README.md", GOOD["src/README.md"].replace("api  ", "apis "),
     "src/README.md:1: does not list src/api/"),
    ("src/README.md", "nothing\n", "src/README.md:1: has no list of folders"),
]


def found_in(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w") as f:
                f.write(text)
        return Check(root).run()


def self_test():
    found = found_in(GOOD)
    assert not found, f"a good tree is refused: {found}"
    for path, text, want in BAD:
        found = found_in({**GOOD, path: text})
        assert any(x.startswith(want) for x in found), f"{path}: wanted {want!r}, got {found}"


def main():
    self_test()
    root = sys.argv[1] if len(sys.argv) > 1 else \
        os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    found = Check(root).run()
    for line in found:
        print(line)
    if found:
        print(f"{len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
