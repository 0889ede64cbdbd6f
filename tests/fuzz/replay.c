/* replay file-or-folder... - gives saved inputs to a fuzz target; no fuzzer needed. */
#include "base/base.h"
#include "base/buf.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t replay_file(const char *path)
{
	FILE *in = fopen(path, "r");
	struct buf b = BUF(BUF_NO_LIMIT);
	char piece[16384], *exact;
	size_t n;

	if (!in) {
		fprintf(stderr, "replay: cannot read %s\n", path);
		exit(1);
	}
	while ((n = fread(piece, 1, sizeof(piece), in)))
		buf_add(&b, piece, n);
	fclose(in);
	exact = mem_new(b.n + !b.n); /* so that a sanitizer sees a read past the end */
	if (b.n)
		memcpy(exact, b.p, b.n);
	LLVMFuzzerTestOneInput((const uint8_t *)exact, b.n);
	free(exact);
	buf_free(&b);
	return 1;
}

static size_t replay(const char *path)
{
	struct dirent **names;
	struct stat st;
	size_t done = 0;
	char *inner;
	int n;

	if (stat(path, &st) != 0) {
		fprintf(stderr, "replay: no file or folder %s\n", path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode))
		return replay_file(path);
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			inner = mem_new(strlen(path) + strlen(names[i]->d_name) + 2);
			sprintf(inner, "%s/%s", path, names[i]->d_name);
			done += replay(inner);
			free(inner);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return done;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	size_t done = 0;

	for (int i = 1; i < argc; i++)
		done += replay(argv[i]);
	printf("%s: %zu inputs replayed\n", name ? name + 1 : argv[0], done);
	return 0;
}
