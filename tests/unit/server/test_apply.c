/* Server-side apply: who says what, who loses it, and who is in whose way. */
#include "harness.h"

#define CONFIG_MAPS "/api/v1/namespaces/default/configmaps"
#define DEPLOYMENTS "/apis/apps/v1/namespaces/default/deployments"

static const struct doc *apply(int code, const char *target, const char *body)
{
	sends = "application/apply-patch+yaml";
	const struct doc *result = ask_ok(code, "PATCH", target, body);
	sends = NULL;
	return result;
}

#define MAP_HEAD "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n"

static void makes_merges_and_takes_back(void **state)
{
	(void)state;
	const struct doc *d, *again;

	d = apply(201, CONFIG_MAPS "/c?fieldManager=me", MAP_HEAD "  a: one\n  b: two\n");
	assert_string_equal(text_of(doc_at(d, "metadata.managedFields.0.fieldsV1")),
			    "{\"f:data\":{\"f:a\":{},\"f:b\":{}}}");
	assert_str(doc_at_str(d, "metadata.managedFields.0.manager"), "me");
	again = apply(200, CONFIG_MAPS "/c?fieldManager=me", MAP_HEAD "  a: one\n  b: two\n");
	assert_true(doc_eq(d, again)); /* saying the same twice writes once */
	apply(200, CONFIG_MAPS "/c?fieldManager=other", MAP_HEAD "  c: three\n  b: two\n");
	d = apply(200, CONFIG_MAPS "/c?fieldManager=me", MAP_HEAD "  a: 'four'\n");
	/* b is still said by the other. */
	assert_string_equal(text_of(doc_key(d, "data")),
			    "{\"a\":\"four\",\"b\":\"two\",\"c\":\"three\"}");
	d = apply(200, CONFIG_MAPS "/c?fieldManager=other", MAP_HEAD "  c: three\n");
	assert_string_equal(text_of(doc_key(d, "data")), "{\"a\":\"four\",\"c\":\"three\"}");
}

static void conflicts_name_the_field_and_the_manager(void **state)
{
	(void)state;
	const struct doc *d;

	apply(201, CONFIG_MAPS "/c?fieldManager=me", MAP_HEAD "  a: one\n");
	sends = "application/apply-patch+yaml";
	d = ask_fails(409, "Conflict",
		      "Apply failed with 1 conflict: conflict with \"me\": .data.a", "PATCH",
		      CONFIG_MAPS "/c?fieldManager=other", MAP_HEAD "  a: two\n");
	assert_str(doc_at_str(d, "details.causes.0.reason"), "FieldManagerConflict");
	assert_str(doc_at_str(d, "details.causes.0.field"), ".data.a");
	d = apply(200, CONFIG_MAPS "/c?fieldManager=other&force=true", MAP_HEAD "  a: two\n");
	assert_str(doc_at_str(d, "data.a"), "two");
	assert_int_equal(doc_len(doc_at(d, "metadata.managedFields")), 1);
	assert_str(doc_at_str(d, "metadata.managedFields.0.manager"), "other");
}

static const char deployment[] =
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n"
	"  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n"
	"    spec:\n      containers:\n      - {name: a, image: 'i:1', ports: [{containerPort: "
	"80}]}\n"
	"%s";

static void lists_are_told_apart_by_their_keys(void **state)
{
	(void)state;
	const char *both = str_format(arena, deployment, "      - {name: b, image: 'i:2'}\n").at;
	const char *one = str_format(arena, deployment, "").at;
	const struct doc *d = apply(201, DEPLOYMENTS "/web?fieldManager=k", both);
	const struct doc *set = doc_at(d, "metadata.managedFields.0.fieldsV1.f:spec.f:template."
					  "f:spec.f:containers");

	assert_non_null(doc_get(set, STR("k:{\"name\":\"b\"}")));
	assert_non_null(
		strstr(text_of(set), "k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}"));
	d = apply(200, DEPLOYMENTS "/web?fieldManager=k", one);
	assert_int_equal(doc_len(doc_at(d, "spec.template.spec.containers")), 1);
	assert_int_equal(doc_at_int(d, "metadata.generation", 0), 2);
	/* What others add by plain patches stays. */
	sends = "application/strategic-merge-patch+json";
	ask_ok(200, "PATCH", DEPLOYMENTS "/web",
	       "{\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"side\",\"image\":"
	       "\"s\"}]}}}}");
	d = apply(200, DEPLOYMENTS "/web?fieldManager=k", one);
	assert_int_equal(doc_len(doc_at(d, "spec.template.spec.containers")), 2);
	/* A status is applied through its own address. */
	d = apply(200, DEPLOYMENTS "/web/status?fieldManager=s",
		  "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: "
		  "9}\nstatus: {replicas: 1}\n");
	assert_int_equal(doc_at_int(d, "status.replicas", 0), 1);
	assert_int_equal(doc_at_int(d, "spec.replicas", 0), 2);
	assert_int_equal(doc_len(doc_at(d, "metadata.managedFields")), 3);
}

static void plain_writes_are_managers_too(void **state)
{
	(void)state;
	const struct doc *d;

	d = ask_ok(201, "POST", CONFIG_MAPS "?fieldManager=a",
		   "{\"metadata\":{\"name\":\"c\",\"labels\":{\"l\":\"m\"}},\"data\":{\"x\":\"1\","
		   "\"y\":\"2\"}}");
	assert_string_equal(text_of(doc_at(d, "metadata.managedFields")),
			    "[{\"manager\":\"a\",\"operation\":\"Update\",\"apiVersion\":\"v1\","
			    "\"time\":\"2023-11-14T22:13:20Z\",\"fieldsType\":\"FieldsV1\","
			    "\"fieldsV1\":{\"f:metadata\":{\"f:labels\":{\"f:l\":{},\".\":{}}},"
			    "\"f:data\":{\"f:x\":{},\"f:y\":{},\".\":{}}}}]");
	/* What another one changes is his, what he removes is nobody's. */
	sends = "application/merge-patch+json";
	d = ask_ok(200, "PATCH", CONFIG_MAPS "/c?fieldManager=b",
		   "{\"data\":{\"x\":\"3\",\"y\":null,\"z\":\"4\"}}");
	assert_string_equal(text_of(doc_at(d, "metadata.managedFields.0.fieldsV1.f:data")),
			    "{\".\":{}}");
	assert_string_equal(text_of(doc_at(d, "metadata.managedFields.1.fieldsV1")),
			    "{\"f:data\":{\"f:x\":{},\"f:z\":{}}}");
	/* They are in the way of who applies something else. */
	sends = "application/apply-patch+yaml";
	ask_fails(409, "Conflict",
		  "Apply failed with 1 conflict: conflict with \"b\" using v1: .data.x", "PATCH",
		  CONFIG_MAPS "/c?fieldManager=me", MAP_HEAD "  x: two\n");
	for (u32 i = 0; i < 14; i++) {
		sends = "application/merge-patch+json";
		d = ask_ok(200, "PATCH", str_format(arena, CONFIG_MAPS "/c?fieldManager=m%u", i).at,
			   str_format(arena, "{\"data\":{\"k%u\":\"v\"}}", i).at);
	}
	assert_int_equal(doc_len(doc_at(d, "metadata.managedFields")), 10);
	assert_str(doc_at_str(d, "metadata.managedFields.0.manager"), "ancient-changes");
}

static void refuses_what_is_no_application(void **state)
{
	(void)state;
	apply(422, CONFIG_MAPS "/c", MAP_HEAD "  a: one\n"); /* nobody says it */
	apply(400, CONFIG_MAPS "/c?fieldManager=m", "data: {a: b}\n");
	apply(400, CONFIG_MAPS "/d?fieldManager=m", MAP_HEAD "  a: one\n");
	apply(400, CONFIG_MAPS "/c?fieldManager=m&fieldValidation=Strict",
	      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndota: {}\n");
	apply(201, CONFIG_MAPS "/c?fieldManager=m&dryRun=All", MAP_HEAD "  a: one\n");
	ask_ok(404, "GET", CONFIG_MAPS "/c", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(makes_merges_and_takes_back),
		cluster_test(conflicts_name_the_field_and_the_manager),
		cluster_test(lists_are_told_apart_by_their_keys),
		cluster_test(plain_writes_are_managers_too),
		cluster_test(refuses_what_is_no_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
