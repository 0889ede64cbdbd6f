/* golden.h - recorded outputs of the programs we replace, and whether ours are the same.
 *
 * golden.c walks the folders given: each *.jsonl file holds template cases (templates.c),
 * each folder with config.yml and expected.json is a receiver case (receivers.c).
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

struct tally {
	size_t passed, failed, second_class;
	size_t roomy; /* ran into a ceiling of ours, and again with higher ones */
	bool verbose; /* also list what passed only as second class */
};
/* Prints one failure, long texts shortened in the middle of what they share. */
void golden_failed(struct tally *, const char *id, struct str want, struct str got);
void golden_passed(struct tally *);
/* Right but for words that come out of Go's own runtime. */
void golden_second_class(struct tally *, const char *id, struct str want, struct str got);

/* The whole file, in the arena; false when it cannot be read. */
bool golden_read(struct arena *, const char *path, struct str *out);

void golden_templates(struct tally *, const char *path);
