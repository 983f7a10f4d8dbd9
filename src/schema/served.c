/* Collects the kinds of the schema by group and version, and knows the subresources by name. */
#include "schema/served.h"

#include <stdlib.h>

enum { GET = API_VERB_GET, PATCH = API_VERB_PATCH, UPDATE = API_VERB_UPDATE };

static const struct served_part parts[] = {
	{ STR_INIT("status"), { 0 }, { 0 }, { 0 }, GET | PATCH | UPDATE, false },
	{ STR_INIT("scale"), STR_INIT("autoscaling"), STR_INIT("v1"), STR_INIT("Scale"),
	  GET | PATCH | UPDATE, false },
	{ STR_INIT("log"), { 0 }, { 0 }, { 0 }, GET, true },
	{ STR_INIT("exec"),
	  { 0 },
	  STR_INIT("v1"),
	  STR_INIT("PodExecOptions"),
	  GET | API_VERB_CREATE,
	  true },
	{ STR_INIT("attach"),
	  { 0 },
	  STR_INIT("v1"),
	  STR_INIT("PodAttachOptions"),
	  GET | API_VERB_CREATE,
	  true },
	{ STR_INIT("portforward"),
	  { 0 },
	  STR_INIT("v1"),
	  STR_INIT("PodPortForwardOptions"),
	  GET | API_VERB_CREATE,
	  true },
	{ STR_INIT("binding"), { 0 }, STR_INIT("v1"), STR_INIT("Binding"), API_VERB_CREATE, false },
	{ STR_INIT("eviction"), STR_INIT("policy"), STR_INIT("v1"), STR_INIT("Eviction"),
	  API_VERB_CREATE, false },
	{ STR_INIT("token"), STR_INIT("authentication.k8s.io"), STR_INIT("v1"),
	  STR_INIT("TokenRequest"), API_VERB_CREATE, false },
	{ STR_INIT("finalize"), { 0 }, { 0 }, { 0 }, UPDATE, false },
};
static const struct served_part part_of_object = { { 0 }, { 0 }, { 0 }, { 0 }, GET | PATCH | UPDATE,
						   false };

const struct served_part *served_part_find(struct str name)
{
	for (u32 i = 0; i < ARRAY_LEN(parts); i++)
		if (str_eq(parts[i].name, name))
			return &parts[i];
	return &part_of_object;
}

u32 served_verbs(u8 verbs, struct str out[8])
{
	static const struct str names[] = {
		STR_INIT("create"), STR_INIT("delete"), STR_INIT("deletecollection"),
		STR_INIT("get"),    STR_INIT("list"),	STR_INIT("patch"),
		STR_INIT("update"), STR_INIT("watch"),
	};
	u32 len = 0;

	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		if (verbs & (1u << i))
			out[len++] = names[i];
	return len;
}

/* "v2" → 2 and maturity 3 (alpha 1, beta 2, neither 3); anything else is the least of all. */
u32 served_version_rank(struct str version)
{
	u32 major = 0, minor = 0, at = 1, maturity = 3;

	if (version.len < 2 || version.at[0] != 'v')
		return 0;
	for (; at < version.len && version.at[at] >= '0' && version.at[at] <= '9'; at++)
		major = major * 10 + (u32)(version.at[at] - '0');
	struct str rest = str_from(version, at);
	if (str_starts(rest, STR("alpha")))
		maturity = 1, rest = str_from(rest, 5);
	else if (str_starts(rest, STR("beta")))
		maturity = 2, rest = str_from(rest, 4);
	else if (rest.len)
		return 0;
	for (u32 i = 0; i < rest.len && rest.at[i] >= '0' && rest.at[i] <= '9'; i++)
		minor = minor * 10 + (u32)(rest.at[i] - '0');
	return maturity << 24 | MIN(major, 4095u) << 12 | MIN(minor, 4095u);
}

static int by_plural(const void *a, const void *b)
{
	const struct api_kind *const *left = a, *const *right = b;
	struct str l = (*left)->plural, r = (*right)->plural;
	int order = memcmp(l.at, r.at, MIN(l.len, r.len));

	return order ? order : (int)l.len - (int)r.len;
}

struct served_list {
	VEC(struct served) all;
};

static struct served *served_slot(struct arena *arena, struct served_list *list,
				  const struct api_kind *kind)
{
	for (u32 i = 0; i < list->all.len; i++)
		if (str_eq(list->all.at[i].api_version, kind->api_version))
			return &list->all.at[i];
	VEC_PUSH(arena, &list->all,
		 (struct served){ kind->group, kind->version, kind->api_version, NULL, 0 });
	return &list->all.at[list->all.len - 1];
}

/* Order: legacy first, then a group where it first appeared, newest stable version first. */
static void sort_versions(struct served_list *list)
{
	struct served *at = list->all.at;

	for (u32 i = 1; i < list->all.len; i++) {
		struct served one = at[i];
		u32 first = i, to;

		for (u32 j = 0; j < i && first == i; j++)
			if (str_eq(at[j].group, one.group))
				first = j;
		if (one.group.len == 0)
			first = 0;
		for (to = first;
		     to < i && str_eq(at[to].group, one.group) &&
		     served_version_rank(at[to].version) >= served_version_rank(one.version);)
			to++;
		memmove(at + to + 1, at + to, (i - to) * sizeof *at);
		at[to] = one;
	}
}

const struct served *served_all(struct arena *arena, const struct schema *schema, u32 *ret_len)
{
	struct served_list list = { 0 };
	const struct api_kind *kind;

	for (u32 i = 0; (kind = schema_at(schema, i)); i++)
		if (kind->plural.len)
			served_slot(arena, &list, kind)->len++;
	for (u32 i = 0; i < list.all.len; i++) {
		list.all.at[i].kinds =
			ARENA_ARRAY(arena, const struct api_kind *, list.all.at[i].len);
		list.all.at[i].len = 0;
	}
	for (u32 i = 0; (kind = schema_at(schema, i)); i++) {
		if (!kind->plural.len)
			continue;
		struct served *slot = served_slot(arena, &list, kind);
		slot->kinds[slot->len++] = kind;
	}
	for (u32 i = 0; i < list.all.len; i++)
		qsort(list.all.at[i].kinds, list.all.at[i].len, sizeof(struct api_kind *),
		      by_plural);
	sort_versions(&list);
	*ret_len = list.all.len;
	return list.all.at;
}

const struct served *served_find(struct arena *arena, const struct schema *schema, struct str group,
				 struct str version)
{
	u32 len;
	const struct served *all = served_all(arena, schema, &len);

	for (u32 i = 0; i < len; i++)
		if (str_eq(all[i].group, group) && str_eq(all[i].version, version))
			return &all[i];
	return NULL;
}
