/* One table of function pointers, filled by name. */
#include "node/archive.h"

#include <dlfcn.h>

enum status archive_load(const struct archive_library **ret_library, struct error *error)
{
	static struct archive_library library;
	static void *handle;

	if (!handle) {
		void *opened = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);

		if (!opened)
			return fail(error, ST_UNAVAILABLE, "loading libarchive: %s", dlerror());
#define X(name)                                                                                    \
	if (!(*(void **)&library.name = dlsym(opened, #name)))                                     \
		return fail(error, ST_UNAVAILABLE, "libarchive has no " #name);
		ARCHIVE_FUNCTIONS(X)
#undef X
		handle = opened;
	}
	*ret_library = &library;
	return ST_OK;
}
