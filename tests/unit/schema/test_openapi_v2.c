/* The OpenAPI v2 protobuf: well formed to the last byte, nothing dangles. */
#include "../unit.h"

#include "base/map.h"
#include "schema/openapi_v2.h"
#include "schema/openapi_v3.h"

struct world {
	struct arena *arena;
	struct schema *schema;
	struct buffer bytes;
	struct map definitions;
};

struct field { /* one field of a message */
	u32 number, wire;
	u64 value;
	struct str bytes;
};

static u64 take_varint(struct str *rest)
{
	u64 value = 0;

	for (u32 shift = 0; shift < 64; shift += 7) {
		assert_true(rest->len > 0);
		u8 byte = (u8)rest->at[0];

		*rest = str_from(*rest, 1);
		value |= (u64)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
	fail_msg("a number does not end");
	return 0;
}

static bool take_field(struct str *rest, struct field *f)
{
	if (rest->len == 0)
		return false;
	u64 tag = take_varint(rest);

	*f = (struct field){ .number = (u32)(tag >> 3), .wire = tag & 7 };
	if (f->wire == 0) {
		f->value = take_varint(rest);
		return true;
	}
	assert_int_equal(f->wire, 2);
	u64 len = take_varint(rest);
	assert_true(len <= rest->len);
	f->bytes = str_part(*rest, 0, len);
	*rest = str_from(*rest, len);
	return true;
}

/* The first field of that number, or an empty one. */
static struct field find_field(struct str message, u32 number)
{
	struct field f;

	while (take_field(&message, &f))
		if (f.number == number)
			return f;
	return (struct field){ 0 };
}

static int setup(void **state)
{
	static struct world world;
	struct str rest, definitions;
	struct field f;

	world = (struct world){ arena_new(0), schema_new(), BUFFER_INIT(OPENAPI_BYTES_MAX), { 0 } };
	assert_true(openapi_v2_protobuf(&world.bytes, world.schema));
	rest = buffer_str(&world.bytes);
	definitions = find_field(rest, 9).bytes;
	while (take_field(&definitions, &f)) {
		assert_int_equal(f.number, 1);
		struct str *schema = ARENA_NEW(world.arena, struct str);

		*schema = find_field(f.bytes, 2).bytes;
		assert_null(map_put(&world.definitions, find_field(f.bytes, 1).bytes, schema));
	}
	*state = &world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	map_release(&world->definitions);
	buffer_release(&world->bytes);
	schema_free(world->schema);
	arena_free(world->arena);
	return 0;
}

static void the_document_decodes_to_the_last_byte(void **state)
{
	struct world *world = *state;
	struct str rest = buffer_str(&world->bytes);
	struct field f;
	u32 fields = 0;

	while (take_field(&rest, &f))
		fields++;
	assert_int_equal(fields, 4);
	assert_str(find_field(buffer_str(&world->bytes), 1).bytes, "2.0");
	assert_true(world->definitions.len > 250);
}

static void every_reference_has_its_definition(void **state)
{
	struct world *world = *state;
	struct str rest = buffer_str(&world->bytes), prefix = STR("#/definitions/");
	u32 references = 0;
	i64 at;

	while ((at = str_find(rest, prefix)) > 0) {
		u8 len = (u8)rest.at[at - 1];
		struct str name = str_part(rest, (size_t)at + prefix.len, len - prefix.len);

		if (!map_get(&world->definitions, name))
			fail_msg("nothing is called " STR_FMT, STR_ARG(name));
		rest = str_from(rest, (size_t)at + len);
		references++;
	}
	assert_true(references > 500);
}

/* The value of a property's vendor extension, as YAML. */
static struct str extension_of(struct str schema, struct str property, struct str extension)
{
	struct str properties = find_field(schema, 25).bytes;
	struct field f, e;

	while (take_field(&properties, &f)) {
		if (!str_eq(find_field(f.bytes, 1).bytes, property))
			continue;
		struct str value = find_field(f.bytes, 2).bytes;

		while (take_field(&value, &e))
			if (e.number == 31 && str_eq(find_field(e.bytes, 1).bytes, extension))
				return find_field(find_field(e.bytes, 2).bytes, 2).bytes;
	}
	return STR_NONE;
}

static void patch_keys_are_where_clients_look(void **state)
{
	struct world *world = *state;
	struct str *spec = map_get(&world->definitions, STR("io.k8s.api.core.v1.PodSpec"));

	assert_non_null(spec);
	assert_str(extension_of(*spec, STR("containers"), STR("x-kubernetes-patch-merge-key")),
		   "name");
	assert_str(extension_of(*spec, STR("volumes"), STR("x-kubernetes-patch-strategy")),
		   "merge,retainKeys");
	assert_str(find_field(*spec, 19).bytes, "containers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_decodes_to_the_last_byte),
		cmocka_unit_test(every_reference_has_its_definition),
		cmocka_unit_test(patch_keys_are_where_clients_look),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
