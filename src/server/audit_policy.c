/* Which requests are noted, and how much of them: the first rule that fits. */
#include "server/audit.h"
#include "server/authenticate.h"
#include "server/state.h"

static const char *const levels[] = { "None", "Metadata", "Request", "RequestResponse" };
static const char *const stages[] = { "RequestReceived", "ResponseStarted", "ResponseComplete",
				      "Panic" };

static int find_word(const char *const *words, u32 len, struct str word)
{
	for (u32 i = 0; i < len; i++)
		if (str_is(word, words[i]))
			return (int)i;
	return -1;
}

static enum status check_stages(const struct doc *list, const char *where, struct error *error)
{
	doc_each_item(list, stage)
		if (find_word(stages, ARRAY_LEN(stages), doc_str(stage)) < 0)
			return fail(error, ST_BAD_REQUEST,
				    "audit policy: %s: Unsupported value: \"" STR_FMT
				    "\": supported values: \"Panic\", \"RequestReceived\", "
				    "\"ResponseComplete\", \"ResponseStarted\"",
				    where, STR_ARG(doc_str(stage)));
	return ST_OK;
}

enum status audit_policy_check(const struct doc *policy, struct error *error)
{
	struct str version = doc_at_str(policy, "apiVersion");
	enum status status;

	if (!str_is(version, "audit.k8s.io/v1") || !str_is(doc_at_str(policy, "kind"), "Policy"))
		return fail(error, ST_BAD_REQUEST,
			    "audit policy: it is no Policy of audit.k8s.io/v1");
	status = check_stages(doc_key(policy, "omitStages"), "omitStages", error);
	if (status == ST_OK && !doc_len(doc_key(policy, "rules")))
		status = fail(error, ST_BAD_REQUEST, "audit policy: it has no rules");
	doc_each_item(doc_key(policy, "rules"), rule) {
		if (status != ST_OK)
			return status;
		status = check_stages(doc_key(rule, "omitStages"), "rules.omitStages", error);
		if (find_word(levels, ARRAY_LEN(levels), doc_at_str(rule, "level")) < 0)
			return fail(error, ST_BAD_REQUEST,
				    "audit policy: rules.level: Unsupported value: \"" STR_FMT
				    "\": supported values: \"Metadata\", \"None\", \"Request\", "
				    "\"RequestResponse\"",
				    STR_ARG(doc_at_str(rule, "level")));
		if (doc_len(doc_key(rule, "nonResourceURLs")) &&
		    (doc_len(doc_key(rule, "resources")) || doc_len(doc_key(rule, "namespaces"))))
			return fail(error, ST_BAD_REQUEST,
				    "audit policy: rules cannot apply to both regular resources "
				    "and non-resource URLs");
	}
	return status;
}

static bool lists(const struct doc *list, struct str word)
{
	doc_each_item(list, item)
		if (str_eq(doc_str(item), word))
			return true;
	return false;
}

/* An empty list is about everybody. */
static bool open_or_lists(const struct doc *list, struct str word)
{
	return !doc_len(list) || lists(list, word);
}

static bool user_fits(const struct doc *rule, const struct user *user)
{
	const struct doc *groups = doc_key(rule, "userGroups");

	if (!open_or_lists(doc_key(rule, "users"), user->name))
		return false;
	if (!doc_len(groups))
		return true;
	for (u32 i = 0; i < user->groups_len; i++)
		if (lists(groups, user->groups[i]))
			return true;
	return false;
}

/* "pods", "pods/log", "pods/" and a star, a star and "/scale", or a star for all. */
static bool resource_fits(struct str pattern, const struct request *r)
{
	struct str sub = pattern, resource = str_cut(&sub, '/');

	if (str_is(pattern, "*"))
		return true;
	return (str_is(resource, "*") || str_eq(resource, r->resource)) &&
	       (sub.at ? str_is(sub, "*") || str_eq(sub, r->subresource) : !r->subresource.len);
}

static bool resources_fit(const struct doc *list, const struct request *r)
{
	doc_each_item(list, item) {
		const struct doc *patterns = doc_key(item, "resources");
		bool fits = !doc_len(patterns);

		if (!str_eq(doc_at_str(item, "group"), r->group))
			continue;
		doc_each_item(patterns, pattern)
			fits = fits || resource_fits(doc_str(pattern), r);
		if (fits && open_or_lists(doc_key(item, "resourceNames"), r->name))
			return true;
	}
	return !doc_len(list);
}

static bool path_fits(const struct doc *list, struct str path)
{
	doc_each_item(list, item) {
		struct str url = doc_str(item);

		if (str_eq(url, path) ||
		    (str_ends(url, STR("*")) && str_starts(path, str_part(url, 0, url.len - 1))))
			return true;
	}
	return false;
}

static bool rule_fits(const struct doc *rule, const struct request *r)
{
	const struct doc *resources = doc_key(rule, "resources"),
			 *namespaces = doc_key(rule, "namespaces"),
			 *paths = doc_key(rule, "nonResourceURLs");
	bool resource = r->is_resource && r->resource.len;

	if (!user_fits(rule, &r->user) ||
	    !open_or_lists(doc_key(rule, "verbs"), request_verb_word(r)))
		return false;
	if (doc_len(resources) || doc_len(namespaces))
		return resource && open_or_lists(namespaces, r->ns) && resources_fit(resources, r);
	return !doc_len(paths) || (!resource && path_fits(paths, r->path));
}

static u32 omitted(const struct doc *list)
{
	u32 bits = 0;

	doc_each_item(list, stage) {
		int at = find_word(stages, ARRAY_LEN(stages), doc_str(stage));

		bits |= at < 0 ? 0 : 1U << at;
	}
	return bits;
}

struct audit_choice audit_choose(const struct doc *policy, const struct request *r)
{
	doc_each_item(doc_key(policy, "rules"), rule) {
		int level;

		if (!rule_fits(rule, r))
			continue;
		level = find_word(levels, ARRAY_LEN(levels), doc_at_str(rule, "level"));
		return (struct audit_choice){
			.level = level < 0 ? AUDIT_NONE : (enum audit_level)level,
			.omitted = omitted(doc_key(policy, "omitStages")) |
				   omitted(doc_key(rule, "omitStages")),
			.omit_managed_fields =
				doc_at_bool(rule, "omitManagedFields",
					    doc_at_bool(policy, "omitManagedFields", false)),
		};
	}
	return (struct audit_choice){ .level = AUDIT_NONE };
}
