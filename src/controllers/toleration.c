/* Taints and tolerations, as in k8s.io/api/core/v1/toleration.go. */
#include "controllers/toleration.h"

bool toleration_tolerates(const struct doc *toleration, const struct doc *taint)
{
	struct str effect = doc_str(doc_key(toleration, "effect"));
	struct str key = doc_str(doc_key(toleration, "key"));
	struct str operator= doc_str(doc_key(toleration, "operator"));
	if (effect.len && !str_eq(effect, doc_str(doc_key(taint, "effect"))))
		return false;
	if (key.len && !str_eq(key, doc_str(doc_key(taint, "key"))))
		return false;
	if (str_eq(operator, STR("Exists")))
		return true;
	if (operator.len && !str_eq(operator, STR("Equal")))
		return false;
	return key.len &&
	       str_eq(doc_str(doc_key(toleration, "value")), doc_str(doc_key(taint, "value")));
}

bool tolerations_tolerate(const struct doc *tolerations, const struct doc *taint)
{
	doc_each_item(tolerations, toleration) {
		if (toleration_tolerates(toleration, taint))
			return true;
	}
	return false;
}

bool taint_has_effect(const struct doc *taint, const char *effect)
{
	return str_is(doc_str(doc_key(taint, "effect")), effect);
}
