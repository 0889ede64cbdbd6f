#include "base/base.h"
#include "unit/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* What an Alertmanager user counts on, over time, as spec/routing.md has it. */

#define HOOK "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}]\n"
#define EVERY_SECOND                                                                       \
	"route: {receiver: hook, group_by: [alertname], group_wait: 1s, "                  \
	"group_interval: 1s, repeat_interval: 900ms}\n" HOOK
#define CALM                                                                               \
	"route: {receiver: hook, group_by: [alertname], group_wait: 1s, "                  \
	"group_interval: 1s, repeat_interval: 1h}\n" HOOK

/* spec/routing.md 2, 2.1 */
static void merging(void **state)
{
	static const struct play plays[] = {
		{.name = "no start, no end: from now, for resolve_timeout",
		 .config = "global: {resolve_timeout: 5s}\n" CALM,
		 .script = "0 times\n"
			   "10 post alertname=A starts=unset\n"
			   "30 run\n",
		 .trace = "11 hook notify_first firing A@10\n"
			  "15 hook notify_resolved resolved A@10..15\n"},
		{.name = "no start: it starts where it ends (trap 1)",
		 .config = CALM,
		 .script = "0 times\n"
			   "10 post alertname=A starts=unset ends=14\n"
			   "30 run\n",
		 .trace = "11 hook notify_first firing A@14\n"
			  "14 hook notify_resolved resolved A@14..14\n"},
		{.name = "a start too far ahead has no end after it (trap 2)",
		 .config = "global: {resolve_timeout: 5s}\n" CALM,
		 .script = "0 post alertname=A starts=6\n"
			   "9 run\n",
		 .trace = "0 refused: start time must be before end time\n"},
		{.name = "the earlier start counts, whoever said it",
		 .config = EVERY_SECOND,
		 .script = "0 times\n"
			   "5 post alertname=A starts=4 ends=99\n"
			   "6.5 post alertname=A starts=2 ends=99.5\n"
			   "8.5 post alertname=A starts=7 ends=99.2\n"
			   "9 run\n",
		 .trace = "6 hook notify_first firing A@4\n"
			  "7 hook notify_repeat firing A@2\n"
			  "8 hook notify_repeat firing A@2\n"
			  "9 hook notify_repeat firing A@2\n"},
		{.name = "an end that was told outlasts a later, shorter one",
		 .config = CALM,
		 .script = "0 times\n"
			   "1 post alertname=A ends=20\n"
			   "3 post alertname=A starts=1 ends=10\n"
			   "30 run\n",
		 .trace = "2 hook notify_first firing A@1\n"
			  "20 hook notify_resolved resolved A@1..20\n"},
		{.name = "an end that was only a timeout does not",
		 .config = "global: {resolve_timeout: 20s}\n" CALM,
		 .script = "0 times\n"
			   "1 post alertname=A\n"
			   "3 post alertname=A starts=1 ends=10\n"
			   "30 run\n",
		 .trace = "2 hook notify_first firing A@1\n"
			  "10 hook notify_resolved resolved A@1..10\n"},
		{.name = "resolved by hand: now, whatever was said before",
		 .config = CALM,
		 .script = "0 times\n"
			   "1 post alertname=A ends=20\n"
			   "5.5 post alertname=A starts=1 ends=5\n"
			   "30 run\n",
		 .trace = "2 hook notify_first firing A@1\n"
			  "6 hook notify_resolved resolved A@1..5\n"},
		{.name = "resolved twice before it is told: the later end",
		 .config = CALM,
		 .script = "0 times\n"
			   "1 post alertname=A ends=20\n"
			   "5.2 post alertname=A starts=1 ends=5\n"
			   "5.4 post alertname=A starts=1 ends=4\n"
			   "30 run\n",
		 .trace = "2 hook notify_first firing A@1\n"
			  "6 hook notify_resolved resolved A@1..5\n"},
		{.name = "fires again after its end: another period",
		 .config = CALM,
		 .script = "0 times\n"
			   "1 post alertname=A ends=3\n"
			   "6.5 post alertname=A ends=99\n"
			   "20 run\n",
		 .trace = "2 hook notify_first firing A@1\n"
			  "3 hook notify_resolved resolved A@1..3\n"
			  "7.5 hook notify_first firing A@6.5\n"},
		{.name = "fires again before its end was told: it never ended for people",
		 .config = "route: {receiver: hook, group_wait: 1s, group_interval: 10s, "
			   "repeat_interval: 1h}\n" HOOK,
		 .script = "0 times\n"
			   "0 post alertname=A ends=4\n"
			   "6 post alertname=A ends=99\n"
			   "40 run\n",
		 .trace = "1 hook notify_first firing A@0\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* spec/routing.md 4 to 6 */
static void batches(void **state)
{
	static const struct play plays[] = {
		{.name = "repeats",
		 .config = EVERY_SECOND,
		 .script = "1 post alertname=A ends=99\n"
			   "5.5 run\n",
		 .trace = "2 hook notify_first firing A\n"
			  "3 hook notify_repeat firing A\n"
			  "4 hook notify_repeat firing A\n"
			  "5 hook notify_repeat firing A\n"},
		{.name = "batches: new ones at the next tick, the whole group again after "
			 "repeat_interval",
		 .config = "route: {receiver: hook, group_wait: 1s, group_interval: 1s, "
			   "repeat_interval: 4900ms}\n" HOOK,
		 .script = "1.1 post alertname=A ends=99\n"
			   "1.7 post alertname=B ends=99\n"
			   "3.3 post alertname=C ends=99\n"
			   "14 run\n",
		 .trace = "2.1 hook notify_first firing A B\n"
			  "4.1 hook notify_new firing A B C\n"
			  "9.1 hook notify_repeat firing A B C\n"},
		{.name = "what resolves leaves the group once it was told",
		 .config = CALM,
		 .script = "1 post alertname=A host=1 ends=4.5\n"
			   "1 post alertname=A host=2 ends=6.5\n"
			   "1 post alertname=A host=3 ends=6.5\n"
			   "20 run\n",
		 .trace = "2 hook notify_first firing A{host=1} A{host=2} A{host=3}\n"
			  "5 hook notify_some_resolved firing A{host=2} A{host=3} resolved "
			  "A{host=1}\n"
			  "7 hook notify_resolved resolved A{host=2} A{host=3}\n"},
		{.name = "who wants no resolutions gets none, and what fires goes on",
		 .config = "route: {receiver: hook, group_wait: 1s, group_interval: 1s, "
			   "repeat_interval: 1h}\n"
			   "receivers: [{name: hook, webhook_configs: [{url: 'http://h/', "
			   "send_resolved: false}]}]\n",
		 .script = "1 post alertname=A ends=4.5\n"
			   "1 post alertname=B ends=99\n"
			   "6.5 post alertname=C ends=99\n"
			   "9 run\n",
		 .trace = "2 hook notify_first firing A B\n"
			  "7 hook notify_new firing B C\n"},
		{.name = "a receiver that is down gets the newest state once it is up",
		 .config = CALM,
		 .script = "0 sink hook fail\n"
			   "1 post alertname=A host=1 ends=99\n"
			   "5 post alertname=A host=2 ends=99\n"
			   "11.9 sink hook ok\n"
			   "60 run\n",
		 .trace = "12 hook delivery_timeout\n"
			  "12 hook notify_first firing A{host=1} A{host=2}\n"},
		{.name = "cold start: an old alert is told at once, later ones in their "
			 "turn",
		 .config =
			 "route: {receiver: hook, group_by: [alertname], group_wait: 30s, "
			 "group_interval: 5m, repeat_interval: 4h}\n" HOOK,
		 .script = "0 post alertname=A host=1 starts=-3600 ends=900\n"
			   "0 post alertname=A host=2 starts=-60 ends=900\n"
			   "400 run\n",
		 .trace = "0 hook notify_first firing A{host=1}\n"
			  "300 hook notify_new firing A{host=1} A{host=2}\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

#define INHIBIT                                                                            \
	CALM "inhibit_rules: [{source_matchers: [sev=critical], "                          \
	     "target_matchers: [sev=warning], equal: [alertname]}]\n"

/* spec/routing.md 5, 7 to 9 */
static void muting(void **state)
{
	static const struct play plays[] = {
		{.name = "inhibition over time: held back, let go, held back again",
		 .config = INHIBIT,
		 .script = "1 post alertname=A sev=warning ends=99\n"
			   "3.5 post alertname=A sev=critical ends=6\n"
			   "9.5 post alertname=A sev=critical ends=99\n"
			   "12 run\n",
		 .trace = "2 hook notify_first firing A{sev=warning}\n"
			  "4 muted_by_inhibition A{sev=warning}\n"
			  "4 hook notify_new firing A{sev=critical}\n"
			  "5 muted_by_inhibition A{sev=warning}\n"
			  "6 hook notify_new firing A{sev=warning} resolved "
			  "A{sev=critical}\n"
			  "10 muted_by_inhibition A{sev=warning}\n"
			  "10 hook notify_new firing A{sev=critical}\n"
			  "11 muted_by_inhibition A{sev=warning}\n"
			  "12 muted_by_inhibition A{sev=warning}\n"},
		{.name = "a source inhibits though nobody is told of it (trap 19)",
		 .config = "route: {receiver: hook, group_wait: 1s, group_interval: 1s, "
			   "repeat_interval: 1h, routes: [{matchers: [sev=critical], "
			   "receiver: nobody}]}\n"
			   "receivers: [{name: nobody}, {name: hook, webhook_configs: "
			   "[{url: 'http://h/'}]}]\n"
			   "inhibit_rules: [{source_matchers: [sev=critical], "
			   "target_matchers: [sev=warning]}]\n",
		 .script = "0 post alertname=Source sev=critical ends=99\n"
			   "1 post alertname=Target sev=warning ends=99\n"
			   "4 run\n",
		 .trace = "2 muted_by_inhibition Target{sev=warning}\n"
			  "3 muted_by_inhibition Target{sev=warning}\n"
			  "4 muted_by_inhibition Target{sev=warning}\n"},
		{.name = "a silenced source inhibits all the same (trap 18)",
		 .config = INHIBIT,
		 .script = "0 silence s sev=critical for=100\n"
			   "1 post alertname=A sev=critical ends=99\n"
			   "1 post alertname=A sev=warning ends=99\n"
			   "2.5 run\n",
		 .trace = "2 muted_by_inhibition A{sev=warning}\n"
			  "2 muted_by_silence A{sev=critical}\n"},
		{.name = "labels in equal that neither has are equal",
		 .config = CALM "inhibit_rules: [{source_matchers: [sev=critical], "
				"target_matchers: [sev=warning], equal: [cluster]}]\n",
		 .script = "1 post alertname=A sev=critical ends=99\n"
			   "1 post alertname=B sev=warning ends=99\n"
			   "1 post alertname=C sev=warning cluster=x ends=99\n"
			   "2.5 run\n",
		 .trace = "2 muted_by_inhibition B{sev=warning}\n"
			  "2 hook notify_first firing A{sev=critical}\n"
			  "2 hook notify_first firing C{cluster=x,sev=warning}\n"},
		{.name = "an empty rule inhibits nothing that is its own source",
		 .config = CALM "inhibit_rules: [{}]\n",
		 .script = "1 post alertname=A ends=99\n"
			   "1 post alertname=B ends=99\n"
			   "2.5 run\n",
		 .trace = "2 hook notify_first firing A\n"
			  "2 hook notify_first firing B\n"},
		{.name = "a silence over time: what it covers, what comes under it, its "
			 "end",
		 .config = CALM,
		 .script = "1 post alertname=A host=1 ends=99\n"
			   "2.5 silence s host=~1|2 for=3\n"
			   "2.7 post alertname=A host=2 ends=99\n"
			   "2.7 post alertname=A host=3 ends=99\n"
			   "7.5 run\n",
		 .trace = "2 hook notify_first firing A{host=1}\n"
			  "3 muted_by_silence A{host=1}\n"
			  "3 muted_by_silence A{host=2}\n"
			  "3 hook notify_new firing A{host=3}\n"
			  "4 muted_by_silence A{host=1}\n"
			  "4 muted_by_silence A{host=2}\n"
			  "5 muted_by_silence A{host=1}\n"
			  "5 muted_by_silence A{host=2}\n"
			  "6 hook notify_new firing A{host=1} A{host=2} A{host=3}\n"},
		{.name = "a silence taken back",
		 .config = CALM,
		 .script = "0 silence s alertname=A for=1000\n"
			   "1 post alertname=A ends=99\n"
			   "3.5 expire s\n"
			   "6 run\n",
		 .trace = "2 muted_by_silence A\n"
			  "3 muted_by_silence A\n"
			  "4 hook notify_first firing A\n"},
		{.name = "a reload moves alerts to another receiver, who has not been told",
		 .config = CALM LATER
		 "route: {receiver: other, group_by: [alertname], group_wait: 1s, "
		 "group_interval: 1s, repeat_interval: 1h}\n"
		 "receivers: [{name: other, webhook_configs: [{url: "
		 "'http://o/'}]}]\n",
		 .script = "1 post alertname=A ends=99\n"
			   "5 reload\n"
			   "9 run\n",
		 .trace = "2 hook notify_first firing A\n"
			  "5 other notify_first firing A\n"},
		{.name = "a reload with the same routes tells nobody again",
		 .config = CALM,
		 .script = "1 post alertname=A ends=8.5\n"
			   "5 reload\n"
			   "12 run\n",
		 .trace = "2 hook notify_first firing A\n"
			  "9 hook notify_resolved resolved A\n"},
		{.name = "a reload brings a rule that inhibits what was told",
		 .config = CALM LATER INHIBIT,
		 .script = "1 post alertname=A sev=warning ends=7.5\n"
			   "1 post alertname=A sev=critical ends=99\n"
			   "5 reload\n"
			   "9 run\n",
		 .trace = "2 hook notify_first firing A{sev=critical} A{sev=warning}\n"
			  "5 muted_by_inhibition A{sev=warning}\n"
			  "6 muted_by_inhibition A{sev=warning}\n"
			  "7 muted_by_inhibition A{sev=warning}\n"
			  "8 muted_by_inhibition A{sev=warning}\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merging),
		cmocka_unit_test(batches),
		cmocka_unit_test(muting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
