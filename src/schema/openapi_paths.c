/* Which paths a group-version has and what can be done at each. */
#include <ctype.h>

#include "schema/openapi_parts.h"

const struct openapi_param openapi_query[] = {
	{ OPENAPI_LIST, "allowWatchBookmarks", "boolean",
	  "Let a watch send bookmarks: events with nothing but a resourceVersion." },
	{ OPENAPI_LIST, "continue", "string", "Token for the next part of a long list." },
	{ OPENAPI_LIST, "fieldSelector", "string", "Only objects whose fields match." },
	{ OPENAPI_LIST, "labelSelector", "string", "Only objects whose labels match." },
	{ OPENAPI_LIST, "limit", "integer", "Most items in the answer." },
	{ OPENAPI_LIST, "resourceVersion", "string", "How old the answer may be." },
	{ OPENAPI_LIST, "resourceVersionMatch", "string", "How resourceVersion is meant." },
	{ OPENAPI_LIST, "sendInitialEvents", "boolean", "Let a watch begin with what is there." },
	{ OPENAPI_LIST, "timeoutSeconds", "integer", "Seconds after which a watch ends." },
	{ OPENAPI_LIST, "watch", "boolean", "Tell of changes instead of listing." },
	{ OPENAPI_WRITE | OPENAPI_DELETE, "dryRun", "string",
	  "All: go through every step but store nothing." },
	{ OPENAPI_WRITE, "fieldManager", "string", "Name of whoever makes the change." },
	{ OPENAPI_WRITE, "fieldValidation", "string",
	  "What to do about unknown and duplicate fields: Ignore, Warn or Strict." },
	{ OPENAPI_FORCE, "force", "boolean", "Take over fields that others own; for apply only." },
	{ OPENAPI_DELETE, "gracePeriodSeconds", "integer", "Seconds to let the object stop." },
	{ OPENAPI_DELETE, "orphanDependents", "boolean", "Older form of propagationPolicy." },
	{ OPENAPI_DELETE, "propagationPolicy", "string",
	  "What happens to dependents: Orphan, Background or Foreground." },
};
const u32 openapi_query_len = ARRAY_LEN(openapi_query);

struct walk {
	struct arena *arena;
	const struct served *served;
	const struct schema *schema;
	struct str prefix, word; /* "/apis/apps/v1", "AppsV1" */
	VEC(struct openapi_path) paths;
};

/* "rbac.authorization.k8s.io", "v1" → "RbacAuthorizationV1". */
static struct str group_word(struct arena *arena, const struct served *s)
{
	struct str group = s->group.len ? s->group : STR("core");
	char *out = arena_alloc(arena, group.len + s->version.len + 1);
	size_t len = 0;
	bool upper = true;

	if (str_ends(group, STR(".k8s.io")))
		group.len -= 7;
	for (size_t i = 0; i < group.len; i++) {
		bool letter = isalnum((unsigned char)group.at[i]);

		if (letter)
			out[len++] =
				(char)(upper ? toupper((unsigned char)group.at[i]) : group.at[i]);
		upper = !letter;
	}
	for (size_t i = 0; i < s->version.len; i++)
		out[len++] = i ? s->version.at[i] : (char)toupper((unsigned char)s->version.at[i]);
	return (struct str){ out, len };
}

static struct str capital(struct arena *arena, struct str s)
{
	struct str copy = str_copy(arena, s);

	if (copy.len)
		((char *)(uintptr_t)copy.at)[0] = (char)toupper((unsigned char)copy.at[0]);
	return copy;
}

struct deed { /* one row of what can be done with a kind */
	u8 verb;
	const char *method, *action, *id, *text;
	u8 params, body, answer;
};

static const struct deed collection_deeds[] = {
	{ API_VERB_LIST, "get", "list", "list", "List or watch", OPENAPI_LIST, OPENAPI_NO_BODY,
	  OPENAPI_GIVES_LIST },
	{ API_VERB_CREATE, "post", "post", "create", "Create", OPENAPI_WRITE, OPENAPI_OBJECT,
	  OPENAPI_GIVES_OBJECT },
	{ API_VERB_DELETE_COLLECTION, "delete", "deletecollection", "deleteCollection",
	  "Delete all matching", OPENAPI_LIST | OPENAPI_DELETE, OPENAPI_DELETE_OPTIONS,
	  OPENAPI_GIVES_STATUS },
};
static const struct deed object_deeds[] = {
	{ API_VERB_GET, "get", "get", "read", "Read", 0, OPENAPI_NO_BODY, OPENAPI_GIVES_OBJECT },
	{ API_VERB_UPDATE, "put", "put", "replace", "Replace", OPENAPI_WRITE, OPENAPI_OBJECT,
	  OPENAPI_GIVES_OBJECT },
	{ API_VERB_DELETE, "delete", "delete", "delete", "Delete", OPENAPI_DELETE,
	  OPENAPI_DELETE_OPTIONS, OPENAPI_GIVES_STATUS },
	{ API_VERB_PATCH, "patch", "patch", "patch", "Change part of",
	  OPENAPI_WRITE | OPENAPI_FORCE, OPENAPI_PATCH, OPENAPI_GIVES_OBJECT },
	{ API_VERB_CREATE, "post", "post", "create", "Create", OPENAPI_WRITE, OPENAPI_OBJECT,
	  OPENAPI_GIVES_OBJECT },
};

/* What an operation is about: a kind itself, or what stands behind a subresource. */
struct subject {
	const struct api_kind *kind;
	const struct served_part *part; /* NULL: the kind itself */
	struct str part_name;
};

static void add_operation(struct walk *w, struct openapi_path *path, const struct deed *deed,
			  const struct subject *on)
{
	struct openapi_operation *op = &path->operations[path->len++];
	const struct api_kind *object = on->kind;
	bool connects = on->part && on->part->connects;

	*op = (struct openapi_operation){
		.method = deed->method,
		.action = connects ? "connect" : deed->action,
		.params = connects ? 0 : deed->params,
		.body = connects ? OPENAPI_NO_BODY : deed->body,
		.answer = connects ? OPENAPI_GIVES_TEXT : deed->answer,
		.group = on->kind->group,
		.version = on->kind->version,
		.kind = on->kind->kind,
	};
	if (on->part && on->part->kind.len) {
		op->group = on->part->group;
		op->version = on->part->version;
		op->kind = on->part->kind;
		object = schema_find_kind(w->schema,
					  op->group.len ? str_format(w->arena, STR_FMT "/" STR_FMT,
								     STR_ARG(op->group),
								     STR_ARG(op->version))
							: op->version,
					  op->kind);
	}
	if (object)
		op->object = openapi_name(w->arena, object->root);
	bool list_all = on->kind->namespaced && !path->has_namespace;
	op->id = str_format(
		w->arena, "%s" STR_FMT "%s" STR_FMT STR_FMT "%s",
		connects ? (deed->verb == API_VERB_GET ? "connectGet" : "connectPost") : deed->id,
		STR_ARG(w->word), path->has_namespace ? "Namespaced" : "", STR_ARG(on->kind->kind),
		STR_ARG(capital(w->arena, on->part_name)), list_all ? "ForAllNamespaces" : "");
	op->text = str_format(w->arena, "%s " STR_FMT "%s" STR_FMT ".",
			      connects ? "Connect to" : deed->text, STR_ARG(on->kind->plural),
			      on->part ? "/" : "", STR_ARG(on->part_name));
}

static void add_path(struct walk *w, const struct subject *on, struct str tail, u8 verbs,
		     bool in_namespace, bool named)
{
	const struct deed *deeds = named ? object_deeds : collection_deeds;
	u32 len = named ? ARRAY_LEN(object_deeds) : ARRAY_LEN(collection_deeds);
	struct openapi_path path = { .has_name = named, .has_namespace = in_namespace };

	path.path = str_format(w->arena, STR_FMT "%s/" STR_FMT "%s" STR_FMT, STR_ARG(w->prefix),
			       in_namespace ? "/namespaces/{namespace}" : "",
			       STR_ARG(on->kind->plural), named ? "/{name}" : "", STR_ARG(tail));
	for (u32 i = 0; i < len; i++)
		if (verbs & deeds[i].verb)
			add_operation(w, &path, &deeds[i], on);
	if (path.len)
		VEC_PUSH(w->arena, &w->paths, path);
}

static void add_kind(struct walk *w, const struct api_kind *kind)
{
	struct subject on = { .kind = kind };
	u8 object_verbs = kind->verbs & (u8)~API_VERB_CREATE;

	if (kind->namespaced)
		add_path(w, &on, STR_NONE, kind->verbs & API_VERB_LIST, false, false);
	add_path(w, &on, STR_NONE, kind->verbs, kind->namespaced, false);
	add_path(w, &on, STR_NONE, object_verbs, kind->namespaced, true);
	for (u32 i = 0; i < kind->subresources_len; i++) {
		on.part_name = kind->subresources[i];
		on.part = served_part_find(on.part_name);
		add_path(w, &on, str_format(w->arena, "/" STR_FMT, STR_ARG(on.part_name)),
			 on.part->verbs, kind->namespaced, true);
	}
}

const struct openapi_path *openapi_paths(struct arena *arena, const struct schema *schema,
					 const struct served *served, u32 *ret_len)
{
	struct walk w = { .arena = arena, .served = served, .schema = schema };

	w.word = group_word(arena, served);
	w.prefix = str_format(arena, "/%s/" STR_FMT, served->group.len ? "apis" : "api",
			      STR_ARG(served->api_version));
	for (u32 i = 0; i < served->len; i++)
		add_kind(&w, served->kinds[i]);
	*ret_len = w.paths.len;
	return w.paths.at;
}
