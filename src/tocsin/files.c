#include "base/base.h"
#include "tocsin/files.h"
#include "net/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZONES "/usr/share/zoneinfo"

static bool read_file(void *ctx, struct arena *mem, const char *path, struct str *out,
		      struct err *err)
{
	FILE *in = fopen(path, "re");
	struct buf b = BUF(TOOL_FILE_MAX);
	char piece[16384];
	bool failed;
	size_t n;

	(void)ctx;
	if (!in)
		return err_sys(err, (struct pos){path, 0, 0}, "cannot open");
	while ((n = fread(piece, 1, sizeof(piece), in)))
		buf_add(&b, piece, n);
	failed = ferror(in);
	fclose(in);
	*out = buf_keep(&b, mem);
	failed = failed || b.full;
	buf_free(&b);
	return !failed || err_set(err, (struct pos){path, 0, 0},
				  "cannot be read, or is larger "
				  "than %zu bytes",
				  TOOL_FILE_MAX);
}

static bool list_files(void *ctx, struct arena *mem, const char *pattern,
		       const char ***paths, size_t *n, struct err *err)
{
	(void)ctx;
	return list_paths(mem, pattern, paths, n, err);
}

/* Names of zones do not lead out of their folder. */
static bool is_zone_name(const char *name)
{
	return name[0] && name[0] != '/' && name[0] != '.' && !strstr(name, "..") &&
	       strlen(name) < 100;
}

static bool read_zone(void *ctx, struct arena *mem, const char *name, struct str *out,
		      struct err *err)
{
	const char *tz = getenv("TZ");

	if (strcmp(name, "Local") == 0 && !tz)
		return read_file(ctx, mem, "/etc/localtime", out, err);
	if (strcmp(name, "Local") == 0)
		name = tz[0] == ':' ? tz + 1 : tz[0] ? tz : "UTC";
	if (is_zone_name(name) &&
	    read_file(ctx, mem, arena_printf(mem, ZONES "/%s", name), out, NULL))
		return true;
	return err_set(err, NOWHERE, "unknown time zone %s", name);
}

const char *tool_env(void *ctx, const char *name)
{
	(void)ctx;
	return getenv(name);
}

const struct files tool_files = {.read = read_file, .glob = list_files, .zone = read_zone};

const struct zone *tool_zone(void *arg, struct str name)
{
	const char *text = arena_copy(arg, name);
	struct str bytes;

	if (!read_zone(NULL, arg, text, &bytes, NULL))
		return NULL;
	return zone_parse(arg, text, bytes, NULL);
}
