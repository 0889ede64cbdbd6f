/* shim.so - a library to preload (LD_PRELOAD) that counts the daemon's calls to the storage
 * folder, to the network and for libraries, and at chosen ones fails, writes short, or
 * kills the process.
 *
 * Environment: FAULTS_CONTROL, a file of sizeof(struct control), mapped shared: the counts
 *              outlive the process, and whoever runs it may change its mind meanwhile.
 *              FAULTS_FOLDER, whose files count.
 *              FAULTS_SYNCED, a folder, if set: what is synced is copied to it, so that it
 *              holds what a loss of power leaves at the least.
 *              FAULTS_LIBRARY, a part of the names of those whose loading counts; all.
 * Order:       enum kind and struct control are repeated in tests/system/faults.py.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind {
	OPEN,
	WRITE,
	READ,
	SYNC,
	TRUNCATE,
	RENAME,
	UNLINK,
	MAP,
	SOCKET,
	CONNECT,
	SEND,
	RECEIVE,
	ACCEPT,
	LOAD,
	KINDS
};
enum {
	KILL_BEFORE = -1,
	KILL_AFTER = -2,
	SHORT = -3, /* half of the bytes */
};
struct control {
	struct {
		uint64_t calls, from, until; /* calls from .. until - 1, counted from 1 */
		int64_t what;		     /* an errno, or one of those above */
		uint64_t met;		     /* calls that it was done to */
	} kinds[KINDS];
	int64_t clock_ns; /* added to the wall clock */
};
enum owner { OF_NOBODY, OF_STORAGE, OF_NETWORK };

#define FILES 65536

static struct control *control;
static char folder[PATH_MAX], synced[PATH_MAX];
static unsigned char owners[FILES];

/* The next function of that name: the real one. */
#define REAL(name) ((__typeof__(&name))find(#name))

static void *find(const char *name)
{
	void *f = dlsym(RTLD_NEXT, name);

	if (!f)
		abort();
	return f;
}

static void set_owner(int fd, enum owner owner)
{
	if (fd >= 0 && fd < FILES)
		owners[fd] = (unsigned char)owner;
}

static enum owner owner_of(int fd)
{
	return fd >= 0 && fd < FILES ? (enum owner)owners[fd] : OF_NOBODY;
}

static bool is_in_folder(const char *path)
{
	return folder[0] && !strncmp(path, folder, strlen(folder));
}

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("FAULTS_CONTROL"), *where = getenv("FAULTS_FOLDER");
	const char *to = getenv("FAULTS_SYNCED");
	int fd = path ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at = REAL(mmap)(NULL, sizeof(*control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REAL(close)(fd);
	if (at == MAP_FAILED || !where || strlen(where) >= sizeof(folder) ||
	    (to && strlen(to) >= sizeof(synced) - 100))
		abort();
	strcpy(folder, where);
	strcpy(synced, to ? to : "");
	control = at;
}

/* Counts a call; 0: nothing is to happen to it. */
static int64_t meet(enum kind kind)
{
	uint64_t n;

	if (!control)
		return 0;
	n = __atomic_add_fetch(&control->kinds[kind].calls, 1, __ATOMIC_SEQ_CST);
	if (n < __atomic_load_n(&control->kinds[kind].from, __ATOMIC_SEQ_CST) ||
	    n >= __atomic_load_n(&control->kinds[kind].until, __ATOMIC_SEQ_CST))
		return 0;
	__atomic_add_fetch(&control->kinds[kind].met, 1, __ATOMIC_SEQ_CST);
	if (control->kinds[kind].what == KILL_BEFORE)
		kill(getpid(), SIGKILL);
	return control->kinds[kind].what;
}

/* True when the call is not to be made. */
static bool fails(int64_t what)
{
	if (what <= 0)
		return false;
	errno = (int)what;
	return true;
}

static void made(int64_t what)
{
	if (what == KILL_AFTER)
		kill(getpid(), SIGKILL);
}

static size_t shortened(int64_t what, size_t n)
{
	return what == SHORT && n > 1 ? n / 2 : n;
}

/* -- files ---------------------------------------------------------------------------- */

static int open_any(const char *name, const char *path, int flags, mode_t mode)
{
	int (*real)(const char *, int, ...) = (__typeof__(real))find(name);
	int64_t what;
	int fd;

	if (!is_in_folder(path)) {
		fd = real(path, flags, mode);
		set_owner(fd, OF_NOBODY);
		return fd;
	}
	what = meet(OPEN);
	if (fails(what))
		return -1;
	fd = real(path, flags, mode);
	made(what);
	set_owner(fd, OF_STORAGE);
	return fd;
}

#define OPENS(name)                                                                        \
	int name(const char *path, int flags, ...)                                         \
	{                                                                                  \
		va_list args;                                                              \
		mode_t mode;                                                               \
                                                                                           \
		va_start(args, flags);                                                     \
		mode = va_arg(args, mode_t);                                               \
		va_end(args);                                                              \
		return open_any(#name, path, flags, mode);                                 \
	}
int open64(const char *path, int flags, ...);
OPENS(open)
OPENS(open64)

/* Of a call that moves bytes: the kind it is, or KINDS when it does not count. */
static enum kind kind_of(int fd, enum kind of_storage, enum kind of_network)
{
	enum owner owner = owner_of(fd);

	return owner == OF_STORAGE ? of_storage : owner == OF_NETWORK ? of_network : KINDS;
}

#define MOVES(result, name, of_storage, of_network, params, args)                          \
	result name params                                                                 \
	{                                                                                  \
		enum kind kind = kind_of(fd, of_storage, of_network);                      \
		int64_t what = kind == KINDS ? 0 : meet(kind);                             \
		result got;                                                                \
                                                                                           \
		if (fails(what))                                                           \
			return -1;                                                         \
		got = REAL(name) args;                                                     \
		made(what);                                                                \
		return got;                                                                \
	}
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t pread64(int fd, void *p, size_t n, off_t at);
int ftruncate64(int fd, off_t n);
MOVES(ssize_t, write, WRITE, SEND, (int fd, const void *p, size_t n),
      (fd, p, shortened(what, n)))
MOVES(ssize_t, pwrite, WRITE, KINDS, (int fd, const void *p, size_t n, off_t at),
      (fd, p, shortened(what, n), at))
MOVES(ssize_t, pwrite64, WRITE, KINDS, (int fd, const void *p, size_t n, off_t at),
      (fd, p, shortened(what, n), at))
MOVES(ssize_t, read, READ, RECEIVE, (int fd, void *p, size_t n),
      (fd, p, shortened(what, n)))
MOVES(ssize_t, pread, READ, KINDS, (int fd, void *p, size_t n, off_t at),
      (fd, p, shortened(what, n), at))
MOVES(ssize_t, pread64, READ, KINDS, (int fd, void *p, size_t n, off_t at),
      (fd, p, shortened(what, n), at))
MOVES(int, ftruncate, TRUNCATE, KINDS, (int fd, off_t n), (fd, n))
MOVES(int, ftruncate64, TRUNCATE, KINDS, (int fd, off_t n), (fd, n))

static bool copy(int from, int to)
{
	char piece[65536];
	ssize_t n = 0;
	off_t at = 0;

	while ((n = REAL(pread)(from, piece, sizeof(piece), at)) > 0) {
		if (REAL(pwrite)(to, piece, (size_t)n, at) != n)
			return false;
		at += n;
	}
	return n == 0;
}

/* Under another name first: the process may end at any moment. */
static void keep_synced(int fd)
{
	char link[64], path[PATH_MAX] = "", whole[2 * PATH_MAX], part[sizeof(whole) + 8];
	struct stat file;
	int to;

	if (!synced[0] || fstat(fd, &file) || !S_ISREG(file.st_mode))
		return;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		abort();
	snprintf(whole, sizeof(whole), "%s%s", synced, strrchr(path, '/'));
	snprintf(part, sizeof(part), "%s.part", whole);
	to = REAL(open)(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (to < 0 || !copy(fd, to) || REAL(rename)(part, whole))
		abort();
	REAL(close)(to);
}

#define SYNCS(name)                                                                        \
	int name(int fd)                                                                   \
	{                                                                                  \
		int64_t what = owner_of(fd) == OF_STORAGE ? meet(SYNC) : 0;                \
		int got;                                                                   \
		if (fails(what))                                                           \
			return -1;                                                         \
		got = REAL(name)(fd);                                                      \
		if (!got && owner_of(fd) == OF_STORAGE)                                    \
			keep_synced(fd);                                                   \
		made(what);                                                                \
		return got;                                                                \
	}
SYNCS(fsync)
SYNCS(fdatasync)

#define PATHS(name, kind, params, args)                                                    \
	int name params                                                                    \
	{                                                                                  \
		int64_t what = is_in_folder(path) ? meet(kind) : 0;                        \
		int got;                                                                   \
                                                                                           \
		if (fails(what))                                                           \
			return -1;                                                         \
		got = REAL(name) args;                                                     \
		made(what);                                                                \
		return got;                                                                \
	}
PATHS(rename, RENAME, (const char *path, const char *to), (path, to))

/* The folder is synced after it: it lasts. */
static int unlink_both(const char *path)
{
	char kept[2 * PATH_MAX];

	if (synced[0] && is_in_folder(path)) {
		snprintf(kept, sizeof(kept), "%s%s", synced, strrchr(path, '/'));
		REAL(unlink)(kept);
	}
	return REAL(unlink)(path);
}

int unlink(const char *path)
{
	int64_t what = is_in_folder(path) ? meet(UNLINK) : 0;
	int got;

	if (fails(what))
		return -1;
	got = unlink_both(path);
	made(what);
	return got;
}

#define MAPS(name)                                                                         \
	void *name(void *at, size_t n, int protection, int flags, int fd, off_t from)      \
	{                                                                                  \
		int64_t what = owner_of(fd) == OF_STORAGE ? meet(MAP) : 0;                 \
		void *got;                                                                 \
                                                                                           \
		if (fails(what))                                                           \
			return MAP_FAILED;                                                 \
		got = REAL(name)(at, n, protection, flags, fd, from);                      \
		made(what);                                                                \
		return got;                                                                \
	}
void *mmap64(void *at, size_t n, int protection, int flags, int fd, off_t from);
MAPS(mmap)
MAPS(mmap64)

int close(int fd)
{
	set_owner(fd, OF_NOBODY);
	return REAL(close)(fd);
}

/* -- the network ---------------------------------------------------------------------- */

int socket(int domain, int type, int protocol)
{
	int64_t what = meet(SOCKET);
	int fd;

	if (fails(what))
		return -1;
	fd = REAL(socket)(domain, type, protocol);
	made(what);
	set_owner(fd, OF_NETWORK);
	return fd;
}

#define ACCEPTS(name, params, args)                                                        \
	int name params                                                                    \
	{                                                                                  \
		int64_t what = meet(ACCEPT);                                               \
		int got;                                                                   \
                                                                                           \
		if (fails(what))                                                           \
			return -1;                                                         \
		got = REAL(name) args;                                                     \
		made(what);                                                                \
		set_owner(got, OF_NETWORK);                                                \
		return got;                                                                \
	}
ACCEPTS(accept, (int fd, struct sockaddr *restrict at, socklen_t *restrict n), (fd, at, n))
ACCEPTS(accept4, (int fd, struct sockaddr *restrict at, socklen_t *restrict n, int flags),
	(fd, at, n, flags))
MOVES(int, connect, KINDS, CONNECT, (int fd, const struct sockaddr *at, socklen_t n),
      (fd, at, n))
MOVES(ssize_t, send, KINDS, SEND, (int fd, const void *p, size_t n, int flags),
      (fd, p, shortened(what, n), flags))
MOVES(ssize_t, sendmsg, KINDS, SEND, (int fd, const struct msghdr *m, int flags),
      (fd, m, flags))
MOVES(ssize_t, writev, WRITE, SEND, (int fd, const struct iovec *v, int n), (fd, v, n))
MOVES(ssize_t, recv, KINDS, RECEIVE, (int fd, void *p, size_t n, int flags),
      (fd, p, shortened(what, n), flags))
MOVES(ssize_t, readv, READ, RECEIVE, (int fd, const struct iovec *v, int n), (fd, v, n))

/* -- the clock ------------------------------------------------------------------------ */

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int got = REAL(clock_gettime)(clock, t);
	int64_t ns;

	if (got || !control || clock != CLOCK_REALTIME)
		return got;
	ns = t->tv_nsec + __atomic_load_n(&control->clock_ns, __ATOMIC_SEQ_CST);
	t->tv_sec += ns / 1000000000;
	t->tv_nsec = ns % 1000000000;
	if (t->tv_nsec < 0) {
		t->tv_nsec += 1000000000;
		t->tv_sec--;
	}
	return 0;
}

/* -- libraries ------------------------------------------------------------------------ */

void *dlopen(const char *name, int flags)
{
	const char *only = getenv("FAULTS_LIBRARY");
	int64_t what = !only || (name && strstr(name, only)) ? meet(LOAD) : 0;
	void *got = REAL(dlopen)(fails(what) ? "not there.so" : name, flags);

	made(what);
	return got;
}
