/* What every unit test starts with: cmocka's headers in the order they need, and slices to compare.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's fail() stands in the way of base/error.h's. */
#undef fail
#undef fail_msg
#define fail_msg(...)                                                                              \
	do {                                                                                       \
		print_error(__VA_ARGS__);                                                          \
		print_error("\n");                                                                 \
		_fail(__FILE__, __LINE__);                                                         \
	} while (0)

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

/* Compares a slice with a C string and shows both when they differ. */
#define assert_str(slice, expected)                                                                \
	do {                                                                                       \
		struct str assert_slice = (slice);                                                 \
		struct arena *assert_arena = arena_new(0);                                         \
		assert_string_equal(str_c(assert_arena, assert_slice), (expected));                \
		arena_free(assert_arena);                                                          \
	} while (0)

#endif
