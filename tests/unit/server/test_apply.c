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
		      "Apply failed with 1 conflict: conflict with \"me\" using v1: .data.a",
		      "PATCH", CONFIG_MAPS "/c?fieldManager=other", MAP_HEAD "  a: two\n");
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
	assert_int_equal(doc_len(doc_at(d, "metadata.managedFields")), 2);
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
		cluster_test(refuses_what_is_no_application),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
