#include "base/base.h"
#include "unit/play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define CONFIG                                                                             \
	"datasources: [{name: d, url: 'http://p/'}]\n"                                     \
	"route: {receiver: r, group_wait: 1h}\nreceivers: [{name: r}]\n"
#define REMOTE CONFIG "remote_write: [{url: 'http://w/'}]\n"
#define NATIVE CONFIG "remote_write: [{url: 'http://w/', send_native_histograms: true}]\n"

/* spec/rules.md 9, 14: what recording rules write, and how their series end. */
static void recording(void **state)
{
	static const struct play plays[] = {
		{"results with their labels, at the slot; the end of one that is gone",
		 REMOTE,
		 "0 backend 2\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up, labels: {l: '{{ $x }}'}}]}]}\n"
		 "5 backend 1\n"
		 "25 backend 0\n"
		 "50 run\n",
		 "2.1 write a:b{l={{ $x }},n=0} 0\n"
		 "2.1 write a:b{l={{ $x }},n=1} 1\n"
		 "12.1 write a:b{l={{ $x }},n=0} 0\n"
		 "12.1 write a:b{l={{ $x }},n=1} ends\n"
		 "22.1 write a:b{l={{ $x }},n=0} 0\n"
		 "32.1 write a:b{l={{ $x }},n=0} ends\n"},
		{"an empty rule label takes the label away", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up, labels: {n: ''}}]}]}\n"
		 "5 run\n",
		 "2.1 write a:b 0\n"},
		{"the query offset is the samples', too", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, query_offset: 1m, "
		 "rules: [{record: 'a:b', expr: up}]}]}\n"
		 "5 backend 0\n"
		 "15 run\n",
		 "2.1 write a:b{n=0} 0 at -57.816\n"
		 "12.1 write a:b{n=0} ends at -47.816\n"},
		{"an error writes nothing and ends nothing; what went meanwhile ends later",
		 REMOTE,
		 "0 backend 2\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 backend error\n"
		 "25 backend 1\n"
		 "35 run\n",
		 "2.1 write a:b{n=0} 0\n"
		 "2.1 write a:b{n=1} 1\n"
		 "32.1 write a:b{n=0} 0\n"
		 "32.1 write a:b{n=1} ends\n"},
		{"over the limit: as an error", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, limit: 1, rules: "
		 "[{record: 'a:b', expr: up}]}]}\n"
		 "5 backend 2\n"
		 "15 backend 0\n"
		 "25 run\n",
		 "2.1 write a:b{n=0} 0\n"
		 "22.1 write a:b{n=0} ends\n"},
		{"a native histogram as such; one that cannot be made again is an error",
		 NATIVE,
		 "0 backend histogram\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 backend odd\n"
		 "15 backend 1\n"
		 "25 backend 0\n"
		 "35 run\n",
		 "2.1 write a:b{n=0} {count:3, sum:4.5, (1,2]:3}\n"
		 "22.1 write a:b{n=0} 0\n"
		 "32.1 write a:b{n=0} ends\n"},
		{"... and so ends one that was a number before, and a histogram of a group "
		 "that goes",
		 NATIVE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 backend histogram\n"
		 "15 backend 0\n"
		 "25 backend histogram\n"
		 "35 file r.yml\n"
		 "60 run\n",
		 "2.1 write a:b{n=0} 0\n"
		 "12.1 write a:b{n=0} {count:3, sum:4.5, (1,2]:3}\n"
		 "22.1 write a:b{n=0} ends, a histogram\n"
		 "32.1 write a:b{n=0} {count:3, sum:4.5, (1,2]:3}\n"
		 "55 write a:b{n=0} ends, a histogram at 35\n"},
		{"... and so is one with counts below zero", NATIVE,
		 "0 backend histogram\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 backend below\n"
		 "15 backend 1\n"
		 "20 run\n",
		 "2.1 write a:b{n=0} {count:3, sum:4.5, (1,2]:3}\n"},
		{"no remote_write: nothing", CONFIG,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}, {alert: A, expr: up}]}]}\n"
		 "5 backend 0\n"
		 "50 run\n",
		 ""},
		{"remote_write taken away and back: nothing is remembered",
		 REMOTE LATER CONFIG,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 reload\n"
		 "15 backend 0\n"
		 "25 run\n",
		 "2.1 write a:b{n=0} 0\n"},
		{"a clock that repeats a slot writes no second value for it", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 clock -10\n"
		 "4 run\n"
		 "15 run\n",
		 "2.1 write a:b{n=0} 0\n"
		 "12.1 write a:b{n=0} 0\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* spec/rules.md 8.4, 13: the series of alerts. */
static void alerts(void **state)
{
	static const struct play plays[] = {
		{"pending, firing, gone", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: A, expr: "
		 "up, for: 10s, labels: {sev: page}}]}]}\n"
		 "25 backend 0\n"
		 "50 run\n",
		 "2.1 rule A{n=0,sev=page} pending\n"
		 "2.1 write ALERTS{alertname=A,alertstate=pending,n=0,sev=page} 1\n"
		 "2.1 write ALERTS_FOR_STATE{alertname=A,n=0,sev=page} 2\n"
		 "12.1 write ALERTS{alertname=A,alertstate=firing,n=0,sev=page} 1\n"
		 "12.1 write ALERTS_FOR_STATE{alertname=A,n=0,sev=page} 2\n"
		 "12.1 write ALERTS{alertname=A,alertstate=pending,n=0,sev=page} ends\n"
		 "22.1 write ALERTS{alertname=A,alertstate=firing,n=0,sev=page} 1\n"
		 "22.1 write ALERTS_FOR_STATE{alertname=A,n=0,sev=page} 2\n"
		 "32.1 write ALERTS{alertname=A,alertstate=firing,n=0,sev=page} ends\n"
		 "32.1 write ALERTS_FOR_STATE{alertname=A,n=0,sev=page} ends\n"},
		{"a pending one that goes; kept firing is firing", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: P, expr: "
		 "up, for: 1h}, {alert: K, expr: up, keep_firing_for: 10s}]}]}\n"
		 "5 backend 0\n"
		 "30 run\n",
		 "2.1 rule P{n=0} pending\n"
		 "2.1 write ALERTS{alertname=P,alertstate=pending,n=0} 1\n"
		 "2.1 write ALERTS_FOR_STATE{alertname=P,n=0} 2\n"
		 "2.1 write ALERTS{alertname=K,alertstate=firing,n=0} 1\n"
		 "2.1 write ALERTS_FOR_STATE{alertname=K,n=0} 2\n"
		 "12.1 rule P{n=0} dropped\n"
		 "12.1 write ALERTS{alertname=P,alertstate=pending,n=0} ends\n"
		 "12.1 write ALERTS_FOR_STATE{alertname=P,n=0} ends\n"
		 "12.1 write ALERTS{alertname=K,alertstate=firing,n=0} 1\n"
		 "12.1 write ALERTS_FOR_STATE{alertname=K,n=0} 2\n"
		 "22.1 write ALERTS{alertname=K,alertstate=firing,n=0} ends\n"
		 "22.1 write ALERTS_FOR_STATE{alertname=K,n=0} ends\n"},
		{"an alertstate of its own stays in ALERTS_FOR_STATE only", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: A, expr: "
		 "up, labels: {alertstate: mine}}]}]}\n"
		 "5 run\n",
		 "2.1 write ALERTS{alertname=A,alertstate=firing,n=0} 1\n"
		 "2.1 write ALERTS_FOR_STATE{alertname=A,alertstate=mine,n=0} 2\n"},
		{"... and alerts that differ in it alone are one series of ALERTS, and its "
		 "end is told",
		 REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: A, expr: "
		 "up, for: 10s, labels: {n: '', alertstate: 's{{ $labels.n }}'}}]}]}\n"
		 "5 backend 2\n"
		 "25 run\n",
		 "2.1 rule A{alertstate=s0} pending\n"
		 "2.1 write ALERTS{alertname=A,alertstate=pending} 1\n"
		 "2.1 write ALERTS_FOR_STATE{alertname=A,alertstate=s0} 2\n"
		 "12.1 rule A{alertstate=s1} pending\n"
		 "12.1 write ALERTS{alertname=A,alertstate=firing} 1\n"
		 "12.1 write ALERTS_FOR_STATE{alertname=A,alertstate=s0} 2\n"
		 "12.1 write ALERTS{alertname=A,alertstate=pending} 1\n"
		 "12.1 write ALERTS_FOR_STATE{alertname=A,alertstate=s1} 12\n"
		 "22.1 write ALERTS{alertname=A,alertstate=firing} 1\n"
		 "22.1 write ALERTS_FOR_STATE{alertname=A,alertstate=s0} 2\n"
		 "22.1 write ALERTS_FOR_STATE{alertname=A,alertstate=s1} 12\n"
		 "22.1 write ALERTS{alertname=A,alertstate=pending} ends\n"},
		{"what a former life wrote ends in this one", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{alert: A, expr: "
		 "up}]}]}\n"
		 "5 backend 0\n"
		 "6 restart\n"
		 "15 run\n",
		 "2.1 write ALERTS{alertname=A,alertstate=firing,n=0} 1\n"
		 "2.1 write ALERTS_FOR_STATE{alertname=A,n=0} 2\n"
		 "12.1 write ALERTS{alertname=A,alertstate=firing,n=0} ends\n"
		 "12.1 write ALERTS_FOR_STATE{alertname=A,n=0} ends\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

/* spec/rules.md 14.3, 17.2: rules and groups that go or change. */
static void edits(void **state)
{
	static const struct play plays[] = {
		{"a rule taken away: its series end after the group's next iteration",
		 REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}, {record: 'c:d', expr: up}]}]}\n"
		 "5 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'c:d', "
		 "expr: up}]}]}\n"
		 "25 run\n",
		 "2.1 write a:b{n=0} 0\n"
		 "2.1 write c:d{n=0} 0\n"
		 "12.1 write c:d{n=0} 0\n"
		 "12.1 write a:b{n=0} ends\n"
		 "22.1 write c:d{n=0} 0\n"},
		{"another expression: the same rule", REMOTE,
		 "0 backend 2\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 backend 1\n"
		 "5 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up == 1}]}]}\n"
		 "15 run\n",
		 "2.1 write a:b{n=0} 0\n"
		 "2.1 write a:b{n=1} 1\n"
		 "12.1 write a:b{n=0} 0\n"
		 "12.1 write a:b{n=1} ends\n"},
		{"a group taken away: two intervals later, as of when it stopped", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 file r.yml\n"
		 "60 run\n",
		 "2.1 write a:b{n=0} 0\n"
		 "25 write a:b{n=0} ends at 5\n"},
		{"a group renamed: its series go on under the new name", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 file r.yml {groups: [{name: h, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "30 run\n",
		 "2.1 write a:b{n=0} 0\n"
		 "9.6 write a:b{n=0} 0\n"
		 "19.6 write a:b{n=0} 0\n"
		 "29.6 write a:b{n=0} 0\n"},
		{"a stop ends nothing", REMOTE,
		 "0 backend 1\n"
		 "0 file r.yml {groups: [{name: g, interval: 10s, rules: [{record: 'a:b', "
		 "expr: up}]}]}\n"
		 "5 file r.yml\n",
		 "2.1 write a:b{n=0} 0\n"},
	};

	(void)state;
	play_all(plays, COUNT_OF(plays));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recording),
		cmocka_unit_test(alerts),
		cmocka_unit_test(edits),
	};

	return cmocka_run_group_tests_name("written", tests, NULL, NULL);
}
