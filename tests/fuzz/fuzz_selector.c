/* A selector as text, a line end, labels as JSON: what is parsed prints, and the print means the
 * same. */
#include <stdint.h>

#include "base/check.h"
#include "doc/json.h"
#include "schema/selector.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_labels(struct arena *arena, struct str text, const struct doc *labels)
{
	struct error error = ERROR_INIT;
	struct selector *selector, *again;

	if (selector_parse(arena, text, &selector, &error) != ST_OK)
		return;
	struct str print = selector_print(arena, selector);

	CHECK(selector_parse(arena, print, &again, &error) == ST_OK);
	CHECK(str_eq(selector_print(arena, again), print));
	CHECK(selector_matches(selector, labels) == selector_matches(again, labels));
	for (u32 i = 0; i < selector->len; i++)
		(void)selector_wanted(selector, selector->at[i].key);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct str rest = { (const char *)data, size }, text = str_cut(&rest, '\n');
	struct field_selector *fields;
	struct selector *selector;
	const struct doc *d = &doc_empty_object;

	if (rest.at && json_parse(arena, rest, &d, NULL) != ST_OK)
		d = &doc_empty_object;
	try_labels(arena, text, d);
	if (field_selector_parse(arena, &api_kinds[KIND_Pod], text, &fields, NULL) == ST_OK)
		(void)field_selector_matches(fields, d);
	if (selector_from_doc(arena, d, &selector, NULL) == ST_OK)
		(void)selector_print(arena, selector);
	if (selector_from_node_terms(arena, d, &selector, NULL) == ST_OK)
		(void)selector_matches(selector, d);
	arena_free(arena);
	return 0;
}
