/* Strict decoding: Kubernetes' sentences for what is wrong, and Go's ideas of zero and null. */
#include "../unit.h"

#include <stdio.h>

#include "doc/json.h"
#include "schema/decode.h"

struct fixture {
	struct arena *arena;
	struct field_problems problems;
	struct error error;
	enum status status;
};

/* Decodes and prints back; failures leave their sentence in the fixture. */
static struct str decode(struct fixture *f, const char *kind, const char *text)
{
	struct schema *schema = schema_new();
	const struct api_kind *k = schema_find_kind(schema, STR("v1"), str_of(kind));
	const struct doc *in, *out = NULL;

	k = k ? k : schema_find_kind(schema, STR("apps/v1"), str_of(kind));
	if (f->arena)
		arena_free(f->arena);
	*f = (struct fixture){ .arena = arena_new(0) };
	assert_non_null(k);
	assert_int_equal(json_parse(f->arena, str_of(text), &in, NULL), ST_OK);
	f->status = schema_decode(f->arena, schema, k, in, &out, &f->problems, &f->error);
	schema_free(schema);
	return out ? json_text(f->arena, out) : str_of(f->error.message);
}

static void a_clean_object_comes_back_as_it_is(void **state)
{
	(void)state;
	const char *text =
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"x\"},"
		"\"data\":{\"b\":\"1\",\"a\":\"\"}}";
	struct fixture f = { 0 };

	assert_str(decode(&f, "ConfigMap", text), text);
	assert_int_equal(f.problems.len, 0);
	arena_free(f.arena);
}

static void unknown_fields_are_named_and_dropped(void **state)
{
	(void)state;
	struct fixture f = { 0 };

	assert_str(decode(&f, "Deployment",
			  "{\"spec\":{\"progressDeadlineSecods\":3,\"template\":{\"spec\":{"
			  "\"containers\":[{\"name\":\"a\"},{\"imag\":\"b\",\"zzzzzz\":1}]}}}}"),
		   "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\"},{}]}}}}");
	assert_int_equal(f.problems.len, 3);
	assert_str(f.problems.at[0], "unknown field \"spec.progressDeadlineSecods\"; did you mean "
				     "\"progressDeadlineSeconds\"?");
	assert_str(f.problems.at[1], "unknown field \"spec.template.spec.containers[1].imag\"; did "
				     "you mean \"image\"?");
	assert_str(f.problems.at[2], "unknown field \"spec.template.spec.containers[1].zzzzzz\"");
	arena_free(f.arena);
}

static void the_refusal_reads_as_kubernetes_says_it(void **state)
{
	(void)state;
	struct fixture f = { 0 };
	struct str twice[] = { STR("spec.x") };

	decode(&f, "Pod", "{\"specs\":{}}");
	field_problems_add_duplicates(f.arena, &f.problems, twice, 1);
	assert_int_equal(field_problems_fail(&f.problems, schema_kind(NULL, KIND_Pod), &f.error),
			 ST_BAD_REQUEST);
	assert_string_equal(f.error.message,
			    "Pod in version \"v1\" cannot be handled as a Pod: strict decoding "
			    "error: unknown field \"specs\"; did you mean \"spec\"?, duplicate "
			    "field \"spec.x\"");
	arena_free(f.arena);
}

static void wrong_types_read_like_gos_decoder(void **state)
{
	(void)state;
	static const struct {
		const char *kind, *text, *message;
	} cases[] = {
		{ "Deployment", "{\"spec\":{\"replicas\":\"3\"}}",
		  "json: cannot unmarshal string into Go struct field "
		  "DeploymentSpec.spec.replicas of type int32" },
		{ "Deployment", "{\"spec\":{\"replicas\":1.5}}",
		  "json: cannot unmarshal number 1.5 into Go struct field "
		  "DeploymentSpec.spec.replicas of type int32" },
		{ "Pod", "{\"spec\":{\"containers\":[{\"image\":7}]}}",
		  "json: cannot unmarshal number into Go struct field "
		  "Container.spec.containers.image of type string" },
		{ "Pod", "{\"spec\":{\"containers\":{}}}",
		  "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of "
		  "type []v1.Container" },
		{ "Pod", "{\"spec\":[]}",
		  "json: cannot unmarshal array into Go struct field Pod.spec of type v1.PodSpec" },
		{ "Pod", "{\"metadata\":{\"labels\":{\"a\":true}}}",
		  "json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels.a "
		  "of "
		  "type string" },
		{ "Pod", "{\"metadata\":{\"creationTimestamp\":\"now\"}}",
		  "parsing time \"now\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"now\" as "
		  "\"2006\"" },
		{ "Pod",
		  "{\"spec\":{\"containers\":[{\"resources\":{\"limits\":{\"cpu\":\"x\"}}}]}}",
		  "quantities must match the regular expression "
		  "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'" },
		{ "Secret", "{\"data\":{\"a\":\"YQ\"}}", "illegal base64 data at input byte 0" },
	};
	struct fixture f = { 0 };

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		char message[512];

		snprintf(message, sizeof message,
			 "%s in version \"v1\" cannot be handled as a %s: %s", cases[i].kind,
			 cases[i].kind, cases[i].message);
		assert_str(decode(&f, cases[i].kind, cases[i].text), message);
		assert_int_equal(f.status, ST_BAD_REQUEST);
	}
	arena_free(f.arena);
}

static void null_and_zero_are_absent(void **state)
{
	(void)state;
	struct fixture f = { 0 };

	assert_str(decode(&f, "Pod",
			  "{\"metadata\":{\"name\":\"a\",\"labels\":null,\"annotations\":{}},"
			  "\"spec\":{\"hostNetwork\":false,\"nodeName\":\"\",\"priority\":0,"
			  "\"containers\":[null,{\"args\":[null]}],\"securityContext\":{}}}"),
		   "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"priority\":0,\"containers\":[{},{"
		   "\"args\":[\"\"]}],\"securityContext\":{}}}");
	arena_free(f.arena);
}

static void the_last_of_equal_keys_stays(void **state)
{
	(void)state;
	struct fixture f = { 0 };

	assert_str(decode(&f, "Pod",
			  "{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\","
			  "\"name\":\"b\"}}"),
		   "{\"metadata\":{\"namespace\":\"n\",\"name\":\"b\"}}");
	arena_free(f.arena);
}

static void scalars_take_their_canonical_form(void **state)
{
	(void)state;
	struct fixture f = { 0 };

	assert_str(decode(&f, "Pod",
			  "{\"metadata\":{\"creationTimestamp\":\"2026-01-01T02:00:00+02:00\"},"
			  "\"spec\":{\"containers\":[{\"resources\":{\"limits\":{\"cpu\":1.50,"
			  "\"memory\":\"1024Mi\"}}}]}}"),
		   "{\"metadata\":{\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},\"spec\":{"
		   "\"containers\":[{\"resources\":{\"limits\":{\"cpu\":\"1500m\",\"memory\":"
		   "\"1Gi\"}}}]}}");
	arena_free(f.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_clean_object_comes_back_as_it_is),
		cmocka_unit_test(unknown_fields_are_named_and_dropped),
		cmocka_unit_test(the_refusal_reads_as_kubernetes_says_it),
		cmocka_unit_test(wrong_types_read_like_gos_decoder),
		cmocka_unit_test(null_and_zero_are_absent),
		cmocka_unit_test(the_last_of_equal_keys_stays),
		cmocka_unit_test(scalars_take_their_canonical_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
