/*
 * A protobuf body from a stranger. What can be read is decoded as the server would; what is written
 * from it must read back as the same object.
 */
#include <stdint.h>

#include "base/check.h"
#include "doc/json.h"
#include "schema/decode.h"
#include "schema/protobuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES_MAX = 64 << 20 };

static void read_back(struct arena *arena, const struct schema *schema, const struct doc *object)
{
	struct buffer wire = BUFFER_INIT(BYTES_MAX), again = BUFFER_INIT(BYTES_MAX);
	struct error error = ERROR_INIT;
	const struct doc *back;

	if (protobuf_encode(&wire, arena, object)) {
		CHECK(protobuf_decode(arena, schema, buffer_str(&wire), &back, &error) == ST_OK);
		/* An empty list or map is nothing on the wire; after that nothing more is lost. */
		CHECK(protobuf_encode(&again, arena, back));
		CHECK(str_eq(buffer_str(&wire), buffer_str(&again)));
	}
	buffer_release(&wire);
	buffer_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct schema *schema;
	struct arena *arena = arena_new(0);
	struct str body = { (const char *)data, size };
	struct error error = ERROR_INIT;
	const struct doc *object;

	if (!schema)
		schema = schema_new();
	if (protobuf_decode(arena, schema, body, &object, &error) == ST_OK) {
		const struct api_kind *kind = schema_find_kind(
			schema, doc_at_str(object, "apiVersion"), doc_at_str(object, "kind"));

		(void)json_text(arena, object);
		error_clear(&error);
		if (kind &&
		    schema_decode(arena, schema, kind, object, &object, NULL, &error) == ST_OK)
			read_back(arena, schema, object);
	}
	arena_free(arena);
	return 0;
}
