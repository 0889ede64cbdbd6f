#include "base/base.h"
#include "net/listing.h"

#include <errno.h>
#include <glob.h>

static int stop_unless_missing(const char *path, int code)
{
	(void)path;
	return code != ENOENT && code != ENOTDIR;
}

bool list_paths(struct arena *mem, const char *pattern, const char ***paths, size_t *n,
		struct err *err)
{
	glob_t found;
	int code = glob(pattern, 0, stop_unless_missing, &found);

	*n = 0;
	if (code == GLOB_NOMATCH)
		return true;
	if (code)
		return err_set(err, (struct pos){pattern, 0, 0}, "cannot list the folder");
	*paths = ARENA_ARRAY(mem, const char *, found.gl_pathc);
	for (size_t i = 0; i < found.gl_pathc; i++)
		(*paths)[(*n)++] = arena_text(mem, found.gl_pathv[i]);
	globfree(&found);
	return true;
}
