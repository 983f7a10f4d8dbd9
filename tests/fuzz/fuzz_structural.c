/*
 * A structural schema, a line end, an object: whatever the two are, pruning, defaults and
 * validation come to an end, and what is pruned needs no more pruning. A string in place of the
 * schema is a pattern.
 */
#include <stdint.h>

#include "base/check.h"
#include "doc/json.h"
#include "schema/pattern.h"
#include "schema/structural.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_fine(struct arena *arena, const struct doc *shape)
{
	struct violations violations = { 0 };
	struct check c = { .arena = arena, .violations = &violations };

	structural_check(&c, shape);
	return violations.len == 0;
}

static void use(struct arena *arena, const struct doc *shape, const struct doc *object)
{
	struct field_problems problems = { 0 }, none = { 0 };
	struct violations violations = { 0 };
	struct check c = { .arena = arena, .violations = &violations };
	const struct doc *pruned = structural_prune(arena, shape, object, &problems);

	CHECK(doc_eq(structural_prune(arena, shape, pruned, &none), pruned));
	CHECK(none.len == 0);
	object = structural_default(arena, shape, pruned);
	structural_validate(&c, shape, object, NULL);
	violations = (struct violations){ 0 };
	structural_validate(&c, shape, object, object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct str rest = { (const char *)data, size }, text = str_cut(&rest, '\n');
	struct error error = ERROR_INIT;
	const struct doc *shape, *object;

	if (rest.at && json_parse(arena, text, &shape, NULL) == ST_OK) {
		if (shape->type == DOC_STRING) {
			if (pattern_check(arena, doc_str(shape), &error) == ST_OK)
				(void)pattern_matches(arena, doc_str(shape), rest);
		} else if (json_parse(arena, rest, &object, NULL) == ST_OK &&
			   object->type == DOC_OBJECT && is_fine(arena, shape)) {
			use(arena, shape, object);
		}
	}
	arena_free(arena);
	return 0;
}
