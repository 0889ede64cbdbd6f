#include "base/base.h"
#include "net/clock.h"
#include "tocsind/daemon.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/stat.h>

#ifdef __x86_64__
#define MACHINE "amd64"
#elif defined(__aarch64__)
#define MACHINE "arm64"
#else
#define MACHINE "other"
#endif

/* In the lines that Alertmanager has; who built it and when is not in the program, so that
 * each build is the same. */
static void print_version(void)
{
	puts("tocsind, version " VERSION " (branch: , revision: )\n"
	     "  build user:       \n"
	     "  build date:       \n"
	     "  go version:       none, compiled by cc " __VERSION__ "\n"
	     "  platform:         linux/" MACHINE "\n"
	     "  tags:             ");
}

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
	} else if (flags.help_man) {
		flags_print_manual();
		code = 0;
	} else if (flags.version) {
		print_version();
		code = 0;
	} else {
		umask(027); /* silences and labels are not for everybody to read */
		mallopt(M_ARENA_MAX, 1); /* what one thread frees another may use */
		log_start(flags.log_level, flags.log_format, clock_wall);
		code = daemon_run(&flags);
	}
	arena_free(&mem);
	return code;
}
