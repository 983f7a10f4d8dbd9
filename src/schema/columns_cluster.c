/* Rows of what configures the API server itself: policies, priorities, group-versions, health. */
#include "schema/columns.h"
#include "schema/rules.h"

/* "a/b", or one of them alone, or what to show when there is neither. */
static struct str pair(struct arena *arena, struct str a, struct str b, const char *otherwise)
{
	if (!a.len && !b.len)
		return str_of(otherwise);
	return str_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(a), a.len && b.len ? "/" : "",
			  STR_ARG(b));
}

static const struct doc *condition_of(const struct doc *list, const char *type)
{
	doc_each_item(list, condition)
		if (str_is(doc_at_str(condition, "type"), type))
			return condition;
	return NULL;
}

RULE_PRINT(admission_policy_row)
{
	const struct doc *kind = doc_at(object, "spec.paramKind");

	row_str(row, pair(row->arena, doc_at_str(kind, "apiVersion"), doc_at_str(kind, "kind"),
			  "<unset>"));
}

RULE_PRINT(admission_policy_binding_row)
{
	const struct doc *ref = doc_at(object, "spec.paramRef");

	row_str(row, pair(row->arena, doc_at_str(ref, "namespace"), doc_at_str(ref, "name"),
			  ref ? "*" : "<unset>"));
}

RULE_PRINT(flow_schema_row)
{
	const struct doc *dangling = condition_of(doc_at(object, "status.conditions"), "Dangling");

	row_str(row, doc_str_or(doc_key(dangling, "status"), STR("?")));
}

RULE_PRINT(api_service_row)
{
	const struct doc *service = doc_at(object, "spec.service");
	const struct doc *available =
		condition_of(doc_at(object, "status.conditions"), "Available");
	struct str status = doc_str_or(doc_key(available, "status"), STR("Unknown"));
	struct str reason = doc_at_str(available, "reason");

	row_str(row, pair(row->arena, doc_at_str(service, "namespace"), doc_at_str(service, "name"),
			  "Local"));
	row_str(row, str_is(status, "True") || !reason.len
			     ? status
			     : str_format(row->arena, STR_FMT " (" STR_FMT ")", STR_ARG(status),
					  STR_ARG(reason)));
}

RULE_PRINT(component_status_row)
{
	const struct doc *healthy = condition_of(doc_key(object, "conditions"), "Healthy");
	struct str status = doc_at_str(healthy, "status");

	row_str(row, str_is(status, "True")    ? STR("Healthy")
		     : str_is(status, "False") ? STR("Unhealthy")
					       : STR("Unknown"));
	row_str(row, doc_at_str(healthy, "message"));
	row_str(row, doc_at_str(healthy, "error"));
}

RULE_PRINT(ip_address_row)
{
	const struct doc *parent = doc_at(object, "spec.parentRef");
	struct str resource = doc_at_str(parent, "resource"), group = doc_at_str(parent, "group");
	struct str where =
		pair(row->arena, doc_at_str(parent, "namespace"), doc_at_str(parent, "name"), "");

	if (group.len)
		resource = str_format(row->arena, STR_FMT "." STR_FMT, STR_ARG(resource),
				      STR_ARG(group));
	row_str(row, pair(row->arena, resource, where, "<none>"));
}
