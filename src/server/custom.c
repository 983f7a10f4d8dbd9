/*
 * A definition is served as soon as the store shows it, and no longer than that; the names are
 * accepted, or not, in the write itself, so nobody waits for a controller.
 */
#include "server/custom.h"

#include "base/log.h"
#include "doc/build.h"
#include "server/cluster_objects.h"
#include "server/object.h"
#include "server/route.h"
#include "server/state.h"
#include "store/kinds.h"

#define CLEANUP_FINALIZER "customresourcecleanup.apiextensions.k8s.io"

static void accept_waiting(struct server *server);

static bool is_established(const struct doc *definition)
{
	doc_each_item(doc_at(definition, "status.conditions"), condition) {
		if (str_is(doc_at_str(condition, "type"), "Established"))
			return str_is(doc_at_str(condition, "status"), "True");
	}
	return false;
}

/* ---- what is served */

static void serve(struct server *server, const struct doc *definition)
{
	kind_id id = schema_register(server->schema, definition);

	documents_free(server);
	if (!id) {
		log_warn("server", "too many custom resource definitions name=" STR_FMT,
			 STR_ARG(doc_at_str(definition, "metadata.name")));
		return;
	}
	if (!store_has_kind(server->store, id)) {
		struct arena *arena = arena_new(0);
		struct store_kind kind = kind_of(arena, schema_kind(server->schema, id));

		store_add_kind(server->store, id, &kind);
		arena_free(arena);
	}
	/* Objects bear the version they are stored in: it may be another one now. */
	server_later(server, &server->custom_later);
}

/* The observer has an owner of its own: others watch the store in the server's name. */
static void changed(void *self, const struct store_event *event)
{
	struct server *server = CONTAINER_OF(self, struct server, custom_later);
	const struct doc *doc = event->version->doc, *spec = doc_key(doc, "spec");

	if (event->version->kind != KIND_CustomResourceDefinition)
		return;
	if (event->type == EVENT_DELETED) {
		schema_unregister(server->schema, event->version->name);
		documents_free(server);
		server_later(server, &server->custom_later); /* its names are free again */
		return;
	}
	if (event->previous && is_established(event->previous->doc) == is_established(doc) &&
	    spec && doc_eq(spec, doc_key(event->previous->doc, "spec")))
		return;
	if (is_established(doc))
		serve(server, doc);
}

/* Writes what still bears another version than the one that is stored now. */
static void rewrite(void *self)
{
	struct server *server = self;
	struct error error = ERROR_INIT;

	for (kind_id id = KIND_COUNT; id < schema_kinds_end(server->schema); id++) {
		const struct api_kind *kind = schema_kind(server->schema, id);
		struct store_iter iter;

		store_iter_start(&iter, server->store, id, STR_NONE, STR_NONE, STR_NONE);
		for (struct version *v; (v = store_iter_next(&iter));) {
			if (str_eq(doc_at_str(v->doc, "apiVersion"), kind->api_version))
				continue;
			arena_reset(server->scratch);
			version_hold(server->scratch, v);
			const struct doc *doc = doc_set_str(server->scratch, v->doc, "apiVersion",
							    kind->api_version);

			if (store_put(server->store, id, v->namespace, v->name, doc, NULL,
				      &error) != ST_OK) {
				log_warn("server", "custom objects keep their old version: %s",
					 error.message);
				return;
			}
		}
		arena_reset(server->scratch);
	}
	accept_waiting(server);
}

void custom_start(struct server *server)
{
	struct store_iter iter;

	server->custom_later = (struct server_later){ .call = rewrite, .self = server };
	store_iter_start(&iter, server->store, KIND_CustomResourceDefinition, STR_NONE, STR_NONE,
			 STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));)
		if (is_established(v->doc))
			serve(server, v->doc);
	store_on_change(server->store, changed, &server->custom_later);
}

void custom_stop(struct server *server)
{
	server_later_cancel(server, &server->custom_later);
	store_forget(server->store, &server->custom_later);
}

/* ---- definitions */

/* A word that another definition of the group has already, and what it is there; upstream looks at
 * them in this order, and the last one found is told. */
struct taken {
	struct str word;
	const char *reason;
};

static bool has_short(const struct api_kind *kind, struct str word)
{
	for (u32 i = 0; i < kind->shorts_len; i++)
		if (str_eq(kind->shorts[i], word))
			return true;
	return false;
}

static struct taken taken_word(const struct schema *schema, const struct doc *spec)
{
	const struct doc *names = doc_key(spec, "names");
	struct str group = doc_at_str(spec, "group"), plural = doc_at_str(names, "plural");
	struct str singular = doc_at_str(names, "singular"), kind = doc_at_str(names, "kind");
	struct str list = doc_at_str(names, "listKind");
	struct taken taken = { STR(""), NULL };
	const struct api_kind *other;

	for (u32 i = 0; (other = schema_at(schema, i)); i++) {
		if (!other->shape || !str_eq(other->group, group) || str_eq(other->plural, plural))
			continue;
		if (str_eq(other->singular, plural) || has_short(other, plural))
			taken = (struct taken){ plural, "PluralConflict" };
		if (str_eq(other->singular, singular) || has_short(other, singular))
			taken = (struct taken){ singular, "SingularConflict" };
		doc_each_item(doc_key(names, "shortNames"), word)
			if (has_short(other, doc_str(word)) ||
			    str_eq(other->plural, doc_str(word)) ||
			    str_eq(other->singular, doc_str(word)))
				taken = (struct taken){ doc_str(word), "ShortNamesConflict" };
		if (str_eq(other->kind, kind) || str_eq(other->list_kind, kind))
			taken = (struct taken){ kind, "KindConflict" };
		if (str_eq(other->list_kind, list) || str_eq(other->kind, list))
			taken = (struct taken){ list, "ListKindConflict" };
	}
	return taken;
}

static void put_condition(struct call *call, struct build *b, const struct doc *old,
			  const char *type, bool yes, const char *reason, struct str message)
{
	struct str since = call_now(call), status = yes ? STR("True") : STR("False");

	doc_each_item(doc_at(old, "status.conditions"), was)
		if (str_is(doc_at_str(was, "type"), type) &&
		    str_eq(doc_at_str(was, "status"), status))
			since = doc_at_str(was, "lastTransitionTime");
	build_open_object(b, NULL);
	build_str(b, "lastTransitionTime", since);
	build_str(b, "message", message);
	build_str(b, "reason", str_of(reason));
	build_str(b, "status", status);
	build_str(b, "type", str_of(type));
	build_close(b);
}

static void put_stored_versions(struct build *b, const struct doc *spec, const struct doc *old)
{
	const struct doc *before = doc_at(old, "status.storedVersions");
	struct str stored = STR("");
	bool known = false;

	doc_each_item(doc_key(spec, "versions"), version)
		if (doc_at_bool(version, "storage", false))
			stored = doc_at_str(version, "name");
	build_open_array(b, "storedVersions");
	doc_each_item(before, version) {
		known = known || str_eq(doc_str(version), stored);
		build_doc(b, NULL, version);
	}
	if (!known)
		build_str(b, NULL, stored);
	build_close(b);
}

static const struct doc *status_of(struct call *call, const struct doc *doc, const struct doc *old)
{
	const struct doc *spec = doc_key(doc, "spec");
	struct taken taken = taken_word(call->server->schema, spec);
	bool free = !taken.reason;
	struct build b = build_object(call->arena);

	build_doc(&b, "acceptedNames", free ? doc_key(spec, "names") : &doc_empty_object);
	build_open_array(&b, "conditions");
	put_condition(call, &b, old, "NamesAccepted", free, free ? "NoConflicts" : taken.reason,
		      free ? STR("no conflicts found")
			   : str_format(call->arena, "\"" STR_FMT "\" is already in use",
					STR_ARG(taken.word)));
	put_condition(call, &b, old, "Established", free,
		      free ? "InitialNamesAccepted" : "NotAccepted",
		      free ? STR("the initial names have been accepted")
			   : STR("not all names are accepted"));
	if (object_deleting(doc))
		put_condition(call, &b, old, "Terminating", true, "InstanceDeletionPending",
			      STR("CustomResourceDefinition marked for deletion; CustomResource "
				  "deletion will begin soon"));
	build_close(&b);
	put_stored_versions(&b, spec, old);
	return build_done(&b);
}

static const struct doc *with_names(struct arena *arena, const struct doc *doc)
{
	struct str kind = doc_at_str(doc, "spec.names.kind");

	if (!doc_at_str(doc, "spec.names.singular").len && kind.len)
		doc = doc_set_str(arena, doc, "spec.names.singular", str_lower(arena, kind));
	if (!doc_at_str(doc, "spec.names.listKind").len && kind.len)
		doc = doc_set_str(arena, doc, "spec.names.listKind",
				  str_format(arena, STR_FMT "List", STR_ARG(kind)));
	return doc;
}

const struct doc *custom_definition(struct call *call, const struct doc *doc, const struct doc *old)
{
	struct arena *arena = call->arena;
	const struct doc *finalizers = doc_at(doc, "metadata.finalizers");
	bool held = false;

	if (!doc_is(doc_key(doc, "spec"), DOC_OBJECT))
		return doc; /* validation will say so */
	doc = with_names(arena, doc);
	doc_each_item(finalizers, finalizer)
		held = held || str_is(doc_str(finalizer), CLEANUP_FINALIZER);
	if (!old && !held)
		doc = doc_set(
			arena, doc, "metadata.finalizers",
			doc_append(arena, finalizers, doc_ref_str(arena, STR(CLEANUP_FINALIZER))));
	return doc_with(arena, doc, STR("status"), status_of(call, doc, old));
}

/* Definitions whose names were taken, and may be free by now; and who serves what. */
static void accept_waiting(struct server *server)
{
	struct arena *arena = arena_new(0);
	struct call call = { .server = server,
			     .arena = arena,
			     .user = &user_server,
			     .validation = VALIDATION_IGNORE };
	struct store_iter iter;
	struct error error = ERROR_INIT;

	store_iter_start(&iter, server->store, KIND_CustomResourceDefinition, STR_NONE, STR_NONE,
			 STR_NONE);
	for (struct version *v; (v = store_iter_next(&iter));) {
		const struct doc *doc = v->doc;

		if (is_established(doc))
			continue;
		version_hold(arena, v);
		const struct doc *status = status_of(&call, doc, doc);

		if (doc_eq(status, doc_key(doc, "status")))
			continue;
		if (store_put(server->store, v->kind, v->namespace, v->name,
			      doc_with(arena, doc, STR("status"), status), NULL, &error) != ST_OK) {
			log_warn("server", "names stay refused: %s", error.message);
			break;
		}
	}
	error_clear(&error);
	if (cluster_api_services(&call, &error) != ST_OK)
		log_warn("server", "APIServices are not up to date: %s", error.message);
	arena_free(arena);
}

enum status custom_admit(struct call *call, const struct api_kind *kind, struct error *error)
{
	const struct version *definition =
		store_get(call->server->store, KIND_CustomResourceDefinition, STR(""),
			  kind_resource(call->arena, kind));

	if (definition && !object_deleting(definition->doc))
		return ST_OK;
	return fail(error, ST_METHOD_NOT_ALLOWED,
		    "create not allowed while custom resource definition is terminating");
}
