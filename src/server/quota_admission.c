/*
 * ResourceQuota's door: what a new or larger object needs is compared with what the quota's status
 * says is used, and added to it before the object is stored. Follows
 * k8s.io/apiserver/pkg/admission/plugin/resourcequota.
 */
#include "base/buffer.h"
#include "server/object.h"
#include "server/quota.h"
#include "server/state.h"
#include "server/write.h"

enum { QUOTAS_MAX = 100 };

static bool says(const struct doc *map, struct str name)
{
	return doc_get(map, name) != NULL;
}

/* The containers that leave out what the quota needs to know: "requests.cpu for: a,b". */
static void name_missing(struct buffer *out, const struct doc *pod, struct str name)
{
	bool limit = str_starts(name, STR("limits."));
	struct str resource = limit				   ? str_from(name, 7)
			      : str_starts(name, STR("requests.")) ? str_from(name, 9)
								   : name;
	const char *list = limit ? "limits" : "requests";
	u32 named = 0;

	if (!str_is(resource, "cpu") && !str_is(resource, "memory"))
		return;
	doc_each_item(doc_at(pod, "spec.containers"), container) {
		const struct doc *map = doc_get(doc_key(container, "resources"), str_of(list));

		if (says(map, resource))
			continue;
		if (!named)
			buffer_add_format(out, "%s" STR_FMT " for: ", out->len ? "; " : "",
					  STR_ARG(name));
		buffer_add_format(out, "%s" STR_FMT, named++ ? "," : "",
				  STR_ARG(doc_str(doc_key(container, "name"))));
	}
}

static enum status check_said(struct call *call, const struct api_kind *kind,
			      const struct version *quota, const struct doc *doc,
			      struct error *error)
{
	struct buffer missing = BUFFER_INIT(8 << 10);
	enum status status = ST_OK;

	if (kind->id != KIND_Pod)
		return ST_OK;
	doc_each_pair(doc_at(quota->doc, "spec.hard"), name, value) {
		(void)value;
		name_missing(&missing, doc, name);
	}
	if (missing.len)
		status = fail_forbidden(call, kind, object_name(doc), error,
					"failed quota: " STR_FMT ": must specify " STR_FMT,
					STR_ARG(quota->name), STR_ARG(buffer_str(&missing)));
	buffer_release(&missing);
	return status;
}

struct charge {
	struct version *quota;
	const struct doc *used; /* as it shall be */
};

static void list_amount(struct arena *arena, struct buffer *out, struct str name,
			struct quantity quantity)
{
	buffer_add_format(out, "%s" STR_FMT "=" STR_FMT, out->len ? "," : "", STR_ARG(name),
			  STR_ARG(quantity_print(arena, quantity)));
}

/* What is used by now. A quota so new that nobody has counted for it yet is counted here, so that
 * nothing slips in between. */
static struct quantity used_so_far(struct call *call, const struct version *quota, struct str name,
				   struct amounts *counted)
{
	const struct doc *said = doc_get(doc_at(quota->doc, "status.used"), name);
	struct quantity none = { 0 };

	if (said)
		return quantity_of(said);
	if (!counted->list.len)
		*counted =
			quota_count(call->arena, call->server->schema, call->server->store, quota);
	const struct quantity *found = amounts_get(counted, name);
	return found ? *found : none;
}

/* Adds what is needed to what is used; names every limit that would be passed. */
static enum status charge(struct call *call, const struct api_kind *kind, const struct doc *doc,
			  const struct amounts *needed, struct charge *charge, struct error *error)
{
	struct arena *arena = call->arena;
	struct buffer words[3] = { BUFFER_INIT(4 << 10), BUFFER_INIT(4 << 10),
				   BUFFER_INIT(4 << 10) };
	struct amounts counted = { 0 };
	enum status status = ST_OK;

	charge->used = doc_at(charge->quota->doc, "status.used");
	doc_each_pair(doc_at(charge->quota->doc, "spec.hard"), name, limit) {
		const struct quantity *need = amounts_get(needed, name);
		if (!need || need->nanos <= 0)
			continue;
		struct quantity hard = quantity_of(limit);
		struct quantity used = used_so_far(call, charge->quota, name, &counted);
		struct quantity sum = quantity_add(used, *need);

		charge->used = doc_with(arena, charge->used, name,
					doc_ref_str(arena, quantity_print(arena, sum)));
		if (quantity_compare(sum, hard) <= 0)
			continue;
		list_amount(arena, &words[0], name, *need);
		list_amount(arena, &words[1], name, used);
		list_amount(arena, &words[2], name, hard);
	}
	if (words[0].len)
		status = fail_forbidden(
			call, kind, object_name(doc), error,
			"exceeded quota: " STR_FMT ", requested: " STR_FMT ", used: " STR_FMT
			", limited: " STR_FMT,
			STR_ARG(charge->quota->name), STR_ARG(buffer_str(&words[0])),
			STR_ARG(buffer_str(&words[1])), STR_ARG(buffer_str(&words[2])));
	for (u32 i = 0; i < ARRAY_LEN(words); i++)
		buffer_release(&words[i]);
	return status;
}

static enum status write_charge(struct call *call, const struct charge *charge, struct error *error)
{
	const struct api_kind *kind = schema_kind(call->server->schema, KIND_ResourceQuota);
	struct outcome outcome = { 0 };

	if (call->dry_run || charge->used == doc_at(charge->quota->doc, "status.used"))
		return ST_OK;
	return write_update(call, kind, charge->quota,
			    doc_set(call->arena, charge->quota->doc, "status.used", charge->used),
			    "status", &outcome, error);
}

enum status admit_quota(struct call *call, const struct api_kind *kind, struct str ns,
			const struct doc *doc, const struct doc *old, struct error *error)
{
	struct charge charges[QUOTAS_MAX];
	struct amounts needed = { 0 };
	struct store_iter iter;
	u32 len = 0;
	enum status status = ST_OK;

	store_iter_start(&iter, call->server->store, KIND_ResourceQuota, ns, STR_NONE, STR_NONE);
	for (struct version *quota; (quota = store_iter_next(&iter)) && len < QUOTAS_MAX;) {
		if (!quota_concerns(doc_at(quota->doc, "spec.hard"), kind) ||
		    !quota_covers(quota->doc, kind, doc))
			continue;
		version_hold(call->arena, quota);
		charges[len++] = (struct charge){ .quota = quota };
	}
	if (!len)
		return ST_OK;
	needed = quota_usage(call->arena, kind, doc);
	if (old) { /* only what it grows by */
		struct amounts before = quota_usage(call->arena, kind, old);

		for (u32 i = 0; i < needed.list.len; i++) {
			struct amount *amount = &needed.list.at[i];
			const struct quantity *had = amounts_get(&before, amount->name);

			if (had)
				amount->quantity = quantity_subtract(amount->quantity, *had);
		}
	}
	for (u32 i = 0; i < len && status == ST_OK; i++) {
		if (!old)
			status = check_said(call, kind, charges[i].quota, doc, error);
		if (status == ST_OK)
			status = charge(call, kind, doc, &needed, &charges[i], error);
	}
	for (u32 i = 0; i < len && status == ST_OK; i++)
		status = write_charge(call, &charges[i], error);
	return status;
}
