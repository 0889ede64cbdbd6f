#include "base/base.h"
#include "net/clock.h"
#include "tocsind/daemon.h"

#include <stdio.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
	struct arena mem = {0};
	struct flags flags;
	struct err err;
	int code;

	if (!flags_parse(&mem, argc, argv, &flags, &err)) {
		fprintf(stderr, "tocsind: error: %s, try --help\n", err_text(&mem, &err));
		code = 1;
	} else if (flags.help) {
		flags_print_help();
		code = 0;
	} else if (flags.version) {
		printf("tocsind, version " VERSION " (branch: , revision: )\n");
		code = 0;
	} else {
		umask(027); /* silences and labels are not for everybody to read */
		log_start(flags.log_level, flags.log_format, clock_wall);
		code = daemon_run(&flags);
	}
	arena_free(&mem);
	return code;
}
