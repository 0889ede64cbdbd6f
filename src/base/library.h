/* library.h - libraries that are loaded by the first who needs them.
 *
 * Some bring more along than all the rest of an idle daemon takes: libcurl thirty libraries
 * (4 ms, 4 MB), OpenSSL (3 ms, 4 MB), snappy the runtime of C++ (1 MB). The programs are
 * not linked with those. A file for each lists the functions there are; once its ..._load
 * has said true, they are called by their own names.
 *
 * Whoever can tell somebody asks ..._load first. A call without it loads the library, too,
 * and ends the program when it cannot: as if it were linked, only later.
 *
 * Threads: any.
 */
#pragma once
#include "base/err.h"

struct library_function {
	const char *name;
	void *pointer; /* to the pointer to it */
};
struct library {
	const char *file; /* "libcrypto.so.3" */
	const struct library_function *functions;
	size_t n;
	bool (*start)(struct err *); /* what it wants before all else; NULL: nothing */
	bool is_loaded;
};

/* Often is harmless. False and err: it is not there, or does not fit; a later call tries
 * again. */
bool library_load(struct library *, struct err *) MUST_USE;
/* The same for who cannot go on without. */
void library_need(struct library *);

/* For a list FUNCTIONS of _(result, name, parameters, arguments): the members of a struct
 * of pointers, their entries in library.functions, and functions that call them. Hidden, so
 * that calls of the libraries among themselves do not come here. */
#define LIBRARY_HIDDEN					     __attribute__((visibility("hidden")))
#define LIBRARY_POINTER(result, name, parameters, arguments) __typeof__(name) *name;
#define LIBRARY_ENTRY(result, name, parameters, arguments)   {#name, &called.name},
#define LIBRARY_FORWARD(result, name, parameters, arguments)                               \
	LIBRARY_HIDDEN result name parameters                                              \
	{                                                                                  \
		library_need(&library);                                                    \
		return called.name arguments;                                              \
	}
