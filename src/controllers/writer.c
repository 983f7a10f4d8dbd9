/* From intents to the server's verbs: the one place where what controllers wish becomes a write. */
#include "base/check.h"
#include "controllers/plan.h"
#include "controllers/runner.h"
#include "server/server.h"
#include "server/verbs.h"

static enum propagation propagation_of(const char *word)
{
	if (!word)
		return PROPAGATION_DEFAULT;
	return word[0] == 'B'	? PROPAGATION_BACKGROUND
	       : word[0] == 'F' ? PROPAGATION_FOREGROUND
				: PROPAGATION_ORPHAN;
}

static struct str revision_text(struct arena *arena, u64 revision)
{
	return str_format(arena, "%llu", (unsigned long long)revision);
}

static enum status write_delete(struct call *call, const struct api_kind *kind,
				const struct intent *intent, struct outcome *outcome,
				struct error *error)
{
	struct delete_options options = {
		.grace_s = intent->grace_s,
		.uid = intent->uid,
		.propagation = propagation_of(intent->propagation),
	};
	if (!intent->any_revision)
		options.resource_version = revision_text(call->arena, intent->revision);
	return verb_delete(call, kind, intent->namespace, intent->name, &options, outcome, error);
}

static enum status write_one(struct call *call, const struct api_kind *kind,
			     const struct intent *intent, struct outcome *outcome,
			     struct error *error)
{
	struct arena *arena = call->arena;
	const struct doc *doc = intent->doc;
	switch (intent->type) {
	case INTENT_CREATE:
		return verb_create(call, kind, intent->namespace, intent->name, intent->subresource,
				   doc, outcome, error);
	case INTENT_UPDATE:
		doc = doc_set_str(arena, doc, "metadata.resourceVersion",
				  revision_text(arena, intent->revision));
		return verb_update(call, kind, intent->namespace, intent->name, intent->subresource,
				   doc, outcome, error);
	case INTENT_PATCH:
		if (intent->uid.len)
			doc = doc_set_str(arena, doc, "metadata.uid", intent->uid);
		return verb_patch(call, kind, intent->namespace, intent->name, intent->subresource,
				  PATCH_MERGE, false, doc, outcome, error);
	case INTENT_DELETE:
		return write_delete(call, kind, intent, outcome, error);
	default:
		CHECK(!"events are written by the recorder");
		return ST_INTERNAL;
	}
}

static enum status writer_write(void *self, struct arena *arena, const char *user,
				const struct intent *intent, struct version **ret_object,
				struct error *error)
{
	static const struct str groups[] = { STR_INIT("system:serviceaccounts"),
					     STR_INIT("system:serviceaccounts:kube-system"),
					     STR_INIT("system:authenticated") };
	bool system = strchr(user, ':') != NULL; /* a whole name already: system:kube-scheduler */
	struct user who = {
		.name = system ? str_of(user)
			       : str_format(arena, "system:serviceaccount:kube-system:%s", user),
		.groups = system ? groups + 2 : groups,
		.groups_len = system ? 1 : 3,
	};
	struct call call = {
		.server = self,
		.arena = arena,
		.user = &who,
		.field_manager = str_of(user),
		.validation = VALIDATION_IGNORE,
	};
	struct outcome outcome = { 0 };
	const struct api_kind *kind = schema_kind(server_schema(self), intent->kind);
	enum status status = write_one(&call, kind, intent, &outcome, error);
	if (status == ST_OK)
		*ret_object = outcome.gone ? NULL : outcome.version;
	return status;
}

struct writer writer_for_server(struct server *server)
{
	return (struct writer){ writer_write, server };
}
