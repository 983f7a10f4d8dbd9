/* One table of function pointers, filled by name. */
#include "node/curl.h"

#include <dlfcn.h>

enum status curl_load(const struct curl_library **ret_library, struct error *error)
{
	static struct curl_library library;
	static void *handle;

	if (!handle) {
		void *opened = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

		if (!opened)
			return fail(error, ST_UNAVAILABLE, "loading libcurl: %s", dlerror());
#define X(name)                                                                                    \
	if (!(*(void **)&library.name = dlsym(opened, #name)))                                     \
		return fail(error, ST_UNAVAILABLE, "libcurl has no " #name);
		CURL_FUNCTIONS(X)
#undef X
		if (library.curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
			return fail(error, ST_UNAVAILABLE, "libcurl does not start");
		handle = opened;
	}
	*ret_library = &library;
	return ST_OK;
}
