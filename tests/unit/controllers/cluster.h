/*
 * A whole cluster in one test: real store, real verbs, every controller, the scheduler, simulated
 * nodes, and a clock that the test moves. Nothing in it waits.
 */
#ifndef TESTS_CLUSTER_H
#define TESTS_CLUSTER_H

#include <stdio.h>
#include <stdlib.h>

#include "../unit.h"
#include "base/random.h"
#include "base/timestamp.h"
#include "controllers/pod.h"
#include "controllers/runner.h"
#include "controllers/simulated_node.h"
#include "controllers/simulated_usage.h"
#include "doc/json.h"
#include "scheduler/scheduler.h"
#include "server/certificates.h"
#include "server/server.h"
#include "server/verbs.h"

struct cluster {
	struct arena *arena;
	struct schema *schema;
	struct store *store;
	struct server *server;
	struct runner *runner;
	struct scheduler *scheduler; /* NULL: none */
	struct simulated *nodes;     /* NULL: none */
	struct usage_source usage;
	struct random random;
	struct clock clock;
	i64 now_ns;
};

static i64 cluster_now(void *self)
{
	return ((struct cluster *)self)->now_ns;
}

static inline void cluster_run(struct cluster *c, double seconds);

struct cluster_wish {
	u32 nodes;
	bool no_scheduler;
	const struct simulated_config *config; /* instead of `nodes` */
	struct certificate_signer certificates;
	struct token_signer tokens;
};

static inline struct cluster *cluster_new(struct cluster_wish wish)
{
	struct cluster *c = calloc(1, sizeof *c);
	struct server_config config = { .certificates = wish.certificates,
					.tokens = wish.tokens };
	struct simulated_config nodes = { .nodes = wish.nodes };
	struct error error = ERROR_INIT;
	c->arena = arena_new(0);
	c->now_ns = 1767225600 * NS_PER_S;
	c->clock = (struct clock){ cluster_now, cluster_now, c };
	random_seed(&c->random, 1);
	c->schema = schema_new();
	c->store = store_new(c->schema, NULL, &c->clock);
	assert_int_equal(store_open(c->store, &error), ST_OK);
	c->server = server_new(&config, c->store, c->schema, &c->clock, &c->random);
	if (server_bootstrap(c->server, &error) != ST_OK)
		fail_msg("bootstrap: %s", error.message);
	struct writer writer = writer_for_server(c->server);
	c->runner = runner_new(c->store, c->schema, &c->clock, writer, controllers_all);
	runner_set_ca(c->runner, STR("-----BEGIN CERTIFICATE-----"));
	c->usage = simulated_usage(c->store);
	usage_add_source(server_usage(c->server), &c->usage);
	runner_set_usage(c->runner, server_usage(c->server));
	runner_set_certificates(c->runner, server_certificates(c->server));
	if (!wish.no_scheduler)
		c->scheduler = scheduler_new(c->store, c->schema, &c->clock, writer,
					     runner_recorder(c->runner));
	if (wish.config || wish.nodes)
		c->nodes = simulated_new(wish.config ? wish.config : &nodes, c->store, &c->clock,
					 writer);
	cluster_run(c, 1); /* service accounts, nodes */
	return c;
}

static inline void cluster_free(struct cluster *c)
{
	simulated_free(c->nodes);
	scheduler_free(c->scheduler);
	runner_free(c->runner);
	server_free(c->server);
	store_free(c->store);
	schema_free(c->schema);
	arena_free(c->arena);
	free(c);
}

/* One round of everybody; the earliest time anybody wants to be called again. */
static inline i64 cluster_round(struct cluster *c)
{
	i64 next = runner_step(c->runner, 100);
	if (c->scheduler)
		next = MIN(next, scheduler_step(c->scheduler, 500));
	if (c->nodes)
		next = MIN(next, simulated_step(c->nodes, 500));
	store_poll(c->store);
	return MIN(next, runner_step(c->runner, 0));
}

/* Lets `seconds` of the cluster's time pass; stops the test when it spins. */
static inline void cluster_run(struct cluster *c, double seconds)
{
	i64 end = c->now_ns + (i64)(seconds * (double)NS_PER_S);
	for (u32 rounds = 0; c->now_ns <= end; rounds++) {
		i64 next = cluster_round(c);
		if (rounds > 200000)
			fail_msg("the cluster does not come to rest");
		if (next > c->now_ns)
			c->now_ns = MIN(next, end + 1);
	}
	c->now_ns = end;
}

/* ---- a user */

static inline struct version *cluster_get(struct cluster *c, kind_id kind, const char *name)
{
	bool namespaced = schema_kind(c->schema, kind)->namespaced;
	struct version *v =
		store_get(c->store, kind, namespaced ? STR("default") : STR_NONE, str_of(name));
	if (v)
		version_hold(c->arena, v);
	return v;
}

static inline const struct doc *cluster_doc(struct cluster *c, const char *json)
{
	struct error error = ERROR_INIT;
	const struct doc *doc = NULL;
	/* Single quotes read better in C. */
	char *text = (char *)str_c(c->arena, str_of(json));
	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	if (json_parse(c->arena, str_of(text), &doc, &error) != ST_OK)
		fail_msg("%s: %s", error.message, json);
	return doc;
}

static inline struct call cluster_call(struct cluster *c)
{
	return (struct call){ .server = c->server,
			      .arena = c->arena,
			      .field_manager = STR("test"),
			      .validation = VALIDATION_STRICT };
}

static inline struct version *cluster_create_in(struct cluster *c, kind_id kind, const char *ns,
						const char *json)
{
	struct call call = cluster_call(c);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	if (verb_create(&call, schema_kind(c->schema, kind), str_of(ns), STR_NONE, STR_NONE,
			cluster_doc(c, json), &outcome, &error) != ST_OK)
		fail_msg("create: %s\n%s", error.message, json);
	return outcome.version;
}

static inline struct version *cluster_create(struct cluster *c, kind_id kind, const char *json)
{
	bool namespaced = schema_kind(c->schema, kind)->namespaced;
	return cluster_create_in(c, kind, namespaced ? "default" : "", json);
}

static inline struct str cluster_ns(struct cluster *c, kind_id kind)
{
	return schema_kind(c->schema, kind)->namespaced ? STR("default") : STR_NONE;
}

static inline void cluster_patch_sub(struct cluster *c, kind_id kind, const char *name,
				     const char *subresource, const char *json)
{
	struct call call = cluster_call(c);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	if (verb_patch(&call, schema_kind(c->schema, kind), cluster_ns(c, kind), str_of(name),
		       str_of(subresource), PATCH_MERGE, false, cluster_doc(c, json), &outcome,
		       &error) != ST_OK)
		fail_msg("patch: %s\n%s", error.message, json);
}

static inline void cluster_patch(struct cluster *c, kind_id kind, const char *name,
				 const char *json)
{
	cluster_patch_sub(c, kind, name, "", json);
}

static inline void cluster_delete(struct cluster *c, kind_id kind, const char *name,
				  enum propagation propagation)
{
	struct call call = cluster_call(c);
	struct outcome outcome = { 0 };
	struct error error = ERROR_INIT;
	struct delete_options options = { .grace_s = -1, .propagation = propagation };
	if (verb_delete(&call, schema_kind(c->schema, kind), cluster_ns(c, kind), str_of(name),
			&options, &outcome, &error) != ST_OK)
		fail_msg("delete: %s", error.message);
}

/* Says of a pod what a node would. */
static inline void cluster_pod_ready(struct cluster *c, const char *name, bool ready)
{
	char json[512];
	struct str now = timestamp_print(c->arena, c->now_ns);
	snprintf(json, sizeof json,
		 "{'status':{'phase':'Running','podIP':'10.1.2.3','conditions':[{'type':'Ready',"
		 "'status':'%s','lastTransitionTime':'%s'}]}}",
		 ready ? "True" : "False", now.at);
	cluster_patch_sub(c, KIND_Pod, name, "status", json);
}

/* ---- looking */

struct cluster_list {
	struct version *at[6000];
	u32 len;
};

/* Objects of the default namespace whose name begins so, by name. */
static inline struct cluster_list *cluster_list(struct cluster *c, kind_id kind, const char *prefix)
{
	struct cluster_list *list = ARENA_NEW(c->arena, struct cluster_list);
	struct store_iter iter;
	store_iter_start(&iter, c->store, kind, cluster_ns(c, kind), STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));) {
		if (!str_starts(v->name, str_of(prefix)))
			continue;
		assert_true(list->len < ARRAY_LEN(list->at));
		version_hold(c->arena, v);
		list->at[list->len++] = v;
	}
	return list;
}

static inline u32 cluster_count(struct cluster *c, kind_id kind, const char *prefix)
{
	return cluster_list(c, kind, prefix)->len;
}

/* Pods that are not on their way out. */
static inline u32 cluster_active(struct cluster *c, const char *prefix)
{
	struct cluster_list *list = cluster_list(c, KIND_Pod, prefix);
	u32 active = 0;
	for (u32 i = 0; i < list->len; i++)
		active += pod_active(list->at[i]);
	return active;
}

static inline u32 cluster_running(struct cluster *c, const char *prefix)
{
	struct cluster_list *list = cluster_list(c, KIND_Pod, prefix);
	u32 running = 0;
	for (u32 i = 0; i < list->len; i++)
		running += pod_active(list->at[i]) && pod_ready(list->at[i]->doc);
	return running;
}

static inline i64 cluster_int(struct cluster *c, kind_id kind, const char *name, const char *path)
{
	struct version *v = cluster_get(c, kind, name);
	return v ? doc_at_int(v->doc, path, 0) : -1;
}

/* "reason: message" of a condition, "" when there is none. */
static inline const char *cluster_condition(struct cluster *c, kind_id kind, const char *name,
					    const char *type)
{
	struct version *v = cluster_get(c, kind, name);
	const struct doc *condition = v ? condition_get(v->doc, type) : NULL;
	if (!condition)
		return "";
	return str_format(c->arena, STR_FMT " " STR_FMT ": " STR_FMT,
			  STR_ARG(doc_str(doc_key(condition, "status"))),
			  STR_ARG(doc_str(doc_key(condition, "reason"))),
			  STR_ARG(doc_str(doc_key(condition, "message"))))
		.at;
}

/* How often this was said about an object: the sum of counts. */
static inline i64 cluster_said(struct cluster *c, const char *reason, const char *message)
{
	struct store_iter iter;
	i64 count = 0;
	store_iter_start(&iter, c->store, KIND_Event, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		if (str_is(doc_at_str(v->doc, "reason"), reason) &&
		    (!message || str_is(doc_at_str(v->doc, "message"), message)))
			count += doc_at_int(v->doc, "count", 0);
	return count;
}

#define TEMPLATE(app, image)                                                                       \
	"{'metadata':{'labels':{'app':'" app                                                       \
	"'}},'spec':{'containers':[{'name':'c','image':'" image "'}]}}"

#endif
