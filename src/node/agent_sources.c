/*
 * Documents that pods name: ConfigMaps, Secrets, Services. Each is watched by its own name while a
 * pod on this node wants it, so that a change arrives without asking, and nothing else of the
 * cluster's secrets ever reaches the node. Service account tokens are asked for and renewed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "doc/build.h"
#include "node/agent_inside.h"
#include "node/volume_source.h"

/* One watched object, shared by all pods that name it; or one Service. */
struct source {
	struct agent *agent;
	struct source *next;
	kind_id kind;
	char ns[64], name[256];
	struct client_watch *watch;
	struct arena *arena; /* of `doc` */
	const struct doc *doc;
	bool synced;
	u32 uses;
	char key[328]; /* of a Service in the agent's map */
};

/* One bound token of one pod. */
struct token {
	struct pod *pod;
	struct token *next;
	char audience[256];
	i64 expiration_s;
	char *text;
	i64 renew_ns;
	bool asked, failed;
};

/* ---- watched objects */

static bool names_source(const struct pod *pod, const struct source *source)
{
	for (u32 i = 0; i < pod->sources_len; i++)
		if (pod->sources[i] == source)
			return true;
	return false;
}

static void tell_pods(struct source *source)
{
	for (struct pod *pod = source->agent->pods; pod; pod = pod->next) {
		if (!names_source(pod, source))
			continue;
		sources_take(pod); /* a claim says which volume is meant */
		if (pod->sources_waiting)
			volumes_start(pod);
		else if (pod->seen.volumes == SEEN_READY || pod->seen.volumes == SEEN_WORKING)
			volumes_refresh(pod);
		pod->seen.volumes_retry_ns = 0;
		for (u32 i = 0; i < pod->seen.containers_len; i++)
			pod->seen.containers[i].wait_retry_ns = 0; /* perhaps now */
		pod_wake(pod);
	}
}

static void source_came(void *self, const struct doc *doc)
{
	struct source *source = self;
	struct arena *arena = arena_new(0);

	source->doc = doc_copy(arena, doc);
	arena_free(source->arena);
	source->arena = arena;
	if (source->synced)
		tell_pods(source);
}

static void source_went(void *self, const struct doc *doc)
{
	struct source *source = self;

	(void)doc;
	source->doc = NULL;
	tell_pods(source);
}

static void source_synced(void *self)
{
	struct source *source = self;

	if (source->synced)
		return;
	source->synced = true;
	tell_pods(source);
}

static struct source *source_get(struct pod *pod, kind_id kind, struct str name)
{
	struct str ns = kind == KIND_PersistentVolume ? STR_NONE : pod->ns;
	static const struct client_watch_events events = { source_came, source_came, source_went,
							   source_synced };
	struct agent *agent = pod->agent;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);

	for (struct source *source = agent->sources; source; source = source->next)
		if (source->kind == kind && str_is(name, source->name) && str_is(ns, source->ns))
			return source;
	struct source *source = calloc(1, sizeof *source);

	CHECK(source);
	source->agent = agent;
	source->kind = kind;
	snprintf(source->ns, sizeof source->ns, STR_FMT, STR_ARG(ns));
	snprintf(source->name, sizeof source->name, STR_FMT, STR_ARG(name));
	source->next = agent->sources;
	agent->sources = source;
	struct client_watch_options options = {
		.ns = ns,
		.field_selector = str_format(arena, "metadata.name=" STR_FMT, STR_ARG(name)),
	};

	source->watch = client_watch(agent->client, kind, &options, &events, source);
	return source;
}

static void source_drop(struct source *source)
{
	struct source **at = &source->agent->sources;

	if (--source->uses)
		return;
	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	client_watch_stop(source->watch);
	arena_free(source->arena);
	free(source);
}

static void want(struct pod *pod, kind_id kind, struct str name)
{
	if (!name.len || name.len > 253 || pod->sources_len == POD_SOURCES_MAX)
		return;
	struct source *source = source_get(pod, kind, name);

	if (names_source(pod, source))
		return;
	source->uses++;
	pod->sources[pod->sources_len++] = source;
}

/* A claim, and the volume behind it once it is bound. */
static void want_claim(struct pod *pod, const struct doc *volume)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str name = volume_claim(arena, pod->doc, volume);

	want(pod, KIND_PersistentVolumeClaim, name);
	want(pod, KIND_PersistentVolume,
	     doc_at_str(source_find(pod, STR("PersistentVolumeClaim"), name), "spec.volumeName"));
}

static void want_volume(struct pod *pod, const struct doc *volume)
{
	want_claim(pod, volume);
	want(pod, KIND_ConfigMap, doc_at_str(volume, "configMap.name"));
	want(pod, KIND_Secret, doc_at_str(volume, "secret.secretName"));
	doc_each_item(doc_at(volume, "projected.sources"), source) {
		want(pod, KIND_ConfigMap, doc_at_str(source, "configMap.name"));
		want(pod, KIND_Secret, doc_at_str(source, "secret.name"));
	}
}

static void want_container(struct pod *pod, const struct doc *container)
{
	doc_each_item(doc_key(container, "envFrom"), from) {
		want(pod, KIND_ConfigMap, doc_at_str(from, "configMapRef.name"));
		want(pod, KIND_Secret, doc_at_str(from, "secretRef.name"));
	}
	doc_each_item(doc_key(container, "env"), entry) {
		want(pod, KIND_ConfigMap, doc_at_str(entry, "valueFrom.configMapKeyRef.name"));
		want(pod, KIND_Secret, doc_at_str(entry, "valueFrom.secretKeyRef.name"));
	}
}

void sources_take(struct pod *pod)
{
	const struct doc *spec = doc_key(pod->doc, "spec");

	if (pod->gone)
		return;
	doc_each_item(doc_key(spec, "volumes"), volume)
		want_volume(pod, volume);
	for (u32 i = 0; i < pod_containers_len(pod->doc); i++)
		want_container(pod, pod_container(pod->doc, i));
	doc_each_item(doc_key(spec, "imagePullSecrets"), ref)
		want(pod, KIND_Secret, doc_at_str(ref, "name"));
}

void sources_release(struct pod *pod)
{
	for (u32 i = 0; i < pod->sources_len; i++)
		source_drop(pod->sources[i]);
	pod->sources_len = 0;
	while (pod->tokens) {
		struct token *token = pod->tokens;

		pod->tokens = token->next;
		free(token->text);
		free(token);
	}
}

const struct doc *source_find(struct pod *pod, struct str kind, struct str name)
{
	kind_id wanted = str_is(kind, "Secret")		    ? KIND_Secret
			 : str_is(kind, "ConfigMap")	    ? KIND_ConfigMap
			 : str_is(kind, "PersistentVolume") ? KIND_PersistentVolume
							    : KIND_PersistentVolumeClaim;

	for (u32 i = 0; i < pod->sources_len; i++)
		if (pod->sources[i]->kind == wanted && str_is(name, pod->sources[i]->name))
			return pod->sources[i]->doc;
	return NULL;
}

/* ---- tokens */

static struct token *token_find(struct pod *pod, struct str audience, i64 expiration_s)
{
	for (struct token *token = pod->tokens; token; token = token->next)
		if (str_is(audience, token->audience) && token->expiration_s == expiration_s)
			return token;
	return NULL;
}

static void token_came(void *self, const struct doc *object, const struct error *error)
{
	struct token *token = self;
	struct str text = doc_at_str(object, "status.token");
	i64 expires = time_parse(doc_at_str(object, "status.expirationTimestamp"));
	i64 now = agent_wall();

	token->asked = false;
	token->pod->calls--;
	token->failed = error != NULL || !text.len;
	if (!token->failed) {
		free(token->text);
		token->text = strndup(text.at, text.len);
		/* A fifth of its life is left when the next one is asked for. */
		token->renew_ns = expires > now ? now + (expires - now) / 5 * 4
						: now + token->expiration_s * NS_PER_S / 5 * 4;
	} else {
		token->renew_ns = now + 10 * NS_PER_S;
		log_warn("node", "token of pod " STR_FMT "/" STR_FMT ": %s",
			 STR_ARG(token->pod->ns), STR_ARG(token->pod->name),
			 error ? error->message : "the answer held none");
	}
	if (token->pod->asking)
		return; /* the answer came at once: whoever asked goes on */
	if (token->pod->sources_waiting)
		volumes_start(token->pod);
	else
		volumes_refresh(token->pod);
	pod_wake(token->pod);
}

static void token_ask(struct token *token)
{
	struct pod *pod = token->pod;
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct build b = build_object(arena);

	token->asked = true;
	pod->calls++;
	build_str(&b, "apiVersion", STR("authentication.k8s.io/v1"));
	build_str(&b, "kind", STR("TokenRequest"));
	build_open_object(&b, "spec");
	build_open_array(&b, "audiences");
	if (token->audience[0])
		build_str(&b, NULL, str_of(token->audience));
	build_close(&b);
	build_int(&b, "expirationSeconds", token->expiration_s);
	build_open_object(&b, "boundObjectRef");
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Pod"));
	build_str(&b, "name", pod->name);
	build_str(&b, "uid", pod->uid);
	build_close(&b);
	build_close(&b);
	client_create(pod->agent->client, KIND_ServiceAccount, pod->ns,
		      doc_str_or(doc_at(pod->doc, "spec.serviceAccountName"), STR("default")),
		      STR("token"), build_done(&b), token_came, token);
}

/* Asks for the tokens a volume wants; true when all have been answered. */
static bool tokens_ready(struct pod *pod, const struct doc *volume)
{
	bool ready = true;

	doc_each_item(doc_at(volume, "projected.sources"), source) {
		const struct doc *wanted = doc_key(source, "serviceAccountToken");
		struct str audience = doc_at_str(wanted, "audience");
		i64 seconds = doc_at_int(wanted, "expirationSeconds", 3607);

		if (!wanted || audience.len > 255)
			continue;
		struct token *token = token_find(pod, audience, seconds);

		if (!token) {
			token = calloc(1, sizeof *token);
			CHECK(token);
			token->pod = pod;
			token->expiration_s = seconds;
			snprintf(token->audience, sizeof token->audience, STR_FMT,
				 STR_ARG(audience));
			token->next = pod->tokens;
			pod->tokens = token;
		}
		if (!token->asked && token->renew_ns <= agent_wall())
			token_ask(token);
		ready &= token->text || token->failed;
	}
	return ready;
}

bool sources_ready(struct pod *pod)
{
	bool ready = true;

	pod->asking = true;
	for (u32 i = 0; i < pod->sources_len; i++)
		ready &= pod->sources[i]->synced;
	doc_each_item(doc_at(pod->doc, "spec.volumes"), volume)
		ready &= tokens_ready(pod, volume);
	pod->asking = false;
	return ready;
}

i64 tokens_renew_ns(const struct pod *pod)
{
	i64 first = NEVER_NS;

	for (struct token *token = pod->tokens; token; token = token->next)
		first = MIN(first, token->renew_ns);
	return first;
}

static struct str token_text(void *self, struct str audience, i64 expiration_s)
{
	struct token *token = token_find(self, audience, expiration_s);

	return token ? str_of(token->text) : STR_NONE;
}

static const struct doc *find(void *self, struct str kind, struct str name)
{
	return source_find(self, kind, name);
}

struct pod_sources sources_of(struct pod *pod)
{
	return (struct pod_sources){
		.self = pod,
		.find = find,
		.token = token_text,
		.host_ip = pod->seen.host_ip,
		.pod_ip = pod->seen.ip,
		.node_name = pod->agent->config.node_name,
		.api_host = pod->agent->config.api_host,
		.api_port = pod->agent->config.api_port,
		.node_cpu_milli = pod->agent->cpu_milli,
		.node_memory_bytes = pod->agent->memory_bytes,
	};
}

/* ---- services, for the environment of new containers */

static void service_came(void *self, const struct doc *doc)
{
	struct agent *agent = self;
	char key[328];

	snprintf(key, sizeof key, STR_FMT "/" STR_FMT,
		 STR_ARG(doc_at_str(doc, "metadata.namespace")),
		 STR_ARG(doc_at_str(doc, "metadata.name")));
	struct source *service = map_get(&agent->services, str_of(key));

	if (!service) {
		service = calloc(1, sizeof *service);
		CHECK(service);
		memcpy(service->key, key, sizeof key);
		map_put(&agent->services, str_of(service->key), service);
	}
	struct arena *arena = arena_new(0);

	service->doc = doc_copy(arena, doc);
	arena_free(service->arena);
	service->arena = arena;
}

static void service_went(void *self, const struct doc *doc)
{
	struct agent *agent = self;
	char key[328];

	snprintf(key, sizeof key, STR_FMT "/" STR_FMT,
		 STR_ARG(doc_at_str(doc, "metadata.namespace")),
		 STR_ARG(doc_at_str(doc, "metadata.name")));
	struct source *service = map_remove(&agent->services, str_of(key));

	if (service)
		arena_free(service->arena);
	free(service);
}

static void services_synced(void *self)
{
	(void)self;
}

void services_start(struct agent *agent)
{
	static const struct client_watch_events events = { service_came, service_came, service_went,
							   services_synced };
	struct client_watch_options options = { 0 };

	agent->service_watch = client_watch(agent->client, KIND_Service, &options, &events, agent);
}

void services_stop(struct agent *agent)
{
	if (agent->service_watch)
		client_watch_stop(agent->service_watch);
	agent->service_watch = NULL;
	for (struct map_entry *e = NULL; (e = map_next(&agent->services, e));) {
		struct source *service = e->value;

		arena_free(service->arena);
		free(service);
	}
	map_release(&agent->services);
	agent->services = (struct map){ 0 };
}

const struct doc *service_document(const void *entry)
{
	return ((const struct source *)entry)->doc;
}
