/* Protobuf bodies become the documents that the same object is as JSON. */
#include "../unit.h"

#include "doc/json.h"
#include "schema/protobuf.h"

static struct arena *arena;

/* ---- a small writer: pieces of bytes, nested by length */

static struct str join(struct str a, struct str b)
{
	char *at = arena_alloc(arena, a.len + b.len + 1);

	memcpy(at, a.at, a.len);
	memcpy(at + a.len, b.at, b.len);
	return (struct str){ at, a.len + b.len };
}

static struct str varint(u64 value)
{
	char *at = arena_alloc(arena, 10);
	size_t len = 0;

	do {
		at[len++] = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
	} while (value);
	return (struct str){ at, len };
}

static struct str number(u32 tag, u64 value)
{
	return join(varint(tag << 3), varint(value));
}

static struct str bytes(u32 tag, struct str inside)
{
	return join(join(varint(tag << 3 | 2), varint(inside.len)), inside);
}

static struct str text(u32 tag, const char *inside)
{
	return bytes(tag, str_of(inside));
}

static struct str envelope(const char *version, const char *kind, struct str raw)
{
	struct str meta = join(text(1, version), text(2, kind));

	return join(STR("k8s\0"), join(bytes(1, meta), bytes(2, raw)));
}

static struct str decoded(struct str body)
{
	struct schema *schema = schema_new();
	struct error error = ERROR_INIT;
	const struct doc *d = NULL;
	enum status status = protobuf_decode(arena, schema, body, &d, &error);

	schema_free(schema);
	return status == ST_OK ? json_text(arena, d) : str_copy(arena, str_of(error.message));
}

static void maps_and_strings(void **state)
{
	(void)state;
	struct str meta = join(text(1, "cm"), bytes(8, number(1, 1767225600)));
	struct str raw = join(bytes(1, meta), bytes(2, join(text(1, "b"), text(2, "ü\n"))));

	raw = join(raw, bytes(2, text(1, "a")));
	raw = join(raw, bytes(3, join(text(1, "bin"), text(2, "foo"))));
	raw = join(raw, number(4, 0));
	assert_str(decoded(envelope("v1", "ConfigMap", raw)),
		   "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"cm\","
		   "\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},\"data\":{\"b\":\"ü\\n\","
		   "\"a\":\"\"},\"binaryData\":{\"bin\":\"Zm9v\"},\"immutable\":false}");
}

static void numbers_inlines_and_scalars_of_kubernetes(void **state)
{
	(void)state;
	struct str probe = join(bytes(1, bytes(2, bytes(2, join(number(1, 1), text(3, "http"))))),
				number(2, 0));
	struct str limits = bytes(1, join(text(1, "cpu"), bytes(2, text(1, "1000m"))));
	struct str container = join(text(1, "c"), join(bytes(8, limits), bytes(10, probe)));
	struct str volume = join(text(1, "v"), bytes(2, bytes(2, STR(""))));
	struct str spec = join(bytes(1, volume), join(bytes(2, container), number(4, 0)));

	spec = join(spec, number(25, (u64)-7));
	assert_str(decoded(envelope("v1", "Pod", bytes(2, spec))),
		   "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"spec\":{\"volumes\":[{\"name\":\"v\","
		   "\"emptyDir\":{}}],\"containers\":[{\"name\":\"c\",\"resources\":{\"limits\":{"
		   "\"cpu\":\"1\"}},\"livenessProbe\":{\"httpGet\":{\"port\":\"http\"}}}],"
		   "\"terminationGracePeriodSeconds\":0,\"priority\":-7}}");
}

static void options_come_under_any_version(void **state)
{
	(void)state;
	assert_str(decoded(envelope("policy/v1", "DeleteOptions", number(1, 5))),
		   "{\"apiVersion\":\"policy/v1\",\"kind\":\"DeleteOptions\","
		   "\"gracePeriodSeconds\":5}");
}

static void broken_bodies_get_one_sentence(void **state)
{
	(void)state;
	struct str pod = envelope("v1", "Pod", bytes(2, text(10, "node")));

	assert_str(decoded(envelope("v9", "Thing", STR(""))),
		   "no kind \"Thing\" is registered for version \"v9\"");
	for (size_t len = 0; len < pod.len; len++) {
		struct str cut = str_copy(arena, str_part(pod, 0, len));

		decoded(cut); /* must not read past its end; the sanitizers look */
	}
	assert_str(decoded(envelope("v1", "Pod", text(2, "\xff"))),
		   "the protobuf body cannot be read: it is cut off");
	assert_str(decoded(envelope("v1", "Pod", bytes(2, text(10, "\xff")))),
		   "the protobuf body cannot be read: a string is not UTF-8");
	assert_str(decoded(envelope("v1", "Pod", bytes(2, number(10, 1)))),
		   "the protobuf body cannot be read: a field has another type than its number "
		   "says");
}

static int arena_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int arena_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_and_strings),
		cmocka_unit_test(numbers_inlines_and_scalars_of_kubernetes),
		cmocka_unit_test(options_come_under_any_version),
		cmocka_unit_test(broken_bodies_get_one_sentence),
	};
	return cmocka_run_group_tests(tests, arena_up, arena_down);
}
