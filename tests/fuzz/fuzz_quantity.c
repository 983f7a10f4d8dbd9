/* Quantities: what is printed is canonical, means the same, and sums do not overflow. */
#include <stdint.h>

#include "base/check.h"
#include "schema/quantity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_one(struct arena *arena, struct quantity q)
{
	struct str print = quantity_print(arena, q);
	struct quantity back;

	CHECK(quantity_parse(print, &back));
	/* Binary ones are printed without a fraction, rounded up, and some without a suffix: then
	 * they come back as decimal ones. Everything else is as it was. */
	CHECK(q.format == QUANTITY_BINARY || quantity_compare(q, back) == 0);
	CHECK(q.format != back.format || str_eq(quantity_print(arena, back), print));
	(void)quantity_value(q);
	(void)quantity_milli(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct str rest = { (const char *)data, size }, first = str_cut(&rest, '\n');
	struct quantity a, b;

	if (quantity_parse(first, &a)) {
		try_one(arena, a);
		if (rest.at && quantity_parse(rest, &b)) {
			CHECK(quantity_compare(a, b) == -quantity_compare(b, a));
			(void)quantity_print(arena, quantity_add(a, b));
			(void)quantity_print(arena, quantity_subtract(a, b));
		}
	}
	arena_free(arena);
	return 0;
}
