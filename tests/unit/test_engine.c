#include "base/base.h"
#include "unit/play.h"
#include "engine/engine.h"
#include "receivers/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOOK "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}]\n"
#define ROUTE                                                                              \
	"route: {receiver: hook, group_by: [alertname], group_wait: 30s, group_interval: " \
	"5m, "                                                                             \
	"repeat_interval: 4h}\n"
#define QUICK                                                                              \
	"route: {receiver: hook, group_by: [alertname], group_wait: 1s, group_interval: "  \
	"6s, "                                                                             \
	"repeat_interval: 4h}\n"

#define TWO_RULES(first, second)                                                           \
	"{groups: [{name: g, interval: 10s, rules: [{alert: A, expr: '" first              \
	"'}, {alert: B, expr: '" second "'}]}]}"
#define ASKING_RULE                                                                        \
	"{groups: [{name: g, interval: 10s, rules: [{alert: A, expr: up, labels: {kind: "  \
	"k, "                                                                              \
	"host: '{{ with query \"1+1\" }}{{ . | first | value }}{{ end }}'}}]}]}"
#define DUP(group)                                                                         \
	"{name: " group ", interval: 10s, eval_offset: 5s, rules: [{alert: Up, expr: "     \
			"up}]}"
#define KEPT "{name: keep, interval: 10s, rules: [{alert: Down, expr: down, for: 1h}]}"
#define FIVE DUP("g1") ", " DUP("g2") ", " DUP("g3") ", " DUP("g4") ", " DUP("g5")
#define SLOW                                                                               \
	"route: {receiver: hook, group_by: [alertname], group_wait: 30s, "                 \
	"group_interval: 5m}\n"

/* spec/routing.md 4: when groups speak. */
static void groups(void **state)
{
	static const struct play plays[] = {
		{"group_wait gathers", ROUTE HOOK,
		 "0 post alertname=Disk host=1 ends=9999\n"
		 "10 post alertname=Disk host=2 ends=9999\n"
		 "60 run\n",
		 "30 hook notify_first firing Disk{host=1} Disk{host=2}\n"},
		{"a later alert waits for group_interval", ROUTE HOOK,
		 "0 post alertname=Disk host=1 ends=9999\n"
		 "40 post alertname=Disk host=2 ends=9999\n"
		 "400 run\n",
		 "30 hook notify_first firing Disk{host=1}\n"
		 "330 hook notify_new firing Disk{host=1} Disk{host=2}\n"},
		{"who is older than group_wait is told at once", ROUTE HOOK,
		 "100 post alertname=Disk host=1 starts=0 ends=9999\n"
		 "101 run\n",
		 "100 hook notify_first firing Disk{host=1}\n"},
		{"each group has its own timer", ROUTE HOOK,
		 "0 post alertname=A ends=9999\n"
		 "7 post alertname=B ends=9999\n"
		 "60 run\n",
		 "30 hook notify_first firing A\n"
		 "37 hook notify_first firing B\n"},
		{"resolved before anybody was told: nobody is", QUICK HOOK,
		 "0 post alertname=A ends=0.5\n"
		 "60 run\n",
		 ""},
		{"all over, then again: a new group waits anew", QUICK HOOK,
		 "0 post alertname=A ends=3\n"
		 "8 post alertname=A ends=999\n"
		 "30 run\n",
		 "1 hook notify_first firing A\n"
		 "7 hook notify_resolved resolved A\n"
		 "9 hook notify_first firing A\n"},
		{"an alert without end resolves after resolve_timeout",
		 "global: {resolve_timeout: 10s}\n" QUICK HOOK,
		 "0 post alertname=A\n"
		 "60 run\n",
		 "1 hook notify_first firing A\n"
		 "13 hook notify_resolved resolved A\n"},
		{"the timeline of spec/routing.md 6.6",
		 "global: {resolve_timeout: 10s}\n"
		 "route: {receiver: both, group_wait: 1s, group_interval: 5s, "
		 "repeat_interval: 4h}\n"
		 "receivers: [{name: both, webhook_configs: [{url: 'http://a/'}, "
		 "{url: 'http://b/', send_resolved: false}]}]\n",
		 "1 post alertname=v1\n"
		 "1 post alertname=v2\n"
		 "3 post alertname=v1 ends=4\n"
		 "3 post alertname=v3\n"
		 "8 post alertname=v3\n"
		 "16 run\n",
		 "2 both notify_first firing v1 v2\n"
		 "2 both notify_first firing v1 v2\n"
		 "7 both notify_new firing v2 v3 resolved v1\n"
		 "7 both notify_new firing v2 v3\n"
		 "12 both notify_some_resolved firing v3 resolved v2\n"},
		{"repeat_interval",
		 "route: {receiver: hook, group_wait: 0s, group_interval: 60s, "
		 "repeat_interval: 150s}\n" HOOK,
		 "0 post alertname=A ends=9999\n"
		 "500 run\n",
		 "0 hook notify_first firing A\n"
		 "180 hook notify_repeat firing A\n"
		 "360 hook notify_repeat firing A\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* spec/routing.md 5, 7, 8, 9: who keeps quiet, and why. */
static void mutes(void **state)
{
	static const struct play plays[] = {
		{"a silence holds an alert back, its end lets it speak", QUICK HOOK,
		 "0 silence quiet alertname=A for=10\n"
		 "0 post alertname=A ends=9999\n"
		 "14 run\n",
		 "1 muted_by_silence A\n"
		 "7 muted_by_silence A\n"
		 "13 hook notify_first firing A\n"},
		{"expired by hand", QUICK HOOK,
		 "0 silence quiet alertname=~A|B for=1000\n"
		 "0 post alertname=A ends=9999\n"
		 "3 expire quiet\n"
		 "14 run\n",
		 "1 muted_by_silence A\n"
		 "7 hook notify_first firing A\n"},
		{"silences are found by any value they name", QUICK HOOK,
		 "0 silence one alertname=~A.* host=~(1|2)x? for=1000\n"
		 "0 silence two alertname=A for=1000\n"
		 "0 silence three host=~1|2 zone!=c alertname=~.+ for=1000\n"
		 "0 silence absent host=~|7 alertname=D for=1000\n"
		 "0 post alertname=A host=1\n0 post alertname=AB host=2x\n"
		 "0 post alertname=B host=2\n0 post alertname=D\n0 post alertname=C\n"
		 "1 expire two\n1 expire one\n1 expire three\n1 expire absent\n3 run\n",
		 "1 muted_by_silence A{host=1}\n"
		 "1 muted_by_silence AB{host=2x}\n"
		 "1 muted_by_silence B{host=2}\n"
		 "1 muted_by_silence D\n"
		 "1 hook notify_first firing C\n"},
		{"a silence does not touch others", QUICK HOOK,
		 "0 silence quiet alertname=A host=1\n"
		 "0 post alertname=A host=1 ends=9999\n"
		 "0 post alertname=A host=2 ends=9999\n"
		 "3 run\n",
		 "1 muted_by_silence A{host=1}\n"
		 "1 hook notify_first firing A{host=2}\n"},
		{"a resolution under a silence is never told (trap 3)", QUICK HOOK,
		 "0 post alertname=A ends=9\n"
		 "2 silence quiet alertname=A for=20\n"
		 "40 run\n",
		 "1 hook notify_first firing A\n"
		 "7 muted_by_silence A\n"
		 "13 muted_by_silence A\n"},
		{"inhibition, with equal labels only",
		 QUICK HOOK
		 "inhibit_rules: [{source_matchers: [alertname=Down], target_matchers: "
		 "[alertname=Slow], equal: [host]}]\n",
		 "0 post alertname=Down host=1 ends=5\n"
		 "0 post alertname=Slow host=1 ends=9999\n"
		 "0 post alertname=Slow host=2 ends=9999\n"
		 "8 run\n",
		 "1 muted_by_inhibition Slow{host=1}\n"
		 "1 hook notify_first firing Down{host=1}\n"
		 "1 hook notify_first firing Slow{host=2}\n"
		 "7 hook notify_resolved resolved Down{host=1}\n"
		 "7 hook notify_new firing Slow{host=1} Slow{host=2}\n"},
		{"another source takes over when the first resolves (7.4, the ideal rule)",
		 QUICK HOOK "inhibit_rules: [{source_matchers: [sev=page], "
			    "target_matchers: [sev=warn]}]\n",
		 "0 post alertname=S1 sev=page ends=3\n"
		 "0 post alertname=S2 sev=page ends=9999\n"
		 "0 post alertname=T sev=warn ends=9999\n"
		 "8 run\n",
		 "1 muted_by_inhibition T{sev=warn}\n"
		 "1 hook notify_first firing S1{sev=page}\n"
		 "1 hook notify_first firing S2{sev=page}\n"
		 "7 muted_by_inhibition T{sev=warn}\n"
		 "7 hook notify_resolved resolved S1{sev=page}\n"},
		{"an alert on both sides of a rule does not mute itself",
		 QUICK HOOK
		 "inhibit_rules: [{source_matchers: [a=x], target_matchers: [a=x]}]\n",
		 "0 post alertname=T a=x ends=9999\n"
		 "2 run\n",
		 "1 hook notify_first firing T{a=x}\n"},
		{"mute and active intervals; 2026-01-01 is a Thursday",
		 "route:\n"
		 "  receiver: hook\n"
		 "  group_by: [alertname]\n"
		 "  group_wait: 1s\n"
		 "  routes:\n"
		 "  - {matchers: [alertname=M], mute_time_intervals: [thursday]}\n"
		 "  - {matchers: [alertname=N], mute_time_intervals: [friday]}\n"
		 "  - {matchers: [alertname=A], active_time_intervals: [friday]}\n"
		 "time_intervals:\n"
		 "- {name: thursday, time_intervals: [{weekdays: [thursday]}]}\n"
		 "- {name: friday, time_intervals: [{weekdays: [friday]}]}\n" HOOK,
		 "0 post alertname=M ends=9999\n"
		 "0 post alertname=N ends=9999\n"
		 "0 post alertname=A ends=9999\n"
		 "2 run\n",
		 "1 muted_by_time M\n"
		 "1 muted_by_inactive A\n"
		 "1 hook notify_first firing N\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* spec/routing.md 3. */
static void routes(void **state)
{
	static const struct play plays[] = {
		{"first match wins, continue goes on, the parent takes the rest",
		 "route:\n"
		 "  receiver: root\n"
		 "  group_wait: 0s\n"
		 "  routes:\n"
		 "  - {matchers: [team=db], receiver: log, continue: true}\n"
		 "  - matchers: [team=db]\n"
		 "    receiver: db\n"
		 "    routes: [{matchers: [sev=page], receiver: pager}]\n"
		 "  - {matchers: [team=db], receiver: never}\n"
		 "receivers: [{name: root, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: log, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: db, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: pager, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: never, webhook_configs: [{url: 'http://h/'}]}]\n",
		 "0 post alertname=A team=db ends=9999\n"
		 "1 post alertname=B team=db sev=page ends=9999\n"
		 "2 post alertname=C team=web ends=9999\n"
		 "3 run\n",
		 "0 log notify_first firing A{team=db}\n"
		 "0 db notify_first firing A{team=db}\n"
		 "1 pager notify_first firing B{sev=page,team=db}\n"
		 "2 root notify_first firing C{team=web}\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* spec/routing.md 10: attempts. */
static void deliveries(void **state)
{
	static const struct play plays[] = {
		{"a receiver that fails is tried again until it works", QUICK HOOK,
		 "0 sink hook fail\n"
		 "0 post alertname=A ends=9999\n"
		 "3 sink hook ok\n"
		 "30 run\n",
		 "3.7 hook notify_first firing A\n"},
		{"the pauses grow by half: 0.5, 0.75, 1.1 s, each by half more or less",
		 QUICK HOOK,
		 "0 sink hook fail\n"
		 "0 post alertname=A ends=9999\n"
		 "1.8 sink hook ok\n" /* the third attempt at 2.9 at the latest */
		 "30 run\n",
		 "2.4 hook notify_first firing A\n"},
		{"refused: the next flush decides again", QUICK HOOK,
		 "0 sink hook refuse\n"
		 "0 post alertname=A ends=9999\n"
		 "8 sink hook ok\n"
		 "14 run\n",
		 "1 hook refuses\n"
		 "7 hook refuses\n"
		 "13 hook notify_first firing A\n"},
		{"no answer: given up with the flush, then again at once, as one was due",
		 QUICK HOOK,
		 "0 sink hook hang\n"
		 "0 post alertname=A ends=9999\n"
		 "8 sink hook ok\n"
		 "30 run\n",
		 "11 hook delivery_timeout\n"
		 "11 hook notify_first firing A\n"},
		{"the fallback receiver is told when the first gave up, once",
		 "route: {receiver: hook, fallback_receiver: other, group_by: [alertname], "
		 "group_wait: 1s, group_interval: 6s, repeat_interval: 4h}\n"
		 "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: other, webhook_configs: [{url: 'http://o/'}]}]\n",
		 "0 sink hook refuse\n"
		 "0 post alertname=A ends=9999\n"
		 "10 sink hook ok\n"
		 "30 run\n",
		 "1 hook refuses\n"
		 "1 other notify_first firing A\n"
		 "7 hook refuses\n"
		 "13 hook notify_first firing A\n"},
		{"who asked to wait 20 s is not asked before, whatever falls due",
		 QUICK HOOK,
		 "0 sink hook busy\n"
		 "0 post alertname=A ends=9999\n"
		 "3 sink hook ok\n"
		 "4 post alertname=B ends=9999\n"
		 "60 run\n",
		 "1 hook busy\n"
		 "11 hook delivery_timeout\n"
		 "15 hook delivery_timeout\n"
		 "21 hook delivery_timeout\n" /* of A's second flush, begun at 11 */
		 "21 hook notify_first firing B\n"
		 "21 hook notify_first firing A\n"},
		{"the fallback is told once when two integrations give up",
		 "route: {receiver: hook, fallback_receiver: other, group_wait: 1s, "
		 "group_interval: 1m}\n"
		 "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}, {url: "
		 "'http://i/'}]}, {name: other, webhook_configs: [{url: 'http://o/'}]}]\n",
		 "0 sink hook refuse\n"
		 "0 sink other fail\n"
		 "0 post alertname=X ends=9999\n"
		 "5 sink other ok\n"
		 "30 run\n",
		 "1 hook refuses\n"
		 "1 hook refuses\n"
		 "5.9 other notify_first firing X\n"},
		{"muted for longer than the notification log keeps entries: the end is "
		 "told",
		 "route: {receiver: hook, group_wait: 1s, group_interval: 10m, "
		 "repeat_interval: 1m}\n" HOOK,
		 "0 post alertname=X starts=0 ends=9999\n"
		 "30 silence s alertname=X for=1300\n"
		 "1400 post alertname=X starts=0 ends=1400\n"
		 "2000 run\n",
		 "1 hook notify_first firing X\n"
		 "601 muted_by_silence X\n"
		 "1201 muted_by_silence X\n"
		 "1801 hook notify_resolved resolved X\n"},
		{"the fallback hears of the end, though the receiver works again",
		 "route: {receiver: hook, fallback_receiver: other, group_by: [alertname], "
		 "group_wait: 1s, group_interval: 6s, repeat_interval: 4h}\n"
		 "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: other, webhook_configs: [{url: 'http://o/'}]}]\n",
		 "0 sink hook refuse\n"
		 "0 post alertname=A ends=20\n"
		 "5 sink hook ok\n"
		 "60 run\n",
		 "1 hook refuses\n"
		 "1 other notify_first firing A\n"
		 "7 hook notify_first firing A\n"
		 "25 hook notify_resolved resolved A\n"
		 "25 other notify_resolved resolved A\n"},
		{"and though it still fails; once",
		 "route: {receiver: hook, fallback_receiver: other, group_by: [alertname], "
		 "group_wait: 1s, group_interval: 6s, repeat_interval: 4h}\n"
		 "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: other, webhook_configs: [{url: 'http://o/'}]}]\n",
		 "0 sink hook refuse\n"
		 "0 post alertname=A ends=8\n"
		 "20 sink hook ok\n"
		 "60 run\n",
		 "1 hook refuses\n"
		 "1 other notify_first firing A\n"
		 "7 hook refuses\n"
		 "13 other notify_resolved resolved A\n"},
		{"nor does a fallback that fails too end anything",
		 "route: {receiver: hook, fallback_receiver: other, group_by: [alertname], "
		 "group_wait: 1s, group_interval: 6s, repeat_interval: 4h}\n"
		 "receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}, "
		 "{name: other, webhook_configs: [{url: 'http://o/'}]}]\n",
		 "0 sink hook hang\n"
		 "0 sink other refuse\n"
		 "0 post alertname=A ends=9999\n"
		 "10 sink hook ok\n"
		 "20 run\n",
		 "11 hook delivery_timeout\n"
		 "11 other refuses\n"
		 "11 hook notify_first firing A\n"},
		{"a failed flush keeps what resolved", QUICK HOOK,
		 "0 post alertname=A ends=5\n"
		 "2 sink hook refuse\n"
		 "8 sink hook ok\n"
		 "30 run\n",
		 "1 hook notify_first firing A\n"
		 "7 hook refuses\n"
		 "13 hook notify_resolved resolved A\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* spec/routing.md 12, and state that survives (design 4). */
static void restarts(void **state)
{
	static const struct play plays[] = {
		{"a reload flushes old alerts and says nothing twice", QUICK HOOK,
		 "0 post alertname=A ends=9999\n"
		 "3 reload\n"
		 "4 post alertname=A host=2 ends=9999\n"
		 "30 run\n",
		 "1 hook notify_first firing A\n"
		 "9 hook notify_new firing A A{host=2}\n"},
		{"a restart forgets no silence and repeats no notification", QUICK HOOK,
		 "0 silence quiet alertname=B for=9999\n"
		 "0 post alertname=A ends=9999\n"
		 "0 post alertname=B ends=9999\n"
		 "3 restart\n"
		 "5 run\n",
		 "1 muted_by_silence B\n"
		 "1 hook notify_first firing A\n"
		 "3 muted_by_silence B\n"},
		{"what was due while it was down is told after the start", QUICK HOOK,
		 "0 post alertname=A ends=9999\n"
		 "0.5 restart\n"
		 "30 run\n",
		 "1 hook notify_first firing A\n"},
		{"group_wait goes on over restarts and reloads since the first alert came",
		 SLOW HOOK,
		 "0 post alertname=A ends=9999\n"
		 "5 post alertname=A host=2 ends=9999\n"
		 "8 restart\n"
		 "20 reload\n"
		 "25 restart\n"
		 "60 run\n",
		 "30 hook notify_first firing A A{host=2}\n"},
		{"and begins anew when it comes again", SLOW HOOK,
		 "0 post alertname=A ends=9\n"
		 "1 reload\n"
		 "40 post alertname=A starts=40 ends=9999\n"
		 "45 restart\n"
		 "100 run\n",
		 "70 hook notify_first firing A\n"},
		{"a resolution while it was down is told after the start", QUICK HOOK,
		 "0 post alertname=A ends=2.5\n"
		 "2 restart\n"
		 "30 run\n",
		 "1 hook notify_first firing A\n"
		 "8 hook notify_resolved resolved A\n"},
		{"killed while it was being sent, and over meanwhile: the end is told",
		 QUICK HOOK,
		 "0 sink hook hang\n"
		 "0 post alertname=A ends=1.5\n"
		 "1.7 sink hook ok\n"
		 "2 restart\n"
		 "60 run\n",
		 "2 hook notify_resolved resolved A\n"},
		{"it would be told after a second kill, too", QUICK HOOK,
		 "0 sink hook hang\n"
		 "0 post alertname=A ends=1.5\n"
		 "2 restart\n"
		 "2.1 sink hook ok\n"
		 "2.2 restart\n"
		 "60 run\n",
		 "2.2 hook notify_resolved resolved A\n"},
		{"canceled by a reload, and out of time: the end is told once", QUICK HOOK,
		 "0 sink hook hang\n"
		 "0 post alertname=A ends=1.8\n"
		 "1.5 reload\n"
		 "3 sink hook ok\n"
		 "60 run\n",
		 "11.5 hook delivery_timeout\n"
		 "11.5 hook notify_resolved resolved A\n"},
		{"a receiver that said no hears of no end", QUICK HOOK,
		 "0 sink hook refuse\n"
		 "0 post alertname=A ends=1.5\n"
		 "3 sink hook ok\n"
		 "60 run\n",
		 "1 hook refuses\n"},
		{"one that gave no answer before does", QUICK HOOK,
		 "0 sink hook lose\n"
		 "0 post alertname=A ends=1.4\n"
		 "1.2 sink hook refuse\n"
		 "3 sink hook ok\n"
		 "60 run\n",
		 "1 hook gives no answer\n"
		 "1.5 hook refuses\n"
		 "7 hook notify_resolved resolved A\n"},
		{"in doubt of one of two: its end is told", QUICK HOOK,
		 "0 post alertname=A host=1 ends=999\n"
		 "2 sink hook hang\n"
		 "2 post alertname=A host=2 ends=7\n"
		 "6.5 reload\n"
		 "7 sink hook ok\n"
		 "60 run\n",
		 "1 hook notify_first firing A{host=1}\n"
		 "16.5 hook delivery_timeout\n"
		 "16.5 hook notify_some_resolved firing A{host=1} resolved A{host=2}\n"},
		{"a restart does not restart a pending timer",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=30s\n"
		 "25 restart\n"
		 "60 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "33.1 hook notify_first firing Up{n=0}\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* Design 2: a stepped wall clock neither fires nor loses a timer. */
static void clocks(void **state)
{
	static const struct play plays[] = {
		{"an hour forward: nothing resolves, nothing repeats",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0\n"
		 "60 clock 3600\n"
		 "4000 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"},
		{"an hour back: group_wait is what it was, nothing is told twice",
		 QUICK HOOK,
		 "0 post alertname=X ends=999999\n"
		 "600 clock -3600\n"
		 "-2900 post alertname=Y ends=999999\n"
		 "-2000 run\n",
		 "1 hook notify_first firing X\n"
		 "-2899 hook notify_first firing Y\n"},
		{"an hour forward: who posted no end has not ended", QUICK HOOK,
		 "0 post alertname=X\n"
		 "60 clock 3600\n"
		 "3890 run\n",
		 "1 hook notify_first firing X\n"},
		{"half an hour back: an end that comes is taken", QUICK HOOK,
		 "0 post alertname=X starts=-9999 ends=999999\n"
		 "600 clock -1800\n"
		 "-1100 post alertname=X starts=-9999 ends=-1100\n"
		 "-1000 run\n",
		 "0 hook notify_first firing X\n"
		 "-1098 hook notify_resolved resolved X\n"},
		{"back while pending: it waited what it waited",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=60s\n"
		 "30 clock -3600\n"
		 "-3500 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "-3536.8 hook notify_first firing Up{n=0}\n"},
		{"and after a restart at once",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=60s\n"
		 "30 clock -3600\n"
		 "-3570 restart\n"
		 "-3500 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "-3536.8 hook notify_first firing Up{n=0}\n"},
		{"forward, and a restart: nothing is repeated", QUICK HOOK,
		 "0 post alertname=X ends=999999\n"
		 "60 clock 18000\n"
		 "18061 restart\n"
		 "18100 run\n",
		 "1 hook notify_first firing X\n"},
		{"back while it was down: each thing is told once", QUICK HOOK,
		 "0 post alertname=X ends=999999\n"
		 "60 restart -3600\n"
		 "-3500 post alertname=X host=2 starts=-3500 ends=999999\n"
		 "-3000 run\n",
		 "1 hook notify_first firing X\n"
		 "-3497 hook notify_new firing X X{host=2}\n"},
		{"back while it was down: repeat_interval is what it was", QUICK HOOK,
		 "0 post alertname=X ends=999999\n"
		 "60 restart -36000\n"
		 "-21000 run\n",
		 "1 hook notify_first firing X\n"
		 "-21539 hook notify_repeat firing X\n"},
		{"back: what was over stays over", QUICK HOOK,
		 "0 post alertname=X starts=0 ends=999999\n"
		 "10 post alertname=X starts=0 ends=10\n"
		 "100 clock -3600\n"
		 "-3400 reload\n"
		 "-3000 run\n",
		 "1 hook notify_first firing X\n"
		 "13 hook notify_resolved resolved X\n"},
		{"back: what is posted again is saved again", QUICK HOOK,
		 "0 post alertname=X starts=-9000 ends=300\n"
		 "100 clock -3600\n"
		 "-3490 post alertname=X starts=-9000 ends=-3200\n"
		 "-3480 restart\n"
		 "-3300 post alertname=X starts=-9000 ends=-2900\n"
		 "-3150 restart\n"
		 "-3000 run\n",
		 "0 hook notify_first firing X\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* spec/rules.md 8. */
static void rules(void **state)
{
	static const struct play plays[] = {
		{"pending, firing, resolved",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=20s\n"
		 "40 backend 0\n"
		 "90 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "23.1 hook notify_first firing Up{n=0}\n"
		 "47.1 hook notify_resolved resolved Up{n=0}\n"},
		{"one gap starts a pending alert again",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=20s\n"
		 "5 backend 0\n"
		 "15 backend 1\n"
		 "50 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "12.1 rule Up{n=0} dropped\n"
		 "22.1 rule Up{n=0} pending\n"
		 "43.1 hook notify_first firing Up{n=0}\n"},
		{"a file saved as it was: its evaluations go on",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 backend late\n"
		 "0 file r.yml " TWO_RULES(
			 "up", "down") "\n"
				       "3 answer\n"
				       "5 file r.yml " TWO_RULES(
					       "up", "down") "\n"
							     "6 file r.yml " TWO_RULES(
								     " up ",
								     "down") "\n"
									     "7 answer\n"
									     "8 run\n",
		 "2.1 query up\n"
		 "3 query down\n"
		 "4 hook notify_first firing A{n=0}\n"
		 "7 hook notify_first firing B{n=0}\n"},
		{"... and what a template waits for is answered",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 backend late\n"
		 "0 file r.yml " ASKING_RULE "\n"
		 "3 answer\n"
		 "5 file r.yml " ASKING_RULE "\n"
		 "6 answer\n"
		 "7 run\n",
		 "2.1 query up\n"
		 "3 query 1+1\n"
		 "6 hook notify_first firing A{host=0,kind=k,n=0}\n"},
		{"a group edited while it evaluates begins that slot anew, once",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 backend late\n"
		 "0 file r.yml " TWO_RULES(
			 "up", "down") "\n"
				       "4 file r.yml " TWO_RULES(
					       "up",
					       "down > 1") "\n"
							   "6 file r.yml " TWO_RULES(
								   "up",
								   "down > 2") "\n"
									       "20 run\n",
		 "2.1 query up\n"
		 "4 query canceled\n"
		 "4 query up\n"
		 "6 query canceled\n"
		 "12.1 query up\n"},
#define FIVE_RULES                                                                         \
	"{groups: [{name: g, interval: 10s, rules: [{record: 'a:x', expr: one}, {record: " \
	"'b:x', expr: 'a:x'}, {record: 'c:x', expr: 'b:x'}, {alert: D, expr: two}, "       \
	"{alert: E, expr: three}]}]}"
		{"rules that need no other go first, together, as many as may",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 options evals=1\n"
		 "0 restart\n"
		 "0 backend 0\n"
		 "0 backend late\n"
		 "0 file r.yml " FIVE_RULES "\n"
		 "3 answer\n"
		 "4 answer\n"
		 "5 answer\n"
		 "6 answer\n"
		 "7 answer\n"
		 "8 run\n",
		 "2.1 query one\n"
		 "2.1 query two\n"
		 "3 query three\n" /* b:x waits for all of them */
		 "5 query a:x\n"
		 "6 query b:x\n"},
		{"... without the flag as they stand in the file",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 0\n"
		 "0 backend late\n"
		 "0 file r.yml " FIVE_RULES "\n"
		 "3 answer\n"
		 "4 answer\n"
		 "5 run\n",
		 "2.1 query one\n"
		 "3 query a:x\n"
		 "4 query b:x\n"},
		{"... and a group that goes gives back what it took",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 options evals=1\n"
		 "0 restart\n"
		 "0 backend 0\n"
		 "0 backend late\n"
		 "0 file r.yml " FIVE_RULES "\n"
		 "4 file r.yml\n"
		 "5 file r.yml " FIVE_RULES "\n"
		 "13 run\n",
		 "2.1 query one\n"
		 "2.1 query two\n"
		 "4 query canceled\n"
		 "4 query canceled\n"
		 "12.1 query one\n"
		 "12.1 query two\n"},
#define PARTIAL_RULE(strategy)                                                             \
	"{groups: [{name: g, interval: 10s, partial_response_strategy: " strategy          \
	", rules: [{alert: A, expr: up}]}]}"
		{"a partial answer is an error: nothing resolves",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 2\n"
		 "0 file r.yml " PARTIAL_RULE("abort") "\n"
						       "5 backend partial\n"
						       "30 run\n",
		 "3.1 hook notify_first firing A{n=0} A{n=1}\n"},
		{"... but for a group that takes it",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 2\n"
		 "0 file r.yml " PARTIAL_RULE("warn") "\n"
						      "5 backend partial\n"
						      "30 run\n",
		 "3.1 hook notify_first firing A{n=0} A{n=1}\n"
		 "15.1 hook notify_some_resolved firing A{n=0} resolved A{n=1}\n"},
#define PARTIAL_VMRULE(more)                                                               \
	"{apiVersion: v1, kind: VMRule, metadata: {name: x}, spec: {groups: [{name: g, "   \
	"interval: 10s, " more                                                             \
	"rules: [{alert: A, expr: up, annotations: {p: '{{ $isPartial }}'}}]}]}}"
		{"... and for vmalert's rules unless they say otherwise",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 2\n"
		 "0 file r.yml " PARTIAL_VMRULE("") "\n"
						    "5 backend partial\n"
						    "30 run\n",
		 "3.1 hook notify_first firing A{n=0} A{n=1}\n"
		 "15.1 hook notify_some_resolved firing A{n=0} resolved A{n=1}\n"},
		{"... as here", "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 2\n"
		 "0 file r.yml " PARTIAL_VMRULE(
			 "partial_response_strategy: abort, ") "\n"
							       "5 backend partial\n"
							       "30 run\n",
		 "3.1 hook notify_first firing A{n=0} A{n=1}\n"},
		{"a query error keeps the state",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=20s\n"
		 "5 backend error\n"
		 "15 backend 1\n"
		 "30 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "23.1 hook notify_first firing Up{n=0}\n"},
		{"a removed rule's alert is resolved two intervals later",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "20 file r.yml\n"
		 "90 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "45.1 hook notify_resolved resolved Up{n=0}\n"},
		{"a group of another name, a file that was away: it fires on and nothing "
		 "is said",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 file r.yml {groups: [{name: h, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "50 file r.yml\n"
		 "51 file s.yml {groups: [{name: h, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "150 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"},
		{"a group of another name, where it waits again: nothing is said",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 file r.yml {groups: [{name: h, interval: 10s, rules: [{alert: Up, "
		 "expr: up, for: 1m}]}]}\n"
		 "150 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "29.6 rule Up{n=0} pending\n"},
		{"... until what was promised is over",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 file r.yml {groups: [{name: h, interval: 10s, rules: [{alert: Up, "
		 "expr: up, for: 1h}]}]}\n"
		 "350 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "29.6 rule Up{n=0} pending\n"
		 "243.1 hook notify_resolved resolved Up{n=0}\n"},
		{"one of two such rules goes: it fires on for the other, whose alert it is",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "0 file s.yml {groups: [{name: h, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 file r.yml\n"
		 "150 backend 0\n"
		 "190 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "159.1 hook notify_resolved resolved Up{n=0}\n"},
		{"... of the same file and group's name",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}, {alert: Up, expr: up > 0}]}]}\n"
		 "20 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "150 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"},
		{"... and so does a file that was copied and then removed",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 file s.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "45 file r.yml\n"
		 "150 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"},
		{"the other rule's differs, but not as it is relabelled: it fires on",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK
		 "alerting: {alert_relabel_configs: [{action: labeldrop, regex: a}]}\n",
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "0 file s.yml {groups: [{name: h, interval: 10s, rules: [{alert: Up, "
		 "expr: up, labels: {a: b}}]}]}\n"
		 "20 file r.yml\n"
		 "150 file s.yml\n"
		 "300 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "171.1 hook notify_resolved resolved Up{n=0}\n"},
		{"... sent at longer intervals than those of the one that goes",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK
		 "alerting: {alert_relabel_configs: [{action: labeldrop, regex: a}]}\n",
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "0 file s.yml {groups: [{name: h, interval: 5m, rules: [{alert: Up, "
		 "expr: up, labels: {a: b}}]}]}\n"
		 "310 file r.yml\n"
		 "1000 file s.yml\n"
		 "1700 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "1605.1 hook notify_resolved resolved Up{n=0}\n"},
		{"a group is renamed and has its name back, while its successor waits",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up, for: 30s}]}]}\n"
		 "40 file r.yml {groups: [{name: h, interval: 10s, rules: [{alert: Up, "
		 "expr: up, for: 30s}]}]}\n"
		 "55 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up, for: 30s}]}]}\n"
		 "300 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "33.1 hook notify_first firing Up{n=0}\n"
		 "49.6 rule Up{n=0} pending\n"
		 "55 rule Up{n=0} dropped\n"},
		{"a rule whose alert waits goes: another client's with its labels fires on",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 post alertname=Up n=0 ends=9999\n"
		 "0 backend 1\n"
		 "0 rules up == 0 for=1h\n"
		 "20 file r.yml\n"
		 "150 run\n",
		 "1 hook notify_first firing Up{n=0}\n"
		 "2.1 rule Up{n=0} pending\n"
		 "20 rule Up{n=0} dropped\n"},
		{"... and so does one that fires for both, killed and started meanwhile or "
		 "not",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "5 post alertname=Up n=0 ends=9999\n"
		 "100 restart\n"
		 "110 post alertname=Up n=0 ends=9999\n"
		 "120 file r.yml\n"
		 "300 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"},
		{"what a longer interval had promised, its shorter one answers for",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 5m, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "300 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "400 file r.yml {groups: [{name: h, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "500 file r.yml\n"
		 "600 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "525.1 hook notify_resolved resolved Up{n=0}\n"},
		{"several of one alert go while nobody looks, one had gone before a kill",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [" KEPT ", " FIVE
		 ", " DUP("g6") "]}\n"
				"40 file r.yml {groups: [" KEPT ", " FIVE "]}\n"
				"42 unseen r.yml {groups: [" KEPT "]}\n"
				"45 restart\n"
				"200 run\n",
		 "3.5 rule Down{n=0} pending\n"
		 "6 hook notify_first firing Up{n=0}\n"
		 "69 hook notify_resolved resolved Up{n=0}\n"},
		{"both go: it is resolved",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "0 file s.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 file r.yml\n"
		 "30 file s.yml\n"
		 "150 run\n",
		 "2.2 hook notify_first firing Up{n=0}\n"
		 "50.2 hook notify_resolved resolved Up{n=0}\n"},
		{"the other rule has another label: each its own",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "0 file s.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up, labels: {a: b}}]}]}\n"
		 "20 file r.yml\n"
		 "150 run\n",
		 "2.2 hook notify_first firing Up{n=0} Up{a=b,n=0}\n"
		 "44.2 hook notify_some_resolved firing Up{a=b,n=0} resolved Up{n=0}\n"},
		{"an alert is renamed: the old name is resolved",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Down, "
		 "expr: up}]}]}\n"
		 "70 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "23.1 hook notify_first firing Down{n=0}\n"
		 "45.1 hook notify_resolved resolved Up{n=0}\n"},
		{"... with the time of the removal, killed and started meanwhile or not",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 times\n"
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "20 file r.yml\n"
		 "30 restart\n"
		 "120 run\n",
		 "3.1 hook notify_first firing Up{n=0}@2.184\n"
		 "54 hook notify_resolved resolved Up{n=0}@2.184..20\n"},
		{"... killed again and again, at last long after what it had promised",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "20 file r.yml\n"
		 "25 restart\n"
		 "40 restart 900\n"
		 "2000 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "964 hook notify_resolved resolved Up{n=0}\n"},
		{"... and when the clock was set back meanwhile",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "20 file r.yml\n"
		 "30 restart -3600\n"
		 "-3000 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "-3545 hook notify_resolved resolved Up{n=0}\n"},
		{"a file that was removed while nobody looked",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 times\n"
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "20 unseen r.yml\n"
		 "30 restart\n"
		 "120 run\n",
		 "3.1 hook notify_first firing Up{n=0}@2.184\n"
		 "54 hook notify_resolved resolved Up{n=0}@2.184..30\n"},
		{"a rule of a file that was, of a group that stays; and killed once more",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 unseen r.yml {groups: [{name: g, interval: 10s, rules: "
		 "[{alert: Down, expr: down, for: 1h}]}]}\n"
		 "30 restart\n"
		 "40 restart\n"
		 "120 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "32.1 rule Down{n=0} pending\n"
		 "64 hook notify_resolved resolved Up{n=0}\n"},
		{"a file that was renamed while nobody looked: nothing is said",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 unseen r.yml\n"
		 "20 unseen s.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "30 restart\n"
		 "300 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"},
		{"... or before a kill; the other rule's end is the end",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "20 file r.yml\n"
		 "20 file s.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, "
		 "expr: up}]}]}\n"
		 "30 restart\n"
		 "100 backend 0\n"
		 "200 restart\n"
		 "300 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "102 hook notify_resolved resolved Up{n=0}\n"},
		{"a file that cannot be read at the start was not removed",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=60s\n"
		 "70 unseen r.yml unreadable\n"
		 "70 restart\n"
		 "200 rules up == 0 for=60s\n"
		 "500 backend 0\n"
		 "520 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "63.1 hook notify_first firing Up{n=0}\n"
		 "508 hook notify_resolved resolved Up{n=0}\n"},
		{"it is said once: a kill after it repeats nothing",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "20 file r.yml\n"
		 "50 restart\n"
		 "400 restart\n"
		 "900 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "45.1 hook notify_resolved resolved Up{n=0}\n"},
		{"a file that comes back meanwhile has its alerts back, without a new "
		 "\"for\"",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=60s\n"
		 "70 file r.yml\n"
		 "85 rules up == 0 for=60s\n"
		 "130 backend 0\n"
		 "200 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "63.1 hook notify_first firing Up{n=0}\n"
		 "135.1 hook notify_resolved resolved Up{n=0}\n"},
		{"... after a kill, too, and when it is over by then that is said at once",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=60s\n"
		 "70 file r.yml\n"
		 "70 backend 0\n"
		 "75 restart\n"
		 "80 rules up == 0 for=60s\n"
		 "200 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "63.1 hook notify_first firing Up{n=0}\n"
		 "87 hook notify_resolved resolved Up{n=0}\n"},
		{"a rule that comes back in its group",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: A, expr: "
		 "a, for: 10s}, {alert: B, expr: b}]}]}\n"
		 "20 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: B, "
		 "expr: b}]}]}\n"
		 "30 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: B, "
		 "expr: b}, {alert: A, expr: a, for: 10s}]}]}\n"
		 "60 restart\n"
		 "200 run\n",
		 "2.1 rule A{n=0} pending\n"
		 "3.1 hook notify_first firing B{n=0}\n"
		 "13.1 hook notify_first firing A{n=0}\n"},
		{"with Prometheus's silence nothing is resolved: it ends by itself",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 options leaves-removed=1\n"
		 "0 restart\n"
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "20 file r.yml\n"
		 "30 restart\n"
		 "350 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "246 hook notify_resolved resolved Up{n=0}\n"},
		{"... and when the file went while nobody looked: as promised, from the "
		 "start",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 options leaves-removed=1\n"
		 "0 restart\n"
		 "0 backend 1\n"
		 "0 rules up == 0 for=0s\n"
		 "20 unseen r.yml\n"
		 "30 restart\n"
		 "350 run\n",
		 "3.1 hook notify_first firing Up{n=0}\n"
		 "270 hook notify_resolved resolved Up{n=0}\n"},
		{"relabelled on the way to the router, external labels first; dropped ones "
		 "are not routed",
		 "datasources: [{name: d, url: 'http://p/'}]\n"
		 "global: {external_labels: {site: north, n: outer}}\n"
		 "alerting:\n"
		 "  alert_relabel_configs:\n"
		 "  - {source_labels: [n], regex: '1', action: drop}\n"
		 "  - {source_labels: [site, n], target_label: place}\n"
		 "  - {regex: site|n, action: labeldrop}\n" QUICK HOOK,
		 "0 backend 2\n"
		 "0 rules up == 0 for=0s\n"
		 "15 restart\n"
		 "40 backend 0\n"
		 "90 run\n",
		 "3.1 hook notify_first firing Up{place=north;0}\n"
		 "45 hook notify_resolved resolved Up{place=north;0}\n"},
		{"an edit of the expression keeps the state, one of \"for\" applies",
		 "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		 "0 backend 1\n"
		 "0 rules up == 0 for=60s\n"
		 "15 rules up < 1 for=20s\n"
		 "30 run\n",
		 "2.1 rule Up{n=0} pending\n"
		 "23.1 hook notify_first firing Up{n=0}\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

static void count_iterations(void *ctx, struct engine *e, wall_ms now)
{
	struct arena mem = {0};
	size_t n;
	const struct rulegroup_view *g = view_rules(e, &mem, &n);

	(void)now;
	assert_int_equal(n, 1);
	buf_addf(ctx, "%d iterations, %d missed\n", (int)g->iterations, (int)g->missed);
	arena_free(&mem);
}

static void count_resets(void *ctx, struct engine *e, wall_ms now)
{
	struct arena mem = {0};
	size_t n;
	const struct rulegroup_view *g = view_rules(e, &mem, &n);

	(void)now;
	assert_int_equal(n, 1);
	buf_addf(ctx, "%d resets\n", (int)g->resets);
	arena_free(&mem);
}

static void resets(void **state)
{
	static const struct {
		const char *script, *want;
	} rows[] = {
		{"0 rules up == 0 for=60s\n30 run\n", "0 resets\n"},
		{"0 rules up == 0 for=60s\n30 clock 3600\n3700 run\n", "0 resets\n"},
		{"0 rules up == 0 for=60s\n30 clock -3600\n-3500 run\n", "1 resets\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct play p = {
			"resets", "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
			rows[i].script, NULL};
		struct buf trace = BUF(10000);

		play_watched(&p, &trace,
			     &(struct watch){.ctx = &trace, .ended = count_resets});
		if (!str_ends(buf_str(&trace), str_of(rows[i].want)))
			fail_msg("%s: %s", rows[i].script, buf_text(&trace));
		buf_free(&trace);
	}
}

/* A group that is edited faster than it evaluates keeps its ticks, and counts. */
static void edits(void **state)
{
	static const struct play p = {
		"edits", "datasources: [{name: d, url: 'http://p/'}]\n" QUICK HOOK,
		"0 backend 1\n"
		"0 backend late\n"
		"0 file r.yml " TWO_RULES(
			"up", "down") "\n"
				      "4 file r.yml " TWO_RULES(
					      "up",
					      "down > 1") "\n"
							  "16 file r.yml " TWO_RULES(
								  "up",
								  "down > 2") "\n"
									      "20 run\n",
		NULL};
	struct buf trace = BUF(10000);

	(void)state;
	play_watched(&p, &trace, &(struct watch){.ctx = &trace, .ended = count_iterations});
	assert_string_equal(buf_text(&trace), "2.1 query up\n"
					      "4 query canceled\n"
					      "4 query up\n"
					      "16 query canceled\n"
					      "2 iterations, 2 missed\n");
	buf_free(&trace);
}

/* -- what of the flushes is kept ------------------------------------------------------ */

static void count_rows(void *ctx, const struct record *r)
{
	*(int *)ctx += r->kind == RECORD_FLUSH && !r->is_unchanged;
}

/* A group that is made anew as it was told leaves no row; one with something to say does.
 */
static void flushes_after_a_start(void **state)
{
	static const struct {
		const char *script;
		int rows;
	} cases[] = {
		{"0 post alertname=A ends=9999\n5 run\n", 1},
		{"0 post alertname=A ends=9999\n3 restart\n5 run\n", 1},
		{"0 post alertname=A ends=9999\n3 reload\n5 run\n", 1},
		{"0 post alertname=A ends=9999\n3 restart\n30 run\n", 1},
		{"0 post alertname=A ends=9999\n0.5 restart\n5 run\n", 1}, /* its first */
		{"0 post alertname=A ends=2\n3 restart\n5 run\n", 2},	   /* its end */
		{"0 post alertname=A ends=9999\n2 silence s alertname=A for=99\n"
		 "3 restart\n5 run\n",
		 2},
		{"0 sink hook refuse\n0 post alertname=A ends=9999\n3 restart\n5 run\n", 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct play p = {cases[i].script, QUICK HOOK, cases[i].script, NULL};
		struct buf trace = BUF(10000);
		int rows = 0;

		play_watched(&p, &trace,
			     &(struct watch){.ctx = &rows, .record = count_rows});
		if (rows != cases[i].rows)
			fail_msg("%s: %d rows, not %d", cases[i].script, rows,
				 cases[i].rows);
		buf_free(&trace);
	}
}

static const struct config *config_of(struct arena *mem, const char *text)
{
	struct files files = {0};
	struct config_options options = {.files = &files, .kinds = integration_kinds};
	struct errs errs = {.mem = mem};

	return config_parse(mem, "c.yml", str_of(text), &options, &errs, NULL);
}

/* However much is due, what one step makes is bounded. */
static void a_step_has_an_end(void **state)
{
	struct arena mem = {0}, of_step = {0};
	struct engine_options options = {.seed = 1};
	struct engine *e = engine_new(&options);
	struct event ev = {.kind = EVENT_CONFIG, .config = config_of(&mem, QUICK HOOK)};
	struct alert_post posts[1200] = {0};
	struct label labels[1200];
	struct actions out = {0};
	size_t told = 0, steps = 0;
	wall_ms next;

	(void)state;
	assert_non_null(ev.config);
	(void)engine_step(e, 1000, &ev, 1, &of_step, &out);
	for (size_t i = 0; i < COUNT_OF(posts); i++) {
		labels[i] = (struct label){"alertname", arena_printf(&mem, "A%zu", i)};
		posts[i] = (struct alert_post){.labels = &labels[i],
					       .n_labels = 1,
					       .starts_at = INSTANT_ZERO,
					       .ends_at = INSTANT_ZERO,
					       .generator_url = ""};
	}
	ev = (struct event){.kind = EVENT_ALERTS, .alerts = {posts, COUNT_OF(posts)}};
	next = engine_step(e, 1000, &ev, 1, &of_step, &out);
	assert_int_equal(next, 2000);
	for (; next <= 2000; steps++) {
		size_t before = told;

		out.n = 0;
		next = engine_step(e, 2000, NULL, 0, &of_step, &out);
		for (size_t i = 0; i < out.n; i++)
			told += out.v[i].kind == ACTION_DELIVER;
		assert_true(told - before <= 500);
	}
	assert_int_equal(told, 1200);
	assert_int_equal(steps, 3);
	engine_free(e);
	free(out.v);
	arena_free(&of_step);
	arena_free(&mem);
}

static void see_summaries(void *ctx, const struct notification *n, wall_ms now)
{
	struct buf *b = ctx;

	for (size_t i = 0; i < n->n_alerts; i++)
		buf_addf(b, "%lld %s %s; ", (long long)(now % DAY / SECOND),
			 labels_get(n->alerts[i].labels, "alertname"),
			 labels_get(n->alerts[i].annotations, "summary"));
}

/* What is tried again says what it said, whatever the alert says or does meanwhile. */
static void a_notification_stays_as_it_began(void **state)
{
	static const struct {
		const char *script, *sent;
	} cases[] = {
		{"0 sink hook fail\n"
		 "0 post alertname=A ends=9999 note.summary=old\n"
		 "2 post alertname=A ends=9999 note.summary=new\n"
		 "3 sink hook ok\n"
		 "5 run\n",
		 "3 A old; "},
		{"0 sink hook fail\n"
		 "0 post alertname=A ends=2 note.summary=old\n"
		 "2 post alertname=A ends=2 note.summary=new\n"
		 "600 sink hook ok\n" /* given up, resolved, forgotten */
		 "900 post alertname=A ends=9999 note.summary=newer\n"
		 "950 run\n",
		 "901 A newer; "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct play p = {"", QUICK HOOK, cases[i].script, ""};
		struct buf trace = BUF(BUF_NO_LIMIT), sent = BUF(BUF_NO_LIMIT);

		play_watched(&p, &trace, &(struct watch){&sent, NULL, see_summaries, NULL});
		assert_string_equal(buf_text(&sent), cases[i].sent);
		buf_free(&trace);
		buf_free(&sent);
	}
}

/* A deletion that a failing disk lost leaves the older one there. */
static void of_two_rows_of_an_entry_the_later_stays(void **state)
{
	static const uint64_t numbers[][2] = {{3, 9}, {9, 3}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct arena of_step = {0};
		struct engine *e = engine_new(&(struct engine_options){.seed = 1});
		struct actions out = {0};

		for (size_t k = 0; k < 2; k++) {
			struct told t = {.number = numbers[i][k],
					 .group_key = "{}:{}",
					 .receiver = "r",
					 .integration = "webhook",
					 .at = (wall_ms)numbers[i][k],
					 .expires_at = 5000};
			struct event ev = {.kind = EVENT_RESTORE_TOLD, .told = &t};

			(void)engine_step(e, 1000, &ev, 1, &of_step, &out);
		}
		assert_int_equal(out.n, 1);
		assert_int_equal(out.v[0].kind, ACTION_FORGET_TOLD);
		assert_int_equal(out.v[0].number, 3);
		out.n = 0;
		(void)engine_step(e, 1000, &(struct event){.kind = EVENT_SAVE_ALL}, 1,
				  &of_step, &out);
		assert_int_equal(out.n, 1);
		assert_int_equal(out.v[0].kind, ACTION_SAVE_TOLD);
		assert_int_equal(out.v[0].told->number, 9);
		assert_int_equal(out.v[0].told->at, 9);
		engine_free(e);
		free(out.v);
		arena_free(&of_step);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups),
		cmocka_unit_test(mutes),
		cmocka_unit_test(resets),
		cmocka_unit_test(routes),
		cmocka_unit_test(deliveries),
		cmocka_unit_test(restarts),
		cmocka_unit_test(rules),
		cmocka_unit_test(clocks),
		cmocka_unit_test(edits),
		cmocka_unit_test(flushes_after_a_start),
		cmocka_unit_test(a_step_has_an_end),
		cmocka_unit_test(a_notification_stays_as_it_began),
		cmocka_unit_test(of_two_rows_of_an_entry_the_later_stays),
	};

	return cmocka_run_group_tests_name("engine", tests, NULL, NULL);
}
