#include "base/base.h"
#include "base/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

/* To a pointer to a function; C has no cast for that. */
static bool find(void *handle, const struct library_function *f)
{
	void *found = dlsym(handle, f->name);

	memcpy(f->pointer, &found, sizeof(found));
	return found;
}

static bool find_all(const struct library *l, void *handle)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!find(handle, &l->functions[i]))
			return false;
	}
	return true;
}

static bool load(struct library *l, struct err *err)
{
	void *handle = dlopen(l->file, RTLD_NOW);

	if (!handle || !find_all(l, handle))
		err_set(err, NOWHERE, "%s cannot be loaded: %s", l->file, dlerror());
	else if (!l->start || l->start(err))
		__atomic_store_n(&l->is_loaded, true, __ATOMIC_RELEASE);
	if (handle && !l->is_loaded)
		dlclose(handle);
	return l->is_loaded;
}

bool library_load(struct library *l, struct err *err)
{
	static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
	bool ok;

	if (__atomic_load_n(&l->is_loaded, __ATOMIC_ACQUIRE))
		return true;
	pthread_mutex_lock(&one_at_a_time);
	ok = l->is_loaded || load(l, err);
	pthread_mutex_unlock(&one_at_a_time);
	return ok;
}

void library_need(struct library *l)
{
	struct err err;

	if (!library_load(l, &err))
		BUG("%s", err.text);
}
