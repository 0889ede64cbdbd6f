#include "base/base.h"
#include "base/plant.h"
#include "simulation/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *planted; /* see base/plant.h */

/* -- one seed ------------------------------------------------------------------------- */

static void make_folder(char *path, size_t size)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp) /* in memory where that can be: a thousand syncs */
		tmp = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
	snprintf(path, size, "%s/tocsin-simulation.XXXXXX", tmp);
	if (!mkdtemp(path))
		BUG("cannot make %s", path);
}

static void remove_folder(const char *path)
{
	static const char *const files[] = {"tocsin.db", "tocsin.db-wal", "tocsin.db-shm"};
	struct arena mem = {0};

	for (size_t i = 0; i < COUNT_OF(files); i++)
		unlink(arena_printf(&mem, "%s/%s", path, files[i]));
	rmdir(path);
	arena_free(&mem);
}

static void print_failure(const struct world *w)
{
	size_t from = w->n_trace > MOST_LINES ? w->n_trace - MOST_LINES : 0;

	for (size_t i = from; i < w->n_trace && !w->verbose; i++)
		printf("  %s\n", w->trace[i % MOST_LINES]);
	printf("  %10.3f BROKEN: %s: %s\n", (double)w->now / 1000, w->broken, w->complaint);
}

enum talk { SILENT, SAYS_WHY, SAYS_ALL };

/* The name of the invariant that breaks; NULL: none does. */
static const char *play(const struct history *h, struct tally *t, enum talk talk)
{
	struct world *w = mem_new(sizeof(*w));
	char folder[200] = "";
	const char *broken;

	if (h->on_real_disk)
		make_folder(folder, sizeof(folder));
	w->folder = folder;
	w->verbose = talk == SAYS_ALL;
	world_play(w, h, t);
	broken = w->failed ? w->broken : NULL;
	if (broken && talk)
		print_failure(w);
	world_free(w);
	free(w);
	if (folder[0])
		remove_folder(folder);
	return broken;
}

/* Leaves out moves as long as the same breaks without them. */
static void shrink(struct history *h, const char *broken)
{
	struct tally t = {0};

	for (size_t part = h->n / 2; part; part /= 2) {
		for (size_t i = 0; i < h->n; i += part) {
			struct history smaller = *h;
			const char *now;

			for (size_t k = i; k < MIN(i + part, h->n); k++)
				smaller.v[k].dropped = true;
			now = play(&smaller, &t, SILENT);
			if (now && !strcmp(now, broken))
				*h = smaller;
		}
	}
}

static void explain(struct history *h, const char *broken, bool verbose)
{
	struct tally t = {0};
	size_t left = 0;

	shrink(h, broken);
	for (size_t i = 0; i < h->n; i++)
		left += !h->v[i].dropped;
	printf("seed %llu breaks \"%s\"; with %zu of its %zu moves:\n",
	       (unsigned long long)h->seed, broken, left, h->n);
	play(h, &t, verbose ? SAYS_ALL : SAYS_WHY);
	printf("  the whole of it: make simulate SEED=%llu\n", (unsigned long long)h->seed);
}

bool seed_passes(uint64_t seed, struct tally *t, bool verbose, bool explains)
{
	struct history h;
	const char *broken;

	history_make(&h, seed);
	t->seeds++;
	broken = play(&h, t, SILENT);
	if (!broken && verbose)
		play(&h, t, SAYS_ALL);
	if (!broken && !planted && !causes_are_true(&h, t, explains))
		return false;
	if (broken && explains)
		explain(&h, broken, verbose);
	return !broken;
}

/* -- many ----------------------------------------------------------------------------- */

static void add(struct tally *sum, const struct tally *t)
{
	uint64_t *to = (uint64_t *)(void *)sum;
	const uint64_t *from = (const uint64_t *)(const void *)t;

	for (size_t i = 0; i < sizeof(*t) / sizeof(*to); i++)
		to[i] += from[i];
}

static void print_tally(const struct tally *t, uint64_t failed)
{
	printf("%llu seeds, %.1f days simulated: %llu events, %llu actions, %llu "
	       "deliveries "
	       "(%llu reached a sink), %llu kills, %llu reloads, %llu clock steps, %llu "
	       "commits, "
	       "%llu silences, %llu verdicts (%llu told, %llu not), %llu causes removed: "
	       "%llu failed\n",
	       (unsigned long long)t->seeds, (double)t->simulated / (double)DAY,
	       (unsigned long long)t->events, (unsigned long long)t->actions,
	       (unsigned long long)t->deliveries, (unsigned long long)t->messages,
	       (unsigned long long)t->kills, (unsigned long long)t->reloads,
	       (unsigned long long)t->clock_steps, (unsigned long long)t->commits,
	       (unsigned long long)t->silences, (unsigned long long)t->verdicts,
	       (unsigned long long)t->told, (unsigned long long)t->untold,
	       (unsigned long long)t->causes_removed, (unsigned long long)failed);
}

struct share { /* what a worker did */
	struct tally tally;
	uint64_t failed;
};

static struct share play_share(uint64_t first, uint64_t last, uint64_t step)
{
	struct share s = {{0}, 0};

	for (uint64_t seed = first; seed <= last; seed += step) {
		if (!seed_passes(seed, &s.tally, false, s.failed < 3))
			s.failed++;
	}
	fflush(stdout);
	return s;
}

static int play_seeds(uint64_t first, uint64_t n, uint64_t workers)
{
	struct share sum = {{0}, 0}, one;
	int ends[2];

	if (pipe(ends))
		BUG("pipe");
	fflush(stdout);
	for (uint64_t i = 0; i < workers; i++) {
		if (fork())
			continue;
		one = play_share(first + i, first + n - 1, workers);
		if (write(ends[1], &one, sizeof(one)) != (ssize_t)sizeof(one))
			_exit(1);
		_exit(0);
	}
	close(ends[1]);
	for (uint64_t i = 0; i < workers; i++) {
		if (read(ends[0], &one, sizeof(one)) != (ssize_t)sizeof(one)) {
			printf("a worker died\n");
			return 1;
		}
		add(&sum.tally, &one.tally);
		sum.failed += one.failed;
	}
	while (wait(NULL) > 0)
		;
	print_tally(&sum.tally, sum.failed);
	return sum.failed ? 1 : 0;
}

static int usage(void)
{
	fputs("usage: simulate [-n seeds] [-f first] [-j workers] | -s seed [-v] |"
	      " -p most-seeds | -a alerts\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	uint64_t n = 100, first = 1, workers = 2, seed = 0;
	struct tally t = {0};
	bool verbose = false;
	int c;

	while ((c = getopt(argc, argv, "n:f:j:s:vp:a:b:")) != -1) {
		uint64_t number = optarg ? strtoull(optarg, NULL, 10) : 0;

		switch (c) {
		case 'n':
			n = number;
			break;
		case 'f':
			first = number;
			break;
		case 'j':
			workers = MAX(number, 1);
			break;
		case 's':
			seed = number;
			break;
		case 'v':
			verbose = true;
			break;
		case 'b':
			planted = optarg;
			break;
		case 'p':
			return planted_find_all(number);
		case 'a':
			return soak((size_t)number);
		default:
			return usage();
		}
	}
	if (seed)
		return seed_passes(seed, &t, verbose, true) ? (print_tally(&t, 0), 0) : 1;
	return play_seeds(first, n, workers);
}
