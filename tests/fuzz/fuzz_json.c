/* Whatever parses must print, parse again to the same, and agree between strict and plain parsing.
 */
#include <stdint.h>

#include "base/check.h"
#include "doc/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct str text = { (const char *)data, size }, duplicates[4];
	const struct doc *d, *again, *strict;
	u32 count;
	enum status status = json_parse(arena, text, &d, NULL);

	CHECK(json_parse_strict(arena, text, &strict, duplicates, ARRAY_LEN(duplicates), &count,
				NULL) == status);
	if (status == ST_OK) {
		struct str printed = json_text(arena, d);

		CHECK(printed.len == json_size(d));
		CHECK(json_parse_in_place(arena, printed, &again, NULL) == ST_OK);
		CHECK(doc_eq(d, again) && doc_eq(d, strict));
	}
	arena_free(arena);
	return 0;
}
