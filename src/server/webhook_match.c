/* Which webhooks are asked about a write: rules, scopes, selectors, versions that mean the same. */
#include "schema/selector.h"
#include "server/admission.h"
#include "server/object.h"
#include "server/state.h"
#include "server/webhook_inside.h"

static bool lists(const struct doc *list, struct str word)
{
	doc_each_item(list, item)
		if (str_is(doc_str(item), "*") || str_eq(doc_str(item), word))
			return true;
	return false;
}

static bool has_resource(const struct doc *list, struct str plural, struct str sub)
{
	doc_each_item(list, item) {
		struct str rest = doc_str(item), resource = str_cut(&rest, '/');

		if ((str_is(resource, "*") || str_eq(resource, plural)) &&
		    (str_is(rest, "*") || str_eq(rest, sub)))
			return true;
	}
	return false;
}

static bool rule_has_kind(const struct doc *rule, const struct api_kind *kind, struct str sub)
{
	return lists(doc_key(rule, "apiGroups"), kind->group) &&
	       lists(doc_key(rule, "apiVersions"), kind->version) &&
	       has_resource(doc_key(rule, "resources"), kind->plural, sub);
}

static bool rule_fits(const struct doc *rule, const struct webhook_subject *s)
{
	static const char *const words[] = { "CREATE", "UPDATE", "DELETE" };
	struct str scope = doc_at_str(rule, "scope");
	bool namespaced = s->kind->namespaced && s->ns.len;

	return lists(doc_key(rule, "operations"), str_of(words[s->operation])) &&
	       !(str_is(scope, "Cluster") && namespaced) &&
	       !(str_is(scope, "Namespaced") && !namespaced);
}

/* The kind under whose name a rule means this write; NULL: it does not. */
static const struct api_kind *kind_meant(const struct server *server, const struct doc *rule,
					 const struct webhook_subject *s, bool equivalent)
{
	const struct api_kind *other;

	if (rule_has_kind(rule, s->kind, s->subresource))
		return s->kind;
	for (u32 i = 0; equivalent && (other = schema_at(server->schema, i)); i++)
		if (other != s->kind && other->stored == s->kind->stored &&
		    rule_has_kind(rule, other, s->subresource))
			return other;
	return NULL;
}

static enum status selects(struct call *call, const struct doc *selector, const struct doc *labels,
			   bool *ret_yes, struct error *error)
{
	struct selector *parsed;
	enum status status;

	*ret_yes = true;
	if (!selector || !doc_len(selector))
		return ST_OK;
	status = selector_from_doc(call->arena, selector, &parsed, error);
	if (status == ST_OK)
		*ret_yes = selector_matches(parsed, labels);
	return status;
}

static enum status selectors_fit(struct call *call, const struct doc *hook,
				 const struct webhook_subject *s, bool *ret_yes,
				 struct error *error)
{
	const struct doc *selector = doc_key(hook, "namespaceSelector"), *labels = NULL;
	const struct version *namespace;
	bool yes = true, old = false;
	enum status status = ST_OK;

	*ret_yes = false;
	if (s->kind->id == KIND_Namespace) {
		labels = doc_at(s->object ? s->object : s->old, "metadata.labels");
		status = selects(call, selector, labels, &yes, error);
	} else if (s->kind->namespaced) {
		namespace = store_get(call->server->store, KIND_Namespace, STR(""), s->ns);
		labels = namespace ? doc_at(namespace->doc, "metadata.labels") : NULL;
		status = selects(call, selector, labels, &yes, error);
	}
	if (status != ST_OK || !yes)
		return status;
	selector = doc_key(hook, "objectSelector");
	yes = false;
	if (s->object || !s->old)
		status = selects(call, selector, doc_at(s->object, "metadata.labels"), &yes, error);
	if (status == ST_OK && s->old)
		status = selects(call, selector, doc_at(s->old, "metadata.labels"), &old, error);
	*ret_yes = yes || old;
	return status;
}

static enum status add_hooks(struct call *call, const struct doc *config,
			     const struct webhook_subject *s, bool mutating,
			     struct webhooks *ret_hooks, struct error *error)
{
	doc_each_item(doc_key(config, "webhooks"), hook) {
		bool equivalent = !str_is(doc_at_str(hook, "matchPolicy"), "Exact"), fits;
		const struct api_kind *kind = NULL;
		enum status status;

		doc_each_item(doc_key(hook, "rules"), rule)
			if (!kind && rule_fits(rule, s))
				kind = kind_meant(call->server, rule, s, equivalent);
		if (!kind)
			continue;
		status = selectors_fit(call, hook, s, &fits, error);
		if (status != ST_OK)
			return status;
		if (fits)
			VEC_PUSH(call->arena, &ret_hooks->list,
				 (struct webhook){ hook, kind, mutating });
	}
	return ST_OK;
}

/* Who decides about webhooks must not be kept from mending them. */
static bool is_exempt(const struct api_kind *kind)
{
	return kind->id == KIND_MutatingWebhookConfiguration ||
	       kind->id == KIND_ValidatingWebhookConfiguration;
}

enum status webhooks_matching(struct call *call, const struct webhook_subject *subject,
			      bool mutating, struct webhooks *ret_hooks, struct error *error)
{
	kind_id id =
		mutating ? KIND_MutatingWebhookConfiguration : KIND_ValidatingWebhookConfiguration;
	enum status status = ST_OK;
	struct store_iter iter;

	if (is_exempt(subject->kind->stored))
		return ST_OK;
	store_iter_start(&iter, call->server->store, id, STR(""), STR_NONE, STR_NONE);
	for (struct version *v; status == ST_OK && (v = store_iter_next(&iter));) {
		version_hold(call->arena, v);
		status = add_hooks(call, v->doc, subject, mutating, ret_hooks, error);
	}
	return status;
}

enum status admit_webhooks(struct call *call, const struct api_kind *kind, const struct doc *doc,
			   struct error *error)
{
	const struct doc *hooks = doc_key(doc, "webhooks");

	for (u32 i = 0; i < doc_len(hooks); i++)
		if (doc_len(doc_key(doc_item(hooks, i), "matchConditions")))
			return fail_invalid(
				call, kind, object_name(doc), error, "FieldValueForbidden",
				str_format(call->arena, "webhooks[%u].matchConditions", i).at,
				"Forbidden: this server does not evaluate expressions (CEL); "
				"narrow the webhook by rules, namespaceSelector and "
				"objectSelector");
	return ST_OK;
}
