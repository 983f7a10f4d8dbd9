/*
 * Secrets of type kubernetes.io/service-account-token: an account's token without an end, for
 * programs that want one. Follows pkg/controller/serviceaccount/tokens_controller.go.
 */
#include "base/base64.h"
#include "controllers/controller.h"
#include "server/certificates.h"

static const struct str type_name = STR_INIT("kubernetes.io/service-account-token");
static const struct str name_key = STR_INIT("kubernetes.io/service-account.name");
static const struct str uid_key = STR_INIT("kubernetes.io/service-account.uid");

static struct str note(const struct version *secret, struct str key)
{
	return doc_str(doc_get(doc_at(secret->doc, AT(Secret, metadata.annotations)), key));
}

static bool holds_token(const struct version *secret)
{
	return str_eq(doc_at_str(secret->doc, AT(Secret, type)), type_name);
}

static const struct doc *with_data(const struct view *view, const struct doc *data, struct str key,
				   struct str value)
{
	struct str encoded = base64_encode(view->arena, value);

	if (str_eq(doc_str(doc_get(data, key)), encoded))
		return data;
	return doc_with(view->arena, data, key, doc_ref_str(view->arena, encoded));
}

static void token_secret_reconcile(const struct view *view, struct key key, struct plan *plan)
{
	struct version *secret = view_key(view, key), *account;

	if (!secret || !holds_token(secret) || object_deleting(secret->doc))
		return;
	struct str uid = note(secret, uid_key), token;

	account = view_get(view, KIND_ServiceAccount, key.namespace, note(secret, name_key));
	if (!account || (uid.len && !str_eq(uid, account->uid))) {
		plan_delete(plan, secret, NULL); /* its account is gone, or is another one now */
		return;
	}
	const struct doc *data = doc_at(secret->doc, AT(Secret, data)), *doc = secret->doc;

	data = with_data(view, data, STR("ca.crt"), view->ca_certificate);
	data = with_data(view, data, STR("namespace"), secret->namespace);
	if (!doc_str(doc_key(data, "token")).len) {
		if (!view->certificates ||
		    token_for_secret(view->certificates, view->arena, account, secret->name, &token,
				     NULL) != ST_OK)
			return;
		data = with_data(view, data, STR("token"), token);
	}
	doc = doc_with(view->arena, doc, STR("data"), data);
	if (!uid.len)
		doc = doc_set(view->arena, doc, "metadata.annotations",
			      doc_with(view->arena, doc_at(doc, "metadata.annotations"), uid_key,
				       doc_ref_str(view->arena, account->uid)));
	plan_update(plan, secret, doc, NULL);
}

static void token_secrets(const struct view *view, const struct change *change, struct keys *keys)
{
	if (holds_token(change->now))
		key_self(view, change, keys);
}

static void secrets_of_account(const struct view *view, const struct change *change,
			       struct keys *keys)
{
	if (change->before && !change->gone)
		return; /* only its coming and going matter */
	struct list secrets = view_list(view, KIND_Secret, change->now->namespace);

	for (u32 i = 0; i < secrets.len; i++)
		if (holds_token(secrets.at[i]) &&
		    str_eq(note(secrets.at[i], name_key), change->now->name))
			keys_add(keys, (struct key){ KIND_Secret, secrets.at[i]->namespace,
						     secrets.at[i]->name });
}

const struct controller controller_token_secret = {
	.name = "tokens-controller",
	.watch = { { KIND_Secret, token_secrets }, { KIND_ServiceAccount, secrets_of_account } },
	.reconcile = token_secret_reconcile,
	.many_kinds = true,
};
