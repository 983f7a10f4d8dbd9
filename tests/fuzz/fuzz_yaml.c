/* What YAML gives must be JSON, print as YAML, and read back the same. */
#include <stdint.h>

#include "base/check.h"
#include "doc/json.h"
#include "doc/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PRINTED_BYTES_MAX = 1 << 20 }; /* aliases print in full */

static void check_document(struct arena *arena, const struct doc *d)
{
	struct buffer out = BUFFER_INIT(PRINTED_BYTES_MAX);
	const struct doc *again;

	if (json_size(d) < PRINTED_BYTES_MAX) {
		CHECK(json_parse(arena, json_text(arena, d), &again, NULL) == ST_OK);
		CHECK(doc_eq(d, again));
		if (yaml_print(&out, d)) {
			CHECK(yaml_parse(arena, buffer_str(&out), &again, NULL, 0, NULL, NULL) ==
			      ST_OK);
		}
	}
	buffer_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct str text = { (const char *)data, size }, duplicates[4];
	struct yaml_documents documents;
	const struct doc *first;
	u32 count;

	if (yaml_parse_all(arena, text, &documents, NULL) == ST_OK)
		for (u32 i = 0; i < documents.items.len; i++)
			check_document(arena, documents.items.at[i].doc);
	(void)!yaml_parse(arena, text, &first, duplicates, ARRAY_LEN(duplicates), &count, NULL);
	arena_free(arena);
	return 0;
}
