#include "base/base.h"
#include "tocsind/outside.h"
#include "base/map.h"
#include "net/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A pipe, or a device, could keep us waiting for ever. */
static FILE *open_regular(const char *path, struct stat *st, struct err *err)
{
	struct pos at = {path, 0, 0};
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	FILE *in;

	if (fd < 0) {
		err_sys(err, at, "cannot open");
		return NULL;
	}
	if (fstat(fd, st) || !S_ISREG(st->st_mode) ||
	    (size_t)st->st_size > FILE_MAX_BYTES) {
		if (S_ISDIR(st->st_mode))
			err_set(err, at, "is a folder");
		else if (!S_ISREG(st->st_mode))
			err_set(err, at, "is not a regular file");
		else
			err_set(err, at, "is larger than %zu bytes", FILE_MAX_BYTES);
		close(fd);
		return NULL;
	}
	in = fdopen(fd, "r");
	ASSERT(in);
	return in;
}

bool outside_read(void *ctx, struct arena *mem, const char *path, struct str *out,
		  struct err *err)
{
	struct pos at = {path, 0, 0};
	struct stat st = {0};
	FILE *in = open_regular(path, &st, err);
	char *bytes;
	size_t n;
	bool ok;

	(void)ctx;
	if (!in)
		return false;
	bytes = arena_alloc(mem, (size_t)st.st_size + 1);
	n = fread(bytes, 1, (size_t)st.st_size, in);
	ok = !ferror(in);
	fclose(in);
	if (!ok)
		return err_sys(err, at, "cannot read");
	*out = (struct str){bytes, n};
	return true;
}

bool outside_glob(void *ctx, struct arena *mem, const char *pattern, const char ***paths,
		  size_t *n, struct err *err)
{
	(void)ctx;
	return list_paths(mem, pattern, paths, n, err);
}

static bool is_zone_name(struct str name)
{
	if (!name.n || name.n > 100 || name.p[0] == '/' ||
	    str_find(name, STR("..")) != STR_NONE)
		return false;
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];

		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "/_+-",
			    c) ||
		    !c)
			return false;
	}
	return true;
}

/* "Local" is what TZ says, else /etc/localtime. */
static const char *zone_path(struct arena *mem, struct str name)
{
	const char *tz = getenv("TZ"), *folder = "/usr/share/zoneinfo";

	if (str_is(name, "Local")) {
		if (tz && tz[0] == ':')
			tz++;
		if (!tz)
			return "/etc/localtime";
		name = tz[0] ? str_of(tz) : STR("UTC");
	}
	if (!is_zone_name(name))
		return NULL;
	return arena_printf(mem, "%s/%.*s", folder, FMT(name));
}

static bool read_zone(void *ctx, struct arena *mem, const char *name, struct str *out,
		      struct err *err)
{
	const char *path = zone_path(mem, str_of(name));

	if (!path || !outside_read(ctx, mem, path, out, NULL))
		return err_set(err, NOWHERE, "unknown time zone %s", name);
	return true;
}

struct known_zone {
	const char *name;
	const struct zone *zone;
};

const struct zone *outside_zone(void *ctx, struct str name)
{
	static struct arena mem; /* zones are immutable and few: kept to the end */
	static struct map known;
	struct known_zone *k = map_find(&known, name);
	struct arena scratch = {0};
	const struct zone *zone = NULL;
	const char *text;
	struct str bytes;

	if (k)
		return k->zone;
	if (str_is(name, "UTC") || !name.n)
		return &zone_utc;
	text = arena_copy(&scratch, name);
	if (read_zone(ctx, &scratch, text, &bytes, NULL))
		zone = zone_parse(&mem, text, bytes, NULL);
	if (zone) { /* names nobody knows are not remembered: they may be endless */
		k = ARENA_NEW(&mem, struct known_zone);
		*k = (struct known_zone){arena_copy(&mem, name), zone};
		map_put(&known, str_of(k->name), k);
	}
	arena_free(&scratch);
	return zone;
}

const char *outside_env(void *ctx, const char *name)
{
	(void)ctx;
	return getenv(name);
}

const struct files outside_files = {
	.read = outside_read,
	.glob = outside_glob,
	.zone = read_zone,
	.env = outside_env,
};

/* The dynamic linker's list has the names as they are. */
bool outside_has_library(const char *file)
{
	int fd = open("/etc/ld.so.cache", O_RDONLY | O_CLOEXEC);
	struct stat stat;
	void *list = MAP_FAILED;
	bool is = true;

	if (fd >= 0 && !fstat(fd, &stat) && stat.st_size > 0)
		list = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (list != MAP_FAILED) {
		is = memmem(list, (size_t)stat.st_size, file, strlen(file) + 1);
		munmap(list, (size_t)stat.st_size);
	}
	if (fd >= 0)
		close(fd);
	return is || getenv("LD_LIBRARY_PATH");
}
