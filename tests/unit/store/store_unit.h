/* What the store's tests share: a few kinds, a clock that is set by hand, small objects. */
#ifndef TESTS_UNIT_STORE_H
#define TESTS_UNIT_STORE_H

#include "../unit.h"

#include "doc/json.h"
#include "store/log_memory.h"
#include "store/store.h"
#include "store/watch.h"

enum { PODS = 1, CONFIGS, LEASES, TEST_KINDS };

static const struct store_kind test_kinds[TEST_KINDS] = {
	[PODS] = { .name = STR_INIT("pods"), .pods = true },
	[CONFIGS] = { .name = STR_INIT("configmaps") },
	[LEASES] = { .name = STR_INIT("leases.coordination.k8s.io"), .lazy = true },
};

static i64 test_now_ns;

static i64 test_clock_read(void *self)
{
	(void)self;
	return test_now_ns;
}

static const struct clock test_clock = { test_clock_read, test_clock_read, NULL };

static inline struct store *test_store(struct log *log)
{
	struct store *store = store_new_kinds(test_kinds, TEST_KINDS, log, &test_clock);
	struct error error = ERROR_INIT;

	assert_int_equal(store_open(store, &error), ST_OK);
	return store;
}

/* {"metadata":{"name":…,"namespace":…},"data":text} */
static inline const struct doc *test_object(struct arena *arena, const char *namespace,
					    const char *name, const char *text)
{
	const struct doc *doc = doc_set_str(arena, NULL, "metadata.name", str_of(name));

	if (*namespace)
		doc = doc_set_str(arena, doc, "metadata.namespace", str_of(namespace));
	return doc_set_str(arena, doc, "data", str_of(text));
}

/* Puts such an object; the version is borrowed. */
static inline struct version *test_put(struct store *store, kind_id kind, const char *namespace,
				       const char *name, const char *text)
{
	struct arena *arena = arena_new(0);
	struct version *version;
	struct error error = ERROR_INIT;

	assert_int_equal(store_put(store, kind, str_of(namespace), str_of(name),
				   test_object(arena, namespace, name, text), &version, &error),
			 ST_OK);
	arena_free(arena);
	return version;
}

static inline void test_remove(struct store *store, kind_id kind, const char *namespace,
			       const char *name)
{
	struct error error = ERROR_INIT;

	assert_int_equal(store_remove(store, kind, str_of(namespace), str_of(name), NULL, NULL,
				      &error),
			 ST_OK);
}

/* The object's data, or "-" when it is not there. */
static inline struct str test_data(struct store *store, kind_id kind, const char *namespace,
				   const char *name)
{
	struct version *version = store_get(store, kind, str_of(namespace), str_of(name));

	return version ? doc_at_str(version->doc, "data") : STR("-");
}

#endif
