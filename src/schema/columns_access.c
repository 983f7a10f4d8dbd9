/* Rows of role bindings, quotas, certificate requests, revisions and ingress classes. */
#include <stdlib.h>

#include "schema/columns.h"
#include "schema/rules.h"

/* Names of the subjects of one kind; of service accounts with their namespace. */
static struct str subjects_of(struct arena *arena, const struct doc *binding, const char *kind)
{
	const struct doc *subjects = doc_at(binding, "subjects");
	struct str *names = ARENA_ARRAY(arena, struct str, doc_len(subjects) + 1);
	u32 len = 0;

	doc_each_item(subjects, subject) {
		struct str name = doc_at_str(subject, "name");

		if (!str_is(doc_at_str(subject, "kind"), kind))
			continue;
		if (str_is(STR("ServiceAccount"), kind))
			name = str_format(arena, STR_FMT "/" STR_FMT,
					  STR_ARG(doc_at_str(subject, "namespace")), STR_ARG(name));
		names[len++] = name;
	}
	return str_join(arena, names, len, STR(", "));
}

RULE_PRINT(role_binding_row)
{
	row_str(row, subjects_of(row->arena, object, "User"));
	row_str(row, subjects_of(row->arena, object, "Group"));
	row_str(row, subjects_of(row->arena, object, "ServiceAccount"));
}

static int by_key(const void *a, const void *b)
{
	const struct doc *l = a, *r = b;
	int order = memcmp(l->text, r->text, MIN(l->len, r->len));

	return order ? order : (int)l->len - (int)r->len;
}

/* "pods: 3/10, requests.cpu: 1/4": what is used of what is granted. */
static struct str used_of(struct arena *arena, const struct doc *pairs, u32 len,
			  const struct doc *used, bool limits)
{
	struct str *pieces = ARENA_ARRAY(arena, struct str, len + 1);
	u32 count = 0;

	for (u32 i = 0; i < len; i++) {
		struct str name = { pairs[2 * i].text, pairs[2 * i].len };

		if (str_starts(name, STR("limits.")) != limits)
			continue;
		pieces[count++] = str_format(arena, STR_FMT ": " STR_FMT "/" STR_FMT, STR_ARG(name),
					     STR_ARG(doc_str_or(doc_get(used, name), STR("0"))),
					     STR_ARG(doc_str(&pairs[2 * i + 1])));
	}
	return str_join(arena, pieces, count, STR(", "));
}

RULE_PRINT(resource_quota_row)
{
	const struct doc *hard = doc_at(object, "status.hard"),
			 *used = doc_at(object, "status.used");
	u32 len = doc_is(hard, DOC_OBJECT) ? doc_len(hard) : 0;
	struct doc *pairs =
		len ? arena_copy(row->arena, hard->items, sizeof *pairs * 2 * len) : NULL;

	if (len)
		qsort(pairs, len, 2 * sizeof *pairs, by_key);
	row_str(row, used_of(row->arena, pairs, len, used, false));
	row_str(row, used_of(row->arena, pairs, len, used, true));
}

RULE_PRINT(certificate_request_row)
{
	i64 seconds = doc_at_int(object, "spec.expirationSeconds", 0);
	bool approved = false, denied = false, failed = false;
	struct str word;

	doc_each_item(doc_at(object, "status.conditions"), condition) {
		struct str type = doc_at_str(condition, "type");

		approved |= str_is(type, "Approved");
		denied |= str_is(type, "Denied");
		failed |= str_is(type, "Failed");
	}
	word = denied ? STR("Denied") : approved ? STR("Approved") : STR("Pending");
	if (failed)
		word = str_format(row->arena, STR_FMT ",Failed", STR_ARG(word));
	if (doc_at_str(object, "status.certificate").len)
		word = str_format(row->arena, STR_FMT ",Issued", STR_ARG(word));
	row_or_none(row, seconds ? columns_duration(row->arena, seconds * NS_PER_S) : STR_NONE);
	row_str(row, word);
}

RULE_PRINT(controller_revision_row)
{
	struct str text = STR("<none>");

	doc_each_item(doc_at(object, "metadata.ownerReferences"), owner) {
		struct str group = doc_at_str(owner, "apiVersion");
		i64 slash = str_find_char(group, '/');

		if (!doc_at_bool(owner, "controller", false))
			continue;
		group = slash < 0 ? STR("") : str_part(group, 0, (size_t)slash);
		text = str_format(row->arena, STR_FMT "%s" STR_FMT "/" STR_FMT,
				  STR_ARG(str_lower(row->arena, doc_at_str(owner, "kind"))),
				  group.len ? "." : "", STR_ARG(group),
				  STR_ARG(doc_at_str(owner, "name")));
	}
	row_str(row, text);
}

RULE_PRINT(ingress_class_row)
{
	const struct doc *parameters = doc_at(object, "spec.parameters");
	struct str group = doc_at_str(parameters, "apiGroup");

	row_str(row, !parameters ? STR("<none>")
				 : str_format(row->arena, STR_FMT "%s" STR_FMT "/" STR_FMT,
					      STR_ARG(doc_at_str(parameters, "kind")),
					      group.len ? "." : "", STR_ARG(group),
					      STR_ARG(doc_at_str(parameters, "name"))));
}
