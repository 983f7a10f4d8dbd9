/* The few words every file speaks: sized integers, attributes, small arithmetic. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(text, first) __attribute__((format(printf, text, first)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define CLEANUP(function) __attribute__((cleanup(function)))
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* <sys/param.h>, which some system headers bring, has cruder ones. */
#undef MIN
#undef MAX
/* Each use has names of its own, so that one may stand inside another. */
#define TYPES_PASTE(a, b) a##b
#define TYPES_PICK(a, b, order, x, y)                                                              \
	({                                                                                         \
		__auto_type x = (a);                                                               \
		__auto_type y = (b);                                                               \
		x order y ? x : y;                                                                 \
	})
#define TYPES_PICK_AS(a, b, order, n)                                                              \
	TYPES_PICK(a, b, order, TYPES_PASTE(pick_a, n), TYPES_PASTE(pick_b, n))
#define MIN(a, b) TYPES_PICK_AS(a, b, <, __COUNTER__)
#define MAX(a, b) TYPES_PICK_AS(a, b, >, __COUNTER__)

static inline i64 clamp_i64(i64 value, i64 lowest, i64 highest)
{
	return value < lowest ? lowest : value > highest ? highest : value;
}

/* Times are nanoseconds since 1970 (wall) or since boot (monotonic); the name says which. */
#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL
#define MS_PER_S 1000LL

#endif
