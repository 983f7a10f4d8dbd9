/* Clients that understand nothing but protobuf: objects, lists, watches, failures. */
#include "harness.h"

#include "schema/protobuf.h"

#define CONFIG_MAPS "/api/v1/namespaces/default/configmaps"
#define PROTOBUF "application/vnd.kubernetes.protobuf"

static struct str body_of(const struct answer *a)
{
	return str_copy(arena, buffer_str(&a->body));
}

static const struct doc *decoded(struct str body)
{
	struct error error = ERROR_INIT;
	const struct doc *doc = NULL;

	if (protobuf_decode(arena, schema, body, &doc, &error) != ST_OK)
		fail_msg("%s", error.message);
	return doc;
}

static struct str ask_bytes(int code, const char *method, const char *target, struct str body)
{
	struct answer *a = ask_open_bytes(method, target, body);
	struct str bytes = body_of(a);

	assert_int_equal(a->code, code);
	assert_non_null(strstr(buffer_str(&a->headers).at, "Content-Type: " PROTOBUF "\n"));
	answer_free(a);
	return bytes;
}

static void objects_go_in_and_out(void **state)
{
	(void)state;
	struct buffer body = BUFFER_INIT(1 << 20);
	const struct doc *made = doc_set_str(arena, NULL, "apiVersion", STR("v1"));

	made = doc_set_str(arena, made, "kind", STR("ConfigMap"));
	made = doc_set_str(arena, made, "metadata.name", STR("c"));
	made = doc_set_str(arena, made, "data.k", STR("v"));
	assert_true(protobuf_encode(&body, arena, made));
	sends = accepts = PROTOBUF;
	made = decoded(ask_bytes(201, "POST", CONFIG_MAPS, buffer_str(&body)));
	sends = NULL;
	assert_str(doc_at_str(made, "data.k"), "v");
	assert_int_equal(doc_at_str(made, "metadata.uid").len, 36);
	made = decoded(ask_bytes(200, "GET", CONFIG_MAPS "/c", STR("")));
	assert_str(doc_at_str(made, "metadata.name"), "c");
	made = decoded(ask_bytes(404, "GET", CONFIG_MAPS "/d", STR("")));
	assert_str(doc_at_str(made, "reason"), "NotFound");
	assert_str(doc_at_str(made, "details.name"), "d");
	/* Whoever can read JSON gets what is printed already. */
	accepts = PROTOBUF ",application/json";
	made = ask_ok(200, "GET", CONFIG_MAPS "/c", NULL);
	assert_str(doc_at_str(made, "data.k"), "v");
	buffer_release(&body);
}

static void lists_are_lists(void **state)
{
	(void)state;
	ask_ok(201, "POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"a\"}}");
	ask_ok(201, "POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"b\"}}");
	accepts = PROTOBUF;
	struct str body = ask_bytes(200, "GET", CONFIG_MAPS, STR(""));

	/* Field 2 of the envelope is the list, whose field 2 are the items: names stand inside. */
	assert_non_null(memmem(body.at, body.len, "ConfigMapList", 13));
	assert_non_null(memmem(body.at, body.len, "\n\1a", 3));
	assert_non_null(memmem(body.at, body.len, "\n\1b", 3));
}

static void watches_come_in_frames(void **state)
{
	(void)state;
	struct answer *watch;
	struct str bytes;

	accepts = PROTOBUF ";stream=watch";
	watch = ask_open("GET", CONFIG_MAPS "?watch=true", NULL);
	accepts = NULL;
	assert_non_null(strstr(buffer_str(&watch->headers).at,
			       "Content-Type: " PROTOBUF ";stream=watch\n"));
	ask_ok(201, "POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"a\"}}");
	bytes = buffer_str(&watch->body);
	assert_true(bytes.len > 20);
	/* One frame, as long as it says. */
	assert_int_equal((u8)bytes.at[2] << 8 | (u8)bytes.at[3], bytes.len - 4);
	assert_true(str_starts(str_from(bytes, 4), STR("\n\5ADDED")));
	const char *inside = memmem(bytes.at, bytes.len, "k8s\0", 4);

	assert_non_null(inside);
	const struct doc *object =
		decoded((struct str){ inside, bytes.len - (size_t)(inside - bytes.at) });

	assert_str(doc_at_str(object, "metadata.name"), "a");
	answer_free(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(objects_go_in_and_out),
		cluster_test(lists_are_lists),
		cluster_test(watches_come_in_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
