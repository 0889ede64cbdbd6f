#include "base/base.h"
#include "net/clock.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

static int64_t ask(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

wall_ms clock_wall(void)
{
	return ask(CLOCK_REALTIME);
}

mono_ms clock_mono(void)
{
	return ask(CLOCK_MONOTONIC);
}

double clock_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

uint64_t clock_seed(void)
{
	uint64_t seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		seed = (uint64_t)clock_wall() ^ (uint64_t)getpid() << 32;
	return seed;
}
