/* One table of function pointers, filled by name. */
#include "network/ldns.h"

#include <dlfcn.h>

#include "base/log.h"
#include "base/types.h"

static bool fill(void *opened, struct ldns_library *library)
{
#define X(name)                                                                                    \
	if (!(*(void **)&library->name = dlsym(opened, #name)))                                    \
		return false;
	LDNS_FUNCTIONS(X)
#undef X
	return true;
}

const struct ldns_library *ldns_load(void)
{
	static struct ldns_library library;
	static enum { UNTRIED, LOADED, MISSING } state;

	if (state == UNTRIED) {
		void *opened = dlopen("libldns.so.3", RTLD_NOW | RTLD_LOCAL);

		state = opened && fill(opened, &library) ? LOADED : MISSING;
		if (state == MISSING)
			log_error("dns", "names cannot be answered: libldns: %s",
				  opened ? "it lacks functions" : dlerror());
	}
	return state == LOADED ? &library : NULL;
}
