#include "base/base.h"
#include "base/plant.h"
#include "simulation/sim.h"

#include <stdio.h>

/* Bugs of the kind that the field has had; PLANT(name) in src/engine says where. */
static const struct {
	const char *name, *words;
} bugs[] = {
	{"lost_on_refire",
	 "an alert fires again while its end is being told, and is removed"},
	{"resolve_lost", "an end that could not be told is forgotten"},
	{"mute_is_resolve", "what is silenced is announced resolved"},
	{"reload_restarts_timers", "groups wait anew after each reload"},
	{"told_not_saved", "who was told is not on the disk: told twice after a restart"},
	{"silence_not_saved", "an acknowledged silence is lost by a kill"},
	{"retry_after_ignored", "a receiver that asks for a pause gets none"},
	{"told_before_answer", "the notification log is written before the answer"},
	{"canceled_counts_as_told", "what a reload cut off counts as told"},
	{"pending_restarts", "a restart begins a rule's \"for\" anew"},
	{"removed_is_forgotten", "a kill forgets what a removed rule had announced"},
	{"rules_start_anew", "an edit of a rule file does"},
	{"resolved_inhibits", "a source that is over still inhibits"},
	{"repeats_early", "repeat_interval is cut in half"},
	{"group_lost", "a group goes with its resolved alerts while others are in it"},
	{"groups_leak", "an empty group stays"},
	{"send_resolved_ignored", "ends are told to who does not want them"},
	{"wrong_index", "the second integration counts as told with the first"},
	{"expired_silence_mutes", "a silence that ended still mutes"},
	{"time_ignored", "time intervals do not mute"},
	{"falls_back_twice", "a fallback is told once for each integration that gave up"},
	{"clock_stops_timers", "a clock that is set back stops everything that waits"},
	{"journal_lies", "a failed attempt is written down as sent"},
	{"ledger_leaks", "a delivery that ended stays open on the disk"},
};

/* The first seed that fails with the bug and does not without it; 0: none. */
static uint64_t first_to_find(const char *name, uint64_t most)
{
	struct tally t = {0};

	for (uint64_t seed = 1; seed <= most; seed++) {
		bool found;

		planted = name;
		found = !seed_passes(seed, &t, false, false);
		planted = NULL;
		if (found && seed_passes(seed, &t, false, false))
			return seed;
	}
	return 0;
}

int planted_find_all(uint64_t most)
{
	size_t missed = 0;

	for (size_t i = 0; i < COUNT_OF(bugs); i++) {
		uint64_t seeds = first_to_find(bugs[i].name, most);

		missed += !seeds;
		if (seeds)
			printf("%-24s found by seed %-4llu %s\n", bugs[i].name,
			       (unsigned long long)seeds, bugs[i].words);
		else
			printf("%-24s NOT FOUND in %llu    %s\n", bugs[i].name,
			       (unsigned long long)most, bugs[i].words);
	}
	printf("%zu planted bugs, %zu not found\n", COUNT_OF(bugs), missed);
	return missed ? 1 : 0;
}
