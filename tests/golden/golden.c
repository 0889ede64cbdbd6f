/* golden [-v] folder... - compares with recorded outputs; see golden.h. -v lists those
 * that pass in second class only.
 *
 * The last line is "N passed, N failed"; the exit status is 1 when a case failed. */
#include "base/base.h"
#include "golden/golden.h"
#include "golden/receivers.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SHOWN 400

static void show(const char *label, struct str s, size_t from)
{
	struct str part = str_slice(s, from, SHOWN);

	printf("  %-5s%s%.*s%s\n", label, from ? "..." : "", FMT(part),
	       from + part.n < s.n ? "..." : "");
}

static void compare(const char *word, const char *id, struct str want, struct str got)
{
	size_t same = 0;

	while (same < want.n && same < got.n && want.p[same] == got.p[same])
		same++;
	same = same > SHOWN / 2 ? same - SHOWN / 2 : 0;
	printf("%s %s\n", word, id);
	show("want", want, same);
	show("got", got, same);
}

void golden_failed(struct tally *t, const char *id, struct str want, struct str got)
{
	t->failed++;
	compare("FAILED", id, want, got);
}

void golden_passed(struct tally *t)
{
	t->passed++;
}

void golden_second_class(struct tally *t, const char *id, struct str want, struct str got)
{
	t->passed++;
	t->second_class++;
	if (t->verbose)
		compare("second class", id, want, got);
}

bool golden_read(struct arena *mem, const char *path, struct str *out)
{
	FILE *in = fopen(path, "r");
	struct buf b = BUF(BUF_NO_LIMIT);
	char piece[16384];
	size_t n;

	if (!in)
		return false;
	while ((n = fread(piece, 1, sizeof(piece), in)))
		buf_add(&b, piece, n);
	fclose(in);
	*out = buf_keep(&b, mem);
	buf_free(&b);
	return true;
}

static void run_file(struct tally *all, const char *path)
{
	struct tally t = {.verbose = all->verbose};

	golden_templates(&t, path);
	printf("%s: %zu passed, %zu failed", path, t.passed, t.failed);
	if (t.second_class)
		printf(" (%zu in second class)", t.second_class);
	printf("\n");
	all->passed += t.passed;
	all->failed += t.failed;
	all->second_class += t.second_class;
	all->roomy += t.roomy;
}

static void walk(struct tally *all, const char *path)
{
	struct dirent **names;
	struct stat st;
	char *inner;
	int n;

	if (stat(path, &st) != 0) {
		golden_failed(all, path, STR("a file or folder"), STR("nothing"));
		return;
	}
	if (!S_ISDIR(st.st_mode)) {
		if (str_ends(str_of(path), STR(".jsonl")))
			run_file(all, path);
		return;
	}
	if (is_receiver_case(path)) {
		golden_receiver(all, path);
		return;
	}
	n = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			inner = mem_new(strlen(path) + strlen(names[i]->d_name) + 2);
			sprintf(inner, "%s/%s", path, names[i]->d_name);
			walk(all, inner);
			free(inner);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

int main(int argc, char **argv)
{
	struct tally all = {0};
	char **path = argv + 1;

	if (argc > 1 && strcmp(argv[1], "-v") == 0) {
		all.verbose = true;
		path++;
	}
	for (; *path; path++)
		walk(&all, *path);
	if (all.second_class || all.roomy)
		printf("%zu of them in second class, %zu with raised ceilings\n",
		       all.second_class, all.roomy);
	printf("%zu passed, %zu failed\n", all.passed, all.failed);
	return all.failed > 0;
}
