/* silence.h - a silence: matchers and a span of time in which they mute.
 *
 * Memory: all of it in the arena it was made in, or as whoever holds it says.
 * Spec:   spec/routing.md 9.1 to 9.5.
 */
#pragma once
#include "base/time.h"
#include "model/matcher.h"

#define SILENCE_ID_SIZE 37 /* a UUID and its NUL */

enum silence_state { SILENCE_PENDING, SILENCE_ACTIVE, SILENCE_EXPIRED };

struct silence {
	char id[SILENCE_ID_SIZE]; /* "" for one that has none yet */
	struct matchers matchers;
	struct instant starts_at, ends_at, updated_at;
	const char *created_by, *comment;
	const struct labels *annotations; /* free pairs, empty values kept */
};

enum silence_state silence_state(const struct silence *, struct instant now);
const char *silence_state_text(enum silence_state);

/* spec/routing.md 9.4; the message chain is Alertmanager's. */
bool silence_check(const struct silence *, enum name_scheme, struct err *) MUST_USE;

/* Whether next may take the place of old under the same id (9.5, can_update). */
bool silence_can_update(const struct silence *old, const struct silence *next,
			struct instant now);
