/* The client in the server's own process, and kubeconfig files there and back. */
#include "../server/harness.h"

#include <stdio.h>

#include "client/client.h"
#include "client/kubeconfig.h"
#include "client/local.h"

static char heard[4096]; /* "+a *a -a = " in the order it came */
static struct client *client;

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

static void done(void *self, const struct doc *object, const struct error *error)
{
	(void)self;
	assert_true(!object != !error);
	last_status = error ? error->status : ST_OK;
}

static void make(const char *name)
{
	const struct doc *body = doc_set_str(arena, NULL, "metadata.name", str_of(name));

	last_status = ST_INTERNAL;
	client_create(client, KIND_ConfigMap, STR("default"), STR(""), STR(""), body, done, NULL);
}

static void calls_and_watches(void **state)
{
	(void)state;
	struct client_watch *watch;

	heard[0] = 0;
	client = client_local_new(server, NULL, false);
	make("a");
	assert_int_equal(last_status, ST_OK);
	make("a");
	assert_int_equal(last_status, ST_EXISTS);
	watch = client_watch(client, KIND_ConfigMap, NULL, &events, NULL);
	server_tick(server);
	make("b");
	client_patch(client, KIND_ConfigMap, STR("default"), STR("a"), STR(""), CLIENT_PATCH_MERGE,
		     doc_set_str(arena, NULL, "data.k", STR("v")), done, NULL);
	client_delete(client, KIND_ConfigMap, STR("default"), STR("b"), STR(""), -1, NULL, NULL);
	server_tick(server);
	assert_string_equal(heard, "+a = +b *a -b ");
	client_watch_stop(watch);
	make("c");
	server_tick(server);
	assert_string_equal(heard, "+a = +b *a -b ");
	client_free(client);
}

static void field_selectors_narrow(void **state)
{
	(void)state;
	struct client_watch_options options = { .ns = STR("default"),
						.field_selector = STR("metadata.name=b") };

	heard[0] = 0;
	client = client_local_new(server, NULL, false);
	client_watch(client, KIND_ConfigMap, &options, &events, NULL);
	make("a");
	make("b");
	server_tick(server);
	server_tick(server);
	assert_string_equal(heard, "+b = ");
	client_free(client);
}

static void waits_for_the_log_when_asked(void **state)
{
	(void)state;
	heard[0] = 0;
	client = client_local_new(server, NULL, true);
	client_watch(client, KIND_ConfigMap, NULL, &events, NULL);
	server_tick(server);
	log_memory_hold(test_log, true);
	make("a");
	server_tick(server);
	assert_int_equal(last_status, ST_INTERNAL); /* not called yet */
	assert_string_equal(heard, "= ");
	log_memory_commit(test_log, UINT32_MAX);
	server_tick(server);
	assert_int_equal(last_status, ST_OK);
	assert_string_equal(heard, "= +a ");
	make("b");
	log_memory_fail(test_log, ST_NO_SPACE);
	server_tick(server);
	assert_int_equal(last_status, ST_NO_SPACE);
	make("c");
	client_free(client); /* with one under way */
	log_memory_hold(test_log, false);
}

static void kubeconfig_there_and_back(void **state)
{
	(void)state;
	struct kubeconfig config = {
		.server = STR("https://127.0.0.1:6443"),
		.ca_certificate = STR("-----BEGIN CERTIFICATE-----\n"),
		.certificate = STR("cert"),
		.key = STR("key"),
		.ns = STR("web"),
	};
	struct kubeconfig back;
	struct error error = ERROR_INIT;
	struct str text = kubeconfig_print(arena, &config);

	assert_int_equal(kubeconfig_parse(arena, text, STR(""), &back, &error), ST_OK);
	assert_str(back.server, "https://127.0.0.1:6443");
	assert_str(back.ca_certificate, "-----BEGIN CERTIFICATE-----\n");
	assert_str(back.certificate, "cert");
	assert_str(back.key, "key");
	assert_str(back.ns, "web");
	assert_str(back.context, "minke");
	assert_int_equal(kubeconfig_parse(arena, text, STR("no"), &back, &error), ST_NOT_FOUND);
	assert_string_equal(error.message, "context \"no\" does not exist");
	error_clear(&error);
	assert_int_equal(kubeconfig_parse(arena, STR("a: [1"), STR(""), &back, &error),
			 ST_BAD_REQUEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(calls_and_watches),
		cluster_test(field_selectors_narrow),
		cluster_test(waits_for_the_log_when_asked),
		cluster_test(kubeconfig_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
