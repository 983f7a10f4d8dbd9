/* What the server hands to a pod's node, and bodies and answers in other forms than plain JSON. */
#include "harness.h"

#include <zlib.h>

#include "server/node_door.h"
#include "server/reply.h"

#define CONFIG_MAPS "/api/v1/namespaces/default/configmaps"
#define PODS "/api/v1/namespaces/default/pods"

static struct log_options logs_seen;
static struct exec_options exec_seen;
static struct str container_seen, words_seen;
static u16 ports_seen[4];
static u32 ports_seen_len;

static void node_logs(void *self, struct http_exchange *x, const struct door_pod *pod,
		      const struct log_options *options)
{
	(void)self;
	assert_str(pod->name, "p");
	logs_seen = *options;
	container_seen = str_copy(arena, options->container);
	reply_text(x, 200, "text/plain", STR("line\n"));
}

static void node_exec(void *self, struct http_exchange *x, const struct door_pod *pod,
		      const struct exec_options *options)
{
	(void)self;
	(void)pod;
	exec_seen = *options;
	container_seen = str_copy(arena, options->container);
	words_seen = str_join(arena, options->command, options->command_len, STR("|"));
	reply_text(x, 200, "text/plain", STR(""));
}

static void node_forward(void *self, struct http_exchange *x, const struct door_pod *pod,
			 const u16 *ports, u32 len)
{
	(void)self;
	(void)pod;
	for (u32 i = 0; i < len && i < ARRAY_LEN(ports_seen); i++)
		ports_seen[i] = ports[i];
	ports_seen_len = len;
	reply_text(x, 200, "text/plain", STR(""));
}

static const struct node_door door = {
	.logs = node_logs, .exec = node_exec, .attach = node_exec, .port_forward = node_forward
};

static void make_pod(const char *more)
{
	server_set_nodes(server, &door);
	ask_ok(201, "POST", PODS,
	       str_format(arena,
			  "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n\","
			  "\"containers\":[{\"name\":\"a\",\"image\":\"i\"}%s]}}",
			  more)
		       .at);
}

static void logs_name_a_container(void **state)
{
	(void)state;
	make_pod(",{\"name\":\"b\",\"image\":\"i\"}");
	ask_fails(400, "BadRequest",
		  "a container name must be specified for pod p, choose one of: [a b]", "GET",
		  PODS "/p/log", NULL);
	ask_fails(400, "BadRequest", "container z is not valid for pod p", "GET",
		  PODS "/p/log?container=z", NULL);
	assert_string_equal(ask("GET",
				PODS "/p/log?container=b&follow=true&tailLines=5&sinceSeconds=60&"
				     "timestamps=True&limitBytes=9",
				NULL)
				    .body,
			    "line\n");
	assert_str(container_seen, "b");
	assert_true(logs_seen.follow && logs_seen.timestamps && !logs_seen.previous);
	assert_int_equal(logs_seen.tail_lines, 5);
	assert_int_equal(logs_seen.limit_bytes, 9);
	assert_int_equal(logs_seen.since_wall_ns, wall_ns - 60 * NS_PER_S);
	ask_ok(422, "GET", PODS "/p/log?container=a&sinceSeconds=0", NULL);
	ask_ok(404, "GET", PODS "/q/log", NULL);
}

static void exec_takes_words_and_streams(void **state)
{
	(void)state;
	make_pod("");
	assert_int_equal(
		ask("POST", PODS "/p/exec?command=echo&command=a+b%26&stdout=true&tty=1", NULL)
			.code,
		200);
	assert_str(words_seen, "echo|a b&");
	assert_str(container_seen, "a");
	assert_true(exec_seen.out && exec_seen.tty && !exec_seen.in && !exec_seen.err);
	ask_ok(400, "POST", PODS "/p/exec?command=x", NULL);
	ask_ok(400, "POST", PODS "/p/exec?stdout=1", NULL);
	assert_int_equal(ask("GET", PODS "/p/portforward?ports=80,443", NULL).code, 200);
	assert_int_equal(ports_seen_len, 2);
	assert_int_equal(ports_seen[1], 443);
	ask_ok(400, "GET", PODS "/p/portforward?ports=0", NULL);
}

static void pods_without_a_node_have_no_logs(void **state)
{
	(void)state;
	server_set_nodes(server, &door);
	ask_ok(201, "POST", PODS,
	       "{\"metadata\":{\"name\":\"w\"},\"spec\":{\"containers\":[{\"name\":\"a\",\"image\":"
	       "\"i\"}]}}");
	ask_fails(400, "BadRequest", "pod w does not have a host assigned", "GET", PODS "/w/log",
		  NULL);
	server_set_nodes(server, NULL);
	ask_ok(503, "GET", PODS "/w/log", NULL);
}

static void large_lists_are_compressed(void **state)
{
	(void)state;
	struct answer *a;
	char *big = arena_alloc(arena, 200001);
	u8 *plain = arena_alloc(arena, 1 << 20);
	z_stream z = { 0 };

	memset(big, 'x', 200000);
	big[200000] = 0;
	ask_ok(201, "POST", CONFIG_MAPS,
	       str_format(arena, "{\"metadata\":{\"name\":\"c\"},\"data\":{\"k\":\"%s\"}}", big)
		       .at);
	encodings = "deflate, gzip;q=1.0";
	a = ask_open("GET", CONFIG_MAPS, NULL);
	buffer_add_char(&a->headers, 0);
	assert_non_null(strstr(a->headers.at, "Content-Encoding: gzip\n"));
	assert_true(a->body.len < 10000);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_in = (u8 *)a->body.at;
	z.avail_in = (u32)a->body.len;
	z.next_out = plain;
	z.avail_out = 1 << 20;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_memory_equal(plain, "{\"kind\":\"ConfigMapList\"", 23);
	inflateEnd(&z);
	answer_free(a);
}

static void protobuf_and_yaml_bodies(void **state)
{
	(void)state;
	/* k8s\0 Unknown{ typeMeta{ v1, ConfigMap }, raw{ metadata{ name: "pb" }, data{ a: b } } }
	 */
	static const char body[] = "k8s\0"
				   "\x0a\x0f\x0a\x02v1\x12\x09"
				   "ConfigMap"
				   "\x12\x0e\x0a\x04\x0a\x02pb\x12\x06\x0a\x01"
				   "a\x12\x01"
				   "b"
				   "\x1a\x00\"\x00";
	struct answer *a;

	sends = "application/vnd.kubernetes.protobuf";
	accepts = "application/vnd.kubernetes.protobuf,application/json";
	a = ask_open_bytes("POST", CONFIG_MAPS, (struct str){ body, sizeof body - 1 });
	if (a->code != 201)
		fail_msg("%d " STR_FMT, a->code, STR_ARG(buffer_str(&a->body)));
	answer_free(a);
	accepts = NULL;
	assert_str(doc_at_str(ask_ok(200, "GET", CONFIG_MAPS "/pb", NULL), "data.a"), "b");
	sends = "application/yaml";
	ask_ok(201, "POST", CONFIG_MAPS, "metadata:\n  name: yaml\ndata:\n  a: \"1\"\n");
	ask_ok(400, "POST", CONFIG_MAPS, "metadata: [\n");
	sends = "application/vnd.kubernetes.protobuf";
	ask_ok(400, "POST", CONFIG_MAPS, "k8s");
}

static void people_get_indented_json(void **state)
{
	(void)state;
	const char *body = ask("GET", CONFIG_MAPS "?pretty=true", NULL).body;

	assert_non_null(strstr(body, "{\n  \"kind\": \"ConfigMapList\",\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(logs_name_a_container),
		cluster_test(exec_takes_words_and_streams),
		cluster_test(pods_without_a_node_have_no_logs),
		cluster_test(large_lists_are_compressed),
		cluster_test(protobuf_and_yaml_bodies),
		cluster_test(people_get_indented_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
