/* What configures the API server itself: group-versions. Follows upstream's
 * kube-aggregator/pkg/apis/apiregistration/validation. */
#include "schema/rules.h"

#include "schema/check.h"

RULE_CHECK(api_service_check)
{
	struct str group = doc_at_str(value, "spec.group");
	struct str version = doc_at_str(value, "spec.version");
	struct str name = doc_at_str(value, "metadata.name");
	struct str wanted =
		str_format(c->arena, STR_FMT "." STR_FMT, STR_ARG(version), STR_ARG(group));
	const struct doc *service = doc_at(value, "spec.service");

	(void)old;
	if (!str_eq(name, wanted))
		check_invalid_str(c, "metadata.name", name,
				  "must be `spec.version+\".\"+spec.group`: \"" STR_FMT "\"",
				  STR_ARG(wanted));
	check_enter(c, "spec");
	if (group.len)
		check_format_str(c, "group", API_FORMAT_DNS_SUBDOMAIN, group);
	check_format_str(c, "version", API_FORMAT_DNS_1035_LABEL, version);
	if (doc_is(service, DOC_OBJECT)) {
		if (!doc_at_str(service, "namespace").len)
			check_required(c, "service.namespace", "");
		if (!doc_at_str(service, "name").len)
			check_required(c, "service.name", "");
	} else {
		if (doc_at_str(value, "spec.caBundle").len)
			check_invalid_raw(c, "caBundle", STR("\"\""),
					  "local APIServices may not have a caBundle");
		if (doc_at_bool(value, "spec.insecureSkipTLSVerify", false))
			check_invalid(c, "insecureSkipTLSVerify", &doc_true,
				      "local APIServices may not have insecureSkipTLSVerify");
	}
	check_leave(c);
}
