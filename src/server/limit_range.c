/*
 * LimitRanger: containers that say nothing of resources get the namespace's defaults; pods,
 * containers and claims outside its bounds are refused. Follows plugin/pkg/admission/limitranger.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/buffer.h"
#include "server/admission.h"
#include "server/object.h"
#include "server/pod_resources.h"
#include "server/state.h"

struct limiter {
	struct call *call;
	struct buffer said;    /* what defaults were set, for the annotation */
	struct buffer refusal; /* sentences, parted by ", " */
	u32 refusals;
};

/* ---- defaults */

static const struct doc *fill(struct limiter *l, const struct doc *container,
			      const struct doc *defaults, const char *list, const char *what,
			      const char *sort)
{
	struct arena *arena = l->call->arena;
	const struct doc *resources = doc_key(container, "resources");
	const struct doc *there = doc_get(resources, str_of(list)), *made = there;
	u32 set = 0;

	doc_each_pair(defaults, name, value) {
		if (doc_get(there, name))
			continue;
		made = doc_with(arena, made, name, value);
		if (!set)
			buffer_add_format(&l->said, "%s", l->said.len ? "; " : "");
		buffer_add_format(&l->said, "%s" STR_FMT, set++ ? ", " : "", STR_ARG(name));
	}
	if (!set)
		return container;
	buffer_add_format(&l->said, " %s for %s " STR_FMT, what, sort,
			  STR_ARG(doc_str(doc_key(container, "name"))));
	resources = doc_with(arena, resources, str_of(list), made);
	return doc_with(arena, container, STR("resources"), resources);
}

static const struct doc *fill_containers(struct limiter *l, const struct doc *pod, const char *path,
					 const char *sort, const struct doc *item)
{
	struct arena *arena = l->call->arena;
	const struct doc *list = doc_at(pod, path), *made = list;

	for (u32 i = 0; i < doc_len(list); i++) {
		const struct doc *container = doc_item(list, i);

		container = fill(l, container, doc_key(item, "defaultRequest"), "requests",
				 "request", sort);
		container = fill(l, container, doc_key(item, "default"), "limits", "limit", sort);
		if (container != doc_item(list, i))
			made = doc_with_item(arena, made, i, container);
	}
	return made == list ? pod : doc_set(arena, pod, path, made);
}

/* ---- bounds */

PRINTF(2, 3) static void refuse(struct limiter *l, const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	buffer_add_format(&l->refusal, "%s%s", l->refusals++ ? ", " : "", text);
}

static struct str shown(struct limiter *l, struct quantity quantity)
{
	return quantity_print(l->call->arena, quantity);
}

static void check_min(struct limiter *l, const char *type, struct str name, struct quantity bound,
		      const struct quantity *request, const struct quantity *limit)
{
	struct str least = shown(l, bound);

	if (!request)
		refuse(l,
		       "minimum " STR_FMT " usage per %s is " STR_FMT ".  No request is specified",
		       STR_ARG(name), type, STR_ARG(least));
	else if (quantity_compare(*request, bound) < 0)
		refuse(l,
		       "minimum " STR_FMT " usage per %s is " STR_FMT ", but request is " STR_FMT,
		       STR_ARG(name), type, STR_ARG(least), STR_ARG(shown(l, *request)));
	else if (limit && quantity_compare(*limit, bound) < 0)
		refuse(l, "minimum " STR_FMT " usage per %s is " STR_FMT ", but limit is " STR_FMT,
		       STR_ARG(name), type, STR_ARG(least), STR_ARG(shown(l, *limit)));
}

static void check_max(struct limiter *l, const char *type, struct str name, struct quantity bound,
		      const struct quantity *request, const struct quantity *limit)
{
	bool claim = str_is(str_of(type), "PersistentVolumeClaim");
	struct str most = shown(l, bound);

	if (!(claim ? request : limit))
		refuse(l, "maximum " STR_FMT " usage per %s is " STR_FMT ".  No %s is specified",
		       STR_ARG(name), type, STR_ARG(most), claim ? "request" : "limit");
	else if (limit && quantity_compare(*limit, bound) > 0)
		refuse(l, "maximum " STR_FMT " usage per %s is " STR_FMT ", but limit is " STR_FMT,
		       STR_ARG(name), type, STR_ARG(most), STR_ARG(shown(l, *limit)));
	else if (request && quantity_compare(*request, bound) > 0)
		refuse(l,
		       "maximum " STR_FMT " usage per %s is " STR_FMT ", but request is " STR_FMT,
		       STR_ARG(name), type, STR_ARG(most), STR_ARG(shown(l, *request)));
}

static void check_ratio(struct limiter *l, const char *type, struct str name, struct quantity bound,
			const struct quantity *request, const struct quantity *limit)
{
	struct str most = shown(l, bound);

	if (!request || !request->nanos || !limit || !limit->nanos) {
		const char *missing = !request || !request->nanos ? "request" : "limit";

		refuse(l,
		       STR_FMT " max limit to request ratio per %s is " STR_FMT
			       ", but no %s is specified or %s is 0",
		       STR_ARG(name), type, STR_ARG(most), missing, missing);
		return;
	}
	double ratio = (double)limit->nanos / (double)request->nanos;

	if (ratio > (double)bound.nanos / 1e9)
		refuse(l,
		       STR_FMT " max limit to request ratio per %s is " STR_FMT
			       ", but provided ratio is %f",
		       STR_ARG(name), type, STR_ARG(most), ratio);
}

static void check_bounds(struct limiter *l, const char *type, const struct doc *item,
			 const struct amounts *requests, const struct amounts *limits)
{
	static const struct {
		const char *field;
		void (*check)(struct limiter *l, const char *type, struct str name,
			      struct quantity bound, const struct quantity *request,
			      const struct quantity *limit);
	} rules[] = {
		{ "min", check_min },
		{ "max", check_max },
		{ "maxLimitRequestRatio", check_ratio },
	};

	for (u32 i = 0; i < ARRAY_LEN(rules); i++)
		doc_each_pair(doc_get(item, str_of(rules[i].field)), name, value)
			rules[i].check(l, type, name, quantity_of(value),
				       amounts_get(requests, name), amounts_get(limits, name));
}

/* One container, as if it were all of a pod. */
static struct amounts amounts_of(struct limiter *l, const struct doc *map)
{
	struct amounts amounts = { 0 };

	doc_each_pair(map, name, value)
		amounts_add(l->call->arena, &amounts, name, quantity_of(value));
	return amounts;
}

static void check_item(struct limiter *l, const struct doc *item, const struct doc *doc)
{
	static const char *const lists[] = { "spec.containers", "spec.initContainers" };
	struct str type = doc_str(doc_key(item, "type"));
	struct amounts requests, limits;

	if (str_is(type, "Pod")) {
		requests = pod_amounts(l->call->arena, doc_key(doc, "spec"), "requests");
		limits = pod_amounts(l->call->arena, doc_key(doc, "spec"), "limits");
		check_bounds(l, "Pod", item, &requests, &limits);
	}
	for (u32 i = 0; str_is(type, "Container") && i < ARRAY_LEN(lists); i++) {
		doc_each_item(doc_at(doc, lists[i]), container) {
			requests = amounts_of(l, doc_at(container, "resources.requests"));
			limits = amounts_of(l, doc_at(container, "resources.limits"));
			check_bounds(l, "Container", item, &requests, &limits);
		}
	}
}

static void check_claim(struct limiter *l, const struct doc *item, const struct doc *doc)
{
	struct amounts requests = amounts_of(l, doc_at(doc, "spec.resources.requests"));
	struct amounts limits = { 0 };

	if (str_is(doc_str(doc_key(item, "type")), "PersistentVolumeClaim"))
		check_bounds(l, "PersistentVolumeClaim", item, &requests, &limits);
}

static const struct doc *with_annotation(struct limiter *l, const struct doc *doc)
{
	struct arena *arena = l->call->arena;
	struct str text = str_format(arena, "LimitRanger plugin set: " STR_FMT,
				     STR_ARG(buffer_str(&l->said)));

	return doc_set(arena, doc, "metadata.annotations",
		       doc_with(arena, doc_at(doc, "metadata.annotations"),
				STR("kubernetes.io/limit-ranger"), doc_ref_str(arena, text)));
}

static const struct doc *fill_item(struct limiter *l, const struct doc *item, const struct doc *doc)
{
	if (!str_is(doc_str(doc_key(item, "type")), "Container"))
		return doc;
	doc = fill_containers(l, doc, "spec.containers", "container", item);
	return fill_containers(l, doc, "spec.initContainers", "init container", item);
}

enum status admit_limits(struct call *call, const struct api_kind *kind, struct str ns,
			 const struct doc *doc, const struct doc **ret_doc, struct error *error)
{
	struct limiter l = {
		.call = call,
		.said = BUFFER_INIT(8 << 10),
		.refusal = BUFFER_INIT(8 << 10),
	};
	struct store_iter iter;
	enum status status = ST_OK;

	for (int pass = 0; pass < 2; pass++) { /* all defaults before any bound */
		store_iter_start(&iter, call->server->store, KIND_LimitRange, ns, STR_NONE,
				 STR_NONE);
		for (struct version *range; (range = store_iter_next(&iter));) {
			version_hold(call->arena, range); /* defaults point into it */
			doc_each_item(doc_at(range->doc, "spec.limits"), item) {
				if (kind->id == KIND_Pod && !pass)
					doc = fill_item(&l, item, doc);
				else if (kind->id == KIND_Pod)
					check_item(&l, item, doc);
				else if (pass)
					check_claim(&l, item, doc);
			}
		}
	}
	if (l.said.len)
		doc = with_annotation(&l, doc);
	if (l.refusals)
		status = fail_forbidden(call, kind, object_name(doc), error,
					l.refusals > 1 ? "[" STR_FMT "]" : STR_FMT,
					STR_ARG(buffer_str(&l.refusal)));
	buffer_release(&l.said);
	buffer_release(&l.refusal);
	*ret_doc = doc;
	return status;
}
