#include "base/base.h"
#include "unit/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CONFIG                                                                             \
	"global: {external_labels: {cluster: eu}}\n"                                       \
	"datasources: [{name: d, url: 'http://p/'}]\n"                                     \
	"route: {receiver: hook, group_wait: 1s, group_interval: 6s, repeat_interval: 4h}" \
	"\n"                                                                               \
	"receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}]\n"
#define RULE(more)                                                                         \
	"0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: Up, expr: up, "   \
	"for: " more "}]}]}\n"
#define ASK "ask ALERTS_FOR_STATE{alertname=\"Up\"}"

/* spec/rules.md 16: since when alerts wait, as ALERTS_FOR_STATE of another program says. */
static void past(void **state)
{
	static const struct play plays[] = {
		{"the outage does not count: 15 of 20 minutes were over a minute ago",
		 CONFIG,
		 "0 backend 1\n"
		 "0 past -57.9 since -957.9 seen alertname=Up n=0 cluster=eu\n" RULE(
			 "20m") "1000 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"
		 "2.1 " ASK "[1h] at 2.184\n"
		 "2.1 " ASK " at 2.184\n"
		 "603.1 hook notify_first firing Up{cluster=eu,n=0}\n"},
		{"due in more than the grace period: as if nothing had happened", CONFIG,
		 "0 backend 1\n"
		 "0 past -57.9 since -357.9 seen alertname=Up n=0 cluster=eu\n" RULE(
			 "20m") "1000 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"
		 "2.1 " ASK "[1h] at 2.184\n"
		 "2.1 " ASK " at 2.184\n"
		 "903.1 hook notify_first firing Up{cluster=eu,n=0}\n"},
		{"was firing: fires again", CONFIG,
		 "0 backend 1\n"
		 "0 past -1800 since -7200 seen alertname=Up n=0\n" RULE("20m") "100 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"
		 "2.1 " ASK "[1h] at 2.184\n"
		 "2.1 " ASK " at -1560\n"
		 "13.1 hook notify_first firing Up{cluster=eu,n=0}\n"},
		{"a stale marker followed: waits anew", CONFIG,
		 "0 backend 1\n"
		 "0 past -1800 since -7200 gone alertname=Up n=0\n" RULE("20m") "100 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"
		 "2.1 " ASK "[1h] at 2.184\n"
		 "2.1 " ASK " at -1560\n"},
		{"vmalert's label of the group; another alert's past", CONFIG,
		 "0 backend 2\n"
		 "0 past -1800 since -7200 seen alertname=Up n=1 alertgroup=g\n"
		 "0 past -1800 since -7200 seen alertname=Up n=0 alertgroup=h\n" RULE(
			 "20m") "100 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"
		 "2.1 rule Up{cluster=eu,n=1} pending\n"
		 "2.1 " ASK "[1h] at 2.184\n"
		 "2.1 " ASK " at -1560\n"
		 "13.1 hook notify_first firing Up{cluster=eu,n=1}\n"},
		{"nobody has it: not asked twice", CONFIG,
		 "0 backend 1\n"
		 "0 past none\n" RULE("20m, labels: {a: b, c: '{{ $value }}'}") "100 run\n",
		 "2.1 rule Up{a=b,c=0,cluster=eu,n=0} pending\n"
		 "2.1 ask ALERTS_FOR_STATE{alertname=\"Up\",a=\"b\"}[1h] at 2.184\n"},
		{"the backend cannot say: waits anew", CONFIG,
		 "0 backend 1\n"
		 "0 past error\n" RULE("20m") "100 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"
		 "2.1 " ASK "[1h] at 2.184\n"},
		{"nonsense is not believed: active after its sample", CONFIG,
		 "0 backend 1\n"
		 "0 past -1800 since 7200 seen alertname=Up n=0\n" RULE("20m") "100 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"
		 "2.1 " ASK "[1h] at 2.184\n"
		 "2.1 " ASK " at -1560\n"},
		{"a rule that waits for less than the grace period is not asked about",
		 CONFIG,
		 "0 backend 1\n"
		 "0 past -1800 since -7200 seen alertname=Up n=0\n" RULE("9m") "100 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"},
		{"something was restored: nobody is asked", CONFIG,
		 "0 backend 1\n" RULE("20m") "100 run\n",
		 "2.1 rule Up{cluster=eu,n=0} pending\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(past),
	};

	return cmocka_run_group_tests_name("readback", tests, NULL, NULL);
}
