/* events.k8s.io/v1 and v1 tell the same event under different names. */
#include "schema/rules.h"

RULE_CONVERT(events_event_convert)
{
	static const char *const names[][2] = {
		/* events.k8s.io/v1, v1 */
		{ "note", "message" },
		{ "regarding", "involvedObject" },
		{ "reportingController", "reportingComponent" },
		{ "deprecatedSource", "source" },
		{ "deprecatedFirstTimestamp", "firstTimestamp" },
		{ "deprecatedLastTimestamp", "lastTimestamp" },
		{ "deprecatedCount", "count" },
	};

	for (u32 i = 0; i < ARRAY_LEN(names); i++) {
		struct str from = str_of(names[i][to_stored ? 0 : 1]);
		struct str to = str_of(names[i][to_stored ? 1 : 0]);
		const struct doc *value = doc_get(object, from);

		if (!value)
			continue;
		object = doc_with(arena, object, from, NULL);
		object = doc_with(arena, object, to, value);
	}
	/* The field is required there, and null where nobody knows. */
	if (!to_stored && !doc_key(object, "eventTime"))
		object = doc_with(arena, object, STR("eventTime"), &doc_null);
	return doc_set_str(arena, object, "apiVersion",
			   to_stored ? STR("v1") : STR("events.k8s.io/v1"));
}
