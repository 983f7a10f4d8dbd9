/* libcurl, loaded when first used: only the child that pulls images ever needs it. */
#ifndef NODE_CURL_H
#define NODE_CURL_H

#include <curl/curl.h>

#include "base/error.h"

/* curl.h checks types of options with macros that want the real functions. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define CURL_FUNCTIONS(X)                                                                          \
	X(curl_global_init)                                                                        \
	X(curl_easy_init)                                                                          \
	X(curl_easy_cleanup)                                                                       \
	X(curl_easy_reset)                                                                         \
	X(curl_easy_setopt)                                                                        \
	X(curl_easy_getinfo)                                                                       \
	X(curl_easy_pause)                                                                         \
	X(curl_easy_perform)                                                                       \
	X(curl_easy_strerror)                                                                      \
	X(curl_easy_escape)                                                                        \
	X(curl_free)                                                                               \
	X(curl_slist_append)                                                                       \
	X(curl_slist_free_all)                                                                     \
	X(curl_multi_init)                                                                         \
	X(curl_multi_cleanup)                                                                      \
	X(curl_multi_add_handle)                                                                   \
	X(curl_multi_remove_handle)                                                                \
	X(curl_multi_perform)                                                                      \
	X(curl_multi_poll)                                                                         \
	X(curl_multi_info_read)

struct curl_library {
#define X(name) __typeof__(&(name)) name;
	CURL_FUNCTIONS(X)
#undef X
};

/* Loads and starts it at the first call. ST_UNAVAILABLE: not installed. */
MUST_USE enum status curl_load(const struct curl_library **ret_library, struct error *error);

#endif
