/* Matching terms with pods, and writing them down as keys. */
#include "scheduler/scope.h"

#include "controllers/controller.h"
#include "controllers/labels.h"

static bool named(const struct doc *names, struct str name)
{
	doc_each_item(names, item) {
		if (str_eq(doc_str(item), name))
			return true;
	}
	return false;
}

static bool namespace_matches(const struct scope *scope, struct store *store, struct str name)
{
	if (!doc_len(scope->namespaces) && !scope->namespace_selector)
		return str_eq(scope->own, name);
	if (named(scope->namespaces, name))
		return true;
	if (!scope->namespace_selector)
		return false;
	struct version *namespace = store_get(store, KIND_Namespace, STR_NONE, name);
	return namespace && label_selector_matches(scope->namespace_selector,
						   doc_at(namespace->doc, "metadata.labels"));
}

bool scope_matches(const struct scope *scope, struct store *store, struct str namespace,
		   const struct doc *labels)
{
	return scope->selector && label_selector_matches(scope->selector, labels) &&
	       namespace_matches(scope, store, namespace);
}

struct str scope_namespace(const struct scope *scope)
{
	if (scope->namespace_selector || doc_len(scope->namespaces) > 1)
		return STR_NONE;
	return doc_len(scope->namespaces) ? doc_str(doc_item(scope->namespaces, 0)) : scope->own;
}

struct scope scope_copy(struct arena *arena, const struct scope *scope)
{
	return (struct scope){
		.own = str_copy(arena, scope->own),
		.namespaces = scope->namespaces ? doc_copy(arena, scope->namespaces) : NULL,
		.namespace_selector = scope->namespace_selector
					      ? doc_copy(arena, scope->namespace_selector)
					      : NULL,
		.selector = scope->selector ? doc_copy(arena, scope->selector) : NULL,
	};
}

void scope_write(struct buffer *out, const struct scope *scope)
{
	bool elsewhere = doc_len(scope->namespaces) || scope->namespace_selector;
	essence_write_str(out, elsewhere ? STR_NONE : scope->own);
	essence_write(out, scope->namespaces);
	essence_write(out, scope->namespace_selector);
	essence_write(out, scope->selector);
}

void essence_write_str(struct buffer *out, struct str text)
{
	u32 len = (u32)text.len;
	buffer_add(out, &len, sizeof len);
	buffer_add(out, text.at, text.len);
}

void essence_write(struct buffer *out, const struct doc *doc)
{
	u8 type = doc ? doc->type : 0xff;
	buffer_add_char(out, (char)type);
	if (!doc || doc->type <= DOC_TRUE)
		return;
	if (doc->type < DOC_ARRAY)
		return essence_write_str(out, (struct str){ doc->text, doc->len });
	buffer_add(out, &doc->len, sizeof doc->len);
	doc_each_item(doc, item) {
		essence_write(out, item);
	}
	doc_each_pair(doc, key, value) {
		essence_write_str(out, key);
		essence_write(out, value);
	}
}
