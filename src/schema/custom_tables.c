/* What server-side apply must know of a structural schema, in the form of the built-in tables. */
#include "schema/custom.h"

#include "schema/schema.h"

enum { FIELDS_MAX = 250 }; /* a slot is a byte: what has more is taken as a whole */

static void set_slots(struct arena *arena, struct api_struct *s)
{
	u32 size = 4;

	while (size < 2u * s->len)
		size *= 2;
	u8 *slots = arena_zero(arena, size);

	s->mask = (u16)(size - 1);
	for (u32 i = 0; i < s->len; i++) {
		u32 slot = api_name_slot(s->fields[i].name.at, s->fields[i].name.len) & s->mask;

		while (slots[slot])
			slot = (slot + 1) & s->mask;
		slots[slot] = (u8)(i + 1);
	}
	s->slots = slots;
}

static const struct api_struct *table_of(struct arena *arena, const struct api_group *group,
					 struct str name, const struct doc *shape, bool root);

static u8 scalar_of(const struct doc *shape)
{
	struct str type = doc_str(doc_key(shape, "type"));

	if (doc_bool_or(doc_key(shape, "x-kubernetes-int-or-string"), false))
		return API_INT_OR_STRING;
	return str_is(type, "string")	 ? API_STRING
	       : str_is(type, "boolean") ? API_BOOL
	       : str_is(type, "integer") ? API_INT64
	       : str_is(type, "number")	 ? API_DOUBLE
					 : API_ANY;
}

/* A value's type; of a list or map, what is in it. */
static void set_type(struct arena *arena, struct api_field *f, const struct api_group *group,
		     const struct doc *shape)
{
	u32 len = doc_len(doc_key(shape, "properties"));

	f->type = scalar_of(shape);
	if (!str_is(doc_str(doc_key(shape, "type")), "object") || !len || len > FIELDS_MAX)
		return;
	f->type = API_STRUCT;
	f->of = table_of(arena, group, f->name, shape, false);
	if (str_is(doc_str(doc_key(shape, "x-kubernetes-map-type")), "atomic"))
		f->flags |= API_ATOMIC;
}

static void set_list(struct arena *arena, struct api_field *f, const struct doc *shape)
{
	struct str type = doc_str(doc_key(shape, "x-kubernetes-list-type"));
	const struct doc *keys = doc_key(shape, "x-kubernetes-list-map-keys");
	u32 len = MIN(doc_len(keys), 255u);
	struct str *names = ARENA_ARRAY(arena, struct str, len + 1);

	for (u32 i = 0; i < len; i++)
		names[i] = doc_str(doc_item(keys, i));
	f->list = str_is(type, "set") ? API_LIST_SET : len ? API_LIST_MAP : API_LIST_ATOMIC;
	f->list_keys = names;
	f->list_keys_len = (u8)len;
}

static struct api_field field_of(struct arena *arena, const struct api_group *group,
				 struct str name, const struct doc *shape)
{
	const struct doc *others = doc_key(shape, "additionalProperties");
	const struct doc *items = doc_key(shape, "items");
	struct api_field f = { .name = name, .flags = API_OMITEMPTY };

	f.value = doc_key(shape, "default");
	f.text = doc_str(doc_key(shape, "description"));
	if (str_is(doc_str(doc_key(shape, "type")), "array") && items) {
		f.shape = API_LIST;
		set_type(arena, &f, group, items);
		set_list(arena, &f, shape);
	} else if (doc_is(others, DOC_OBJECT)) {
		f.shape = API_MAP;
		set_type(arena, &f, group, others);
	} else {
		set_type(arena, &f, group, shape);
	}
	return f;
}

static const struct api_struct *table_of(struct arena *arena, const struct api_group *group,
					 struct str name, const struct doc *shape, bool root)
{
	const struct doc *properties = doc_key(shape, "properties");
	u32 room = MIN(doc_len(properties), (u32)FIELDS_MAX);
	struct api_struct *s = ARENA_NEW(arena, struct api_struct);
	struct api_field *fields = ARENA_ARRAY(arena, struct api_field, room + 1);

	*s = (struct api_struct){
		.name = name, .group = group, .fields = fields, .id = UINT16_MAX
	};
	if (root) {
		s->flags = API_TYPE_META;
		fields[s->len++] = (struct api_field){
			.name = STR("metadata"),
			.type = API_STRUCT,
			.flags = API_OMITEMPTY,
			.of = api_field_find(api_kinds[KIND_ConfigMap].root, STR("metadata"))->of,
			.text = STR("Name, labels and history."),
		};
	}
	for (u32 i = 0; i < doc_len(properties) && s->len <= room; i++) {
		struct str key = doc_pair_key(properties, i);

		if (root &&
		    (str_is(key, "metadata") || str_is(key, "kind") || str_is(key, "apiVersion")))
			continue;
		fields[s->len] = field_of(arena, group, key, doc_pair_value(properties, i));
		doc_each_item(doc_key(shape, "required"), needed)
			if (str_eq(doc_str(needed), key))
				fields[s->len].flags |= API_REQUIRED;
		s->len++;
	}
	set_slots(arena, s);
	return s;
}

const struct api_struct *custom_root(struct arena *arena, const struct api_group *group,
				     struct str kind, const struct doc *shape)
{
	return table_of(arena, group, kind, shape, true);
}
