/* The client over real TLS on the loopback: calls, failures, and a watch that survives its server.
 */
#include "../server/harness.h"

#include <stdio.h>

#include "client/client.h"
#include "client/https.h"
#include "net/client.h"
#include "net/pki.h"
#include "net/server.h"
#include "sys/clock.h"

enum { WAIT_MS = 4000 };

static struct loop *loop;
static struct tls_context *server_tls, *client_tls;
static struct http_server *http_server;
static struct http_client *http;
static struct client *client;
static char heard[4096], address[64];

static void note(char what, const struct doc *object)
{
	size_t len = strlen(heard);

	snprintf(heard + len, sizeof heard - len, "%c" STR_FMT " ", what,
		 STR_ARG(doc_at_str(object, "metadata.name")));
}

static void added(void *self, const struct doc *object)
{
	(void)self;
	note('+', object);
}

static void modified(void *self, const struct doc *object)
{
	(void)self;
	note('*', object);
}

static void deleted(void *self, const struct doc *object)
{
	(void)self;
	note('-', object);
}

static void synced(void *self)
{
	(void)self;
	note('=', NULL);
}

static const struct client_watch_events events = { added, modified, deleted, synced };

static enum status last_status;
static char last_message[ERROR_MESSAGE_MAX];
static u32 calls_done;

static void done(void *self, const struct doc *object, const struct error *error)
{
	(void)self;
	assert_true(!object != !error);
	last_status = error ? error->status : ST_OK;
	snprintf(last_message, sizeof last_message, "%s", error ? error->message : "");
	calls_done++;
}

/* Turns the loop until `calls` have come back and (if not NULL) exactly this has been heard. */
static void turn_until(u32 calls, const char *wanted)
{
	i64 end = loop_now_ms(loop) + WAIT_MS;

	while (calls_done < calls || (wanted && strcmp(heard, wanted) != 0)) {
		if (loop_now_ms(loop) > end)
			fail_msg("waited in vain: %u calls, heard \"%s\"", calls_done, heard);
		loop_run_once(loop, true);
		server_tick(server);
	}
}

static void tick(void *self)
{
	(void)self; /* only ends the wait */
}

static void serve(const char *where)
{
	struct http_server_config config = {
		.address = str_of(where),
		.tls = server_tls,
		.handler = { server_handle, server },
	};
	struct error error = ERROR_INIT;

	if (http_server_open(loop, &config, &http_server, &error) != ST_OK)
		fail_msg("%s", error.message);
	snprintf(address, sizeof address, "127.0.0.1:%d", http_server_port(http_server));
}

static void make_tls(void)
{
	static const struct str names[] = { STR_INIT("127.0.0.1") };
	struct pki_subject us = { .common_name = STR("us"), .names = names, .names_len = 1 };
	struct pki_subject them = { .common_name = STR("them"),
				    .organizations = masters,
				    .organizations_len = 1 };
	struct pki_pair ca, ours, theirs;
	struct tls_config config;
	i64 now_s = clock_wall_ns(clock_real()) / NS_PER_S;

	assert_int_equal(pki_ca_create(arena, STR("ca"), now_s, &ca, NULL), ST_OK);
	assert_int_equal(pki_issue(arena, &ca, &us, PKI_SERVER, 1, now_s, &ours, NULL), ST_OK);
	assert_int_equal(pki_issue(arena, &ca, &them, PKI_CLIENT, 1, now_s, &theirs, NULL), ST_OK);
	config = (struct tls_config){ .certificate = ours.certificate,
				      .key = ours.key,
				      .authorities = ca.certificate,
				      .http2 = true };
	assert_int_equal(tls_server_new(&config, &server_tls, NULL), ST_OK);
	config = (struct tls_config){ .certificate = theirs.certificate,
				      .key = theirs.key,
				      .authorities = ca.certificate };
	assert_int_equal(tls_client_new(&config, &client_tls, NULL), ST_OK);
}

static struct timer *ticker;

static int up(void **state)
{
	struct error error = ERROR_INIT;

	cluster_up(state);
	loop = loop_new();
	ticker = timer_new(loop, tick, NULL);
	timer_start(ticker, 50, 50);
	make_tls();
	serve("127.0.0.1:0");
	struct http_client_config config = {
		.url = str_format(arena, "https://%s", address),
		.tls = client_tls,
	};

	if (http_client_new(loop, &config, &http, &error) != ST_OK)
		fail_msg("%s", error.message);
	client = client_https_new(loop, http, schema);
	heard[0] = 0;
	calls_done = 0;
	return 0;
}

static int down(void **state)
{
	client_free(client);
	http_client_free(http);
	http_server_free(http_server);
	tls_free(server_tls);
	tls_free(client_tls);
	timer_free(ticker);
	loop_free(loop);
	return cluster_down(state);
}

static void make(const char *name)
{
	client_create(client, KIND_ConfigMap, STR("default"), STR(""), STR(""),
		      doc_set_str(arena, NULL, "metadata.name", str_of(name)), done, NULL);
}

static void calls_come_back(void **state)
{
	(void)state;
	make("a");
	turn_until(1, NULL);
	assert_int_equal(last_status, ST_OK);
	make("a");
	turn_until(2, NULL);
	assert_int_equal(last_status, ST_EXISTS);
	assert_string_equal(last_message, "configmaps \"a\" already exists");
	client_get(client, KIND_ConfigMap, STR("default"), STR("zz"), done, NULL);
	turn_until(3, NULL);
	assert_int_equal(last_status, ST_NOT_FOUND);
	client_patch(client, KIND_ConfigMap, STR("default"), STR("a"), STR(""), CLIENT_PATCH_MERGE,
		     doc_set_str(arena, NULL, "data.k", STR("v")), done, NULL);
	turn_until(4, NULL);
	assert_int_equal(last_status, ST_OK);
	client_delete(client, KIND_ConfigMap, STR("default"), STR("a"), STR("other-uid"), 0, done,
		      NULL);
	turn_until(5, NULL);
	assert_int_equal(last_status, ST_CONFLICT);
	client_delete(client, KIND_ConfigMap, STR("default"), STR("a"), STR(""), -1, done, NULL);
	turn_until(6, NULL);
	assert_int_equal(last_status, ST_OK);
}

static void watches_survive_their_server(void **state)
{
	(void)state;
	struct client_watch_options options = { .ns = STR("default"),
						.label_selector = STR("!no") };
	struct client_watch *watch;

	make("a");
	make("b");
	turn_until(2, NULL);
	watch = client_watch(client, KIND_ConfigMap, &options, &events, NULL);
	turn_until(2, "+a +b = ");
	make("c");
	turn_until(3, "+a +b = +c ");
	/* The server is gone for a while; things happen; it comes back where it was. */
	http_server_free(http_server);
	http_server = NULL;
	ask_ok(200, "DELETE", "/api/v1/namespaces/default/configmaps/a", NULL);
	ask_ok(201, "POST", "/api/v1/namespaces/default/configmaps",
	       "{\"metadata\":{\"name\":\"d\"}}");
	serve(address);
	turn_until(3, "+a +b = +c -a +d ");
	client_watch_stop(watch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_come_back, up, down),
		cmocka_unit_test_setup_teardown(watches_survive_their_server, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
