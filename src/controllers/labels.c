/* Label selectors over documents; the rules of k8s.io/apimachinery/pkg/labels. */
#include "controllers/labels.h"

#include "doc/build.h"

static bool listed(const struct doc *values, struct str value)
{
	doc_each_item(values, item) {
		if (str_eq(doc_str(item), value))
			return true;
	}
	return false;
}

bool requirement_matches(const struct doc *requirement, const struct doc *labels)
{
	const struct doc *label = doc_get(labels, doc_str(doc_key(requirement, "key")));
	const struct doc *values = doc_key(requirement, "values");
	struct str operator= doc_str(doc_key(requirement, "operator"));

	if (str_eq(operator, STR("In")))
		return label && listed(values, doc_str(label));
	if (str_eq(operator, STR("NotIn")))
		return !label || !listed(values, doc_str(label));
	if (str_eq(operator, STR("Exists")))
		return label != NULL;
	if (str_eq(operator, STR("DoesNotExist")))
		return label == NULL;
	bool greater = str_eq(operator, STR("Gt"));
	if (!greater && !str_eq(operator, STR("Lt")))
		return false;
	i64 have, bound;
	if (!str_to_i64(doc_str(label), &have) || !str_to_i64(doc_str(doc_item(values, 0)), &bound))
		return false;
	return greater ? have > bound : have < bound;
}

bool labels_contain(const struct doc *labels, const struct doc *wanted)
{
	doc_each_pair(wanted, key, value) {
		const struct doc *have = doc_get(labels, key);
		if (!have || !str_eq(doc_str(have), doc_str(value)))
			return false;
	}
	return true;
}

bool label_selector_matches(const struct doc *selector, const struct doc *labels)
{
	if (!doc_is(selector, DOC_OBJECT))
		return false;
	if (!labels_contain(labels, doc_key(selector, "matchLabels")))
		return false;
	doc_each_item(doc_key(selector, "matchExpressions"), requirement) {
		if (!requirement_matches(requirement, labels))
			return false;
	}
	return true;
}

const struct doc *label_selector_of_map(struct arena *arena, const struct doc *map)
{
	struct build b = build_object(arena);
	build_doc(&b, "matchLabels", map ? map : &doc_empty_object);
	return build_done(&b);
}
