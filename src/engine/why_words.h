/* why_words.h - the plain words of an explanation, piece by piece. Inside engine/ only. */
#pragma once
#include "config/rules.h"
#include "engine/why.h"

/* by whom and until when; until NEVER or 0: not said */
const char *words_silence(struct arena *, const char *id, const char *author,
			  const char *comment, wall_ms until, wall_ms now);
/* source NULL: by stands for it; does: "fires" */
const char *words_inhibition(struct arena *, const struct labels *source, const char *by,
			     const char *does, const char *rule);
const char *words_interval(struct arena *, enum reason, const char *name, wall_ms until);
const char *words_verdict(struct arena *, const struct why *, const struct why_group *,
			  const struct why_target *);
/* One more alert that is almost meant, and the matcher that it does not have. */
const char *words_near(struct arena *, const char *text, const struct labels *,
		       const char *refused_by);
/* of its end; NULL: it is not over */
const char *words_end(struct arena *, const struct why *, const struct why_group *,
		      const struct why_target *);
/* who was told, and of those who were not why, in a few words */
const char *words_headline(struct arena *, const struct why *);
const char *words_no_alert(struct arena *, const struct rule_group *, const struct rule *,
			   const char *error, wall_ms evaluated_at);
