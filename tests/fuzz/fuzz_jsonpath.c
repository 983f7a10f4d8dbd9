/* A template, a line end, a document: evaluation ends within its limits whatever the two are. */
#include <stdint.h>

#include "base/check.h"
#include "doc/json.h"
#include "doc/jsonpath.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char sample[] = "{\"items\":[{\"a\":1,\"b\":\"x\"},{\"a\":2.5,\"c\":[1,2,[3]]}],"
			     "\"m\":{\"x.y\":null,\"t\":true}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct buffer out = BUFFER_INIT(1 << 16);
	struct str rest = { (const char *)data, size }, text = str_cut(&rest, '\n');
	struct jsonpath_results results;
	struct jsonpath *path;
	const struct doc *d;

	if (json_parse(arena, rest, &d, NULL) != ST_OK)
		CHECK(json_parse(arena, str_of(sample), &d, NULL) == ST_OK);
	if (jsonpath_parse(arena, text, &path, NULL) == ST_OK) {
		(void)!jsonpath_print(arena, path, d, true, &out, NULL);
		(void)!jsonpath_find(arena, path, d, false, &results, NULL);
	}
	(void)!jsonpath_parse_relaxed(arena, text, &path, NULL);
	buffer_release(&out);
	arena_free(arena);
	return 0;
}
