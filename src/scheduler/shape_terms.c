/*
 * Terms of a pod: topology spread constraints and affinity to other pods, read into tallies (what
 * this pod asks about others) and bonds (what others must ask about this pod, once it is placed).
 */
#include "controllers/controller.h"
#include "doc/build.h"
#include "scheduler/shape.h"

#define REQUIRED "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

enum { WEIGHT_OF_REQUIRED = 1, DEFAULT_SKEW_HOSTNAME = 3, DEFAULT_SKEW_ZONE = 5 };

/* `selector` with one more requirement for every key that `labels` has: matchLabelKeys. */
static const struct doc *with_keys(struct arena *arena, const struct doc *selector,
				   const struct doc *keys, const struct doc *labels,
				   const char *operator)
{
	const struct doc *list = doc_key(selector, "matchExpressions");
	if (!doc_len(keys) || !selector)
		return selector;
	doc_each_item(keys, key) {
		const struct doc *value = doc_get(labels, doc_str(key));
		if (!value)
			continue;
		struct build b = build_object(arena);
		build_doc(&b, "key", key);
		build_str(&b, "operator", str_of(operator));
		build_open_array(&b, "values");
		build_doc(&b, NULL, value);
		build_close(&b);
		const struct doc *requirement = build_done(&b);
		bool there = false;
		doc_each_item(list, item) {
			there = there || doc_eq(item, requirement);
		}
		if (!there)
			list = doc_append(arena, list ? list : &doc_empty_array, requirement);
	}
	return list ? doc_with(arena, selector, STR("matchExpressions"), list) : selector;
}

static struct scope scope_of_term(struct arena *arena, const struct doc *pod,
				  const struct doc *term)
{
	const struct doc *labels = doc_at(pod, "metadata.labels");
	const struct doc *selector = doc_key(term, "labelSelector");
	selector = with_keys(arena, selector, doc_key(term, "matchLabelKeys"), labels, "In");
	selector = with_keys(arena, selector, doc_key(term, "mismatchLabelKeys"), labels, "NotIn");
	return (struct scope){
		.own = doc_at_str(pod, "metadata.namespace"),
		.namespaces = doc_key(term, "namespaces"),
		.namespace_selector = doc_key(term, "namespaceSelector"),
		.selector = selector,
	};
}

/* ---- bonds */

static void bear(struct picture *picture, struct shape *shape, const struct doc *pod,
		 const struct doc *term, enum bond_type type, i32 weight)
{
	struct str key = doc_str(doc_key(term, "topologyKey"));
	struct bond wish = {
		.type = (u8)type,
		.weight = weight,
		.topology = picture_topology(picture, key),
		.scope = scope_of_term(shape->arena, pod, term),
	};
	VEC_PUSH(shape->arena, &shape->bonds, picture_bond(picture, &wish));
}

void shape_read_bonds(struct picture *picture, struct shape *shape, const struct doc *pod)
{
	const struct doc *near = doc_at(pod, AT(Pod, spec.affinity.podAffinity));
	const struct doc *apart = doc_at(pod, AT(Pod, spec.affinity.podAntiAffinity));
	doc_each_item(doc_key(apart, REQUIRED), term) {
		bear(picture, shape, pod, term, BOND_KEEPS_OUT, 0);
	}
	doc_each_item(doc_key(near, REQUIRED), term) {
		bear(picture, shape, pod, term, BOND_WEIGHS, WEIGHT_OF_REQUIRED);
	}
	doc_each_item(doc_key(near, PREFERRED), one) {
		bear(picture, shape, pod, doc_key(one, "podAffinityTerm"), BOND_WEIGHS,
		     (i32)doc_int_or(doc_key(one, "weight"), 0));
	}
	doc_each_item(doc_key(apart, PREFERRED), one) {
		bear(picture, shape, pod, doc_key(one, "podAffinityTerm"), BOND_WEIGHS,
		     -(i32)doc_int_or(doc_key(one, "weight"), 0));
	}
}

/* ---- affinity to pods */

static struct tally *tally_of_term(struct picture *picture, struct shape *shape,
				   const struct doc *pod, const struct doc *term)
{
	struct scope scope = scope_of_term(shape->arena, pod, term);
	struct tally wish = {
		.topology = picture_topology(picture, doc_str(doc_key(term, "topologyKey"))),
		.scopes = &scope,
		.scopes_len = 1,
	};
	return picture_tally(picture, &wish);
}

/* Required affinity: in the domain of each term there must be a pod that matches all of them. */
static void read_near(struct picture *picture, struct shape *shape, const struct doc *pod,
		      const struct doc *terms)
{
	u32 len = doc_len(terms);
	if (!len)
		return;
	struct scope *scopes = ARENA_ARRAY(shape->arena, struct scope, len);
	shape->near_itself = true;
	for (u32 i = 0; i < len; i++) {
		scopes[i] = scope_of_term(shape->arena, pod, doc_item(terms, i));
		shape->near_itself &= scope_matches(&scopes[i], picture->store,
						    shape->sort->namespace, shape->sort->labels);
	}
	doc_each_item(terms, term) {
		struct tally wish = {
			.topology =
				picture_topology(picture, doc_str(doc_key(term, "topologyKey"))),
			.scopes = scopes,
			.scopes_len = len,
		};
		VEC_PUSH(shape->arena, &shape->near, picture_tally(picture, &wish));
	}
}

static void read_fond(struct picture *picture, struct shape *shape, const struct doc *pod,
		      const struct doc *preferred, i32 sign)
{
	doc_each_item(preferred, one) {
		struct fondness fondness = {
			tally_of_term(picture, shape, pod, doc_key(one, "podAffinityTerm")),
			sign * (i32)doc_int_or(doc_key(one, "weight"), 0),
		};
		VEC_PUSH(shape->arena, &shape->fond, fondness);
	}
}

/* ---- spreading */

static bool is_hard(const struct doc *constraint)
{
	return !str_is(doc_str(doc_key(constraint, "whenUnsatisfiable")), "ScheduleAnyway");
}

static void read_eligibility(struct shape *shape, const struct doc *constraint,
			     struct eligibility *eligible)
{
	struct str affinity = doc_str(doc_key(constraint, "nodeAffinityPolicy"));
	struct str taints = doc_str(doc_key(constraint, "nodeTaintsPolicy"));
	if (!str_is(affinity, "Ignore")) {
		eligible->selector = doc_len(shape->selector) ? shape->selector : NULL;
		eligible->affinity = doc_key(shape->affinity, REQUIRED) ? shape->affinity : NULL;
	}
	if (str_is(taints, "Honor")) {
		eligible->honours_taints = true;
		eligible->tolerations = shape->tolerations;
	}
}

/* Only nodes with the keys of all constraints of one strictness take part. */
static void read_needs(struct picture *picture, const struct doc *constraints, bool hard,
		       struct eligibility *eligible)
{
	doc_each_item(constraints, constraint) {
		if (is_hard(constraint) != hard ||
		    eligible->needs_len == ARRAY_LEN(eligible->needs))
			continue;
		eligible->needs[eligible->needs_len++] =
			picture_topology(picture, doc_str(doc_key(constraint, "topologyKey")));
	}
}

static void read_constraint(struct picture *picture, struct shape *shape, const struct doc *pod,
			    const struct doc *constraint, const struct eligibility *needs)
{
	struct scope scope = {
		.own = shape->sort->namespace,
		.selector = with_keys(shape->arena, doc_key(constraint, "labelSelector"),
				      doc_key(constraint, "matchLabelKeys"),
				      doc_at(pod, "metadata.labels"), "In"),
	};
	struct tally wish = {
		.topology = picture_topology(picture, doc_str(doc_key(constraint, "topologyKey"))),
		.scopes = &scope,
		.scopes_len = 1,
		.skips_deleting = true,
		.eligible = *needs,
	};
	read_eligibility(shape, constraint, &wish.eligible);
	struct spread spread = {
		.tally = picture_tally(picture, &wish),
		.skew_max = doc_int_or(doc_key(constraint, "maxSkew"), 1),
		.domains_min = (u32)doc_int_or(doc_key(constraint, "minDomains"), 1),
		.counts_itself =
			scope_matches(&scope, picture->store, scope.own, shape->sort->labels),
	};
	if (is_hard(constraint))
		VEC_PUSH(shape->arena, &shape->hard, spread);
	else
		VEC_PUSH(shape->arena, &shape->soft, spread);
}

static void read_default_spread(struct picture *picture, struct shape *shape, const struct doc *pod)
{
	static const struct {
		const char *key;
		i64 skew_max;
	} defaults[] = { { TOPOLOGY_HOSTNAME, DEFAULT_SKEW_HOSTNAME },
			 { TOPOLOGY_ZONE, DEFAULT_SKEW_ZONE } };
	const struct doc *selector = spread_default_selector(picture->store, shape->arena, pod);
	if (!selector)
		return;
	struct scope scope = { .own = shape->sort->namespace, .selector = selector };
	for (u32 i = 0; i < ARRAY_LEN(defaults); i++) {
		struct tally wish = {
			.topology = picture_topology(picture, str_of(defaults[i].key)),
			.scopes = &scope,
			.scopes_len = 1,
			.skips_deleting = true,
		};
		read_eligibility(shape, NULL, &wish.eligible);
		struct spread spread = { .tally = picture_tally(picture, &wish),
					 .skew_max = defaults[i].skew_max };
		VEC_PUSH(shape->arena, &shape->soft, spread);
	}
}

void shape_read_terms(struct picture *picture, struct shape *shape, const struct doc *pod)
{
	const struct doc *spec = shape->spec;
	const struct doc *near = doc_at(spec, "affinity.podAffinity");
	const struct doc *apart = doc_at(spec, "affinity.podAntiAffinity");
	const struct doc *constraints = doc_key(spec, "topologySpreadConstraints");
	read_near(picture, shape, pod, doc_key(near, REQUIRED));
	doc_each_item(doc_key(apart, REQUIRED), term) {
		VEC_PUSH(shape->arena, &shape->apart, tally_of_term(picture, shape, pod, term));
	}
	read_fond(picture, shape, pod, doc_key(near, PREFERRED), 1);
	read_fond(picture, shape, pod, doc_key(apart, PREFERRED), -1);
	if (!doc_len(constraints))
		return read_default_spread(picture, shape, pod);
	struct eligibility hard = { 0 }, soft = { 0 };
	read_needs(picture, constraints, true, &hard);
	read_needs(picture, constraints, false, &soft);
	doc_each_item(constraints, constraint) {
		read_constraint(picture, shape, pod, constraint,
				is_hard(constraint) ? &hard : &soft);
	}
	shape->soft_needs_all = true;
}
