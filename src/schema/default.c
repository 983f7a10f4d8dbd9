/*
 * Fills in constants from the tables, then lets each struct's own rule have its word, children
 * before parents. Copies only along the way to what was missing.
 */
#include "schema/default.h"

#include "schema/structural.h"

/* The struct under way: its pairs, copied as soon as one changes. */
struct filling {
	struct defaults *d;
	const struct doc *in;
	struct doc *out;
	u32 len, room;
};

static void fork_pairs(struct filling *f, u32 more)
{
	if (f->out && f->len + more <= f->room)
		return;
	u32 room = f->len + more + 8;
	struct doc *out = arena_alloc(f->d->arena, sizeof *out * 2 * room);

	if (f->len)
		memcpy(out, f->out ? f->out : f->in->items, sizeof *out * 2 * f->len);
	f->out = out;
	f->room = room;
}

static void add(struct filling *f, struct str key, const struct doc *value)
{
	fork_pairs(f, 1);
	struct doc *pair = &f->out[2 * f->len++];

	pair[0] = (struct doc){ .type = DOC_STRING, .len = (u32)key.len, .text = key.at };
	pair[1] = *value;
}

static const struct doc *default_struct(struct defaults *d, const struct api_struct *s,
					const struct doc *in);

static const struct doc *default_one(struct defaults *d, const struct api_field *f,
				     const struct doc *in)
{
	return doc_is(in, DOC_OBJECT) ? default_struct(d, f->of, in) : in;
}

/* Structs in a list, or as values of a map. */
static const struct doc *default_many(struct defaults *d, const struct api_field *f,
				      const struct doc *in)
{
	u32 step = doc_is(in, DOC_OBJECT) ? 2 : 1, count = in->len * step;
	struct doc *out = NULL;

	for (u32 i = step - 1; i < count; i += step) {
		const struct doc *item = &in->items[i], *made = default_one(d, f, item);

		if (made == item)
			continue;
		if (!out)
			out = arena_copy(d->arena, in->items, count * sizeof *out);
		out[i] = *made;
	}
	if (!out)
		return in;
	struct doc *many = arena_copy(d->arena, in, sizeof *in);

	many->items = out;
	return many;
}

/* Unset: not there, or (where Go has no pointer) the zero that means the same. */
static bool is_unset(const struct api_field *f, const struct doc *value)
{
	if (!f->value || f->flags & API_POINTER || f->shape != API_ONE)
		return false;
	if (value->type == DOC_STRING)
		return value->len == 0 && f->value->len != 0;
	return value->type == DOC_NUMBER && f->value->type == DOC_NUMBER &&
	       doc_int_or(value, 1) == 0 && doc_int_or(f->value, 0) != 0 &&
	       f->type != API_INT_OR_STRING;
}

/* Defaults of what is there. Returns which fields are set, as a bit each. */
static void fill_present(struct filling *fill, const struct api_struct *s, u64 set[4])
{
	const struct doc *in = fill->in;

	for (u32 i = 0; i < in->len; i++) {
		const struct doc *value = doc_pair_value(in, i), *made = value;
		const struct api_field *f = api_field_find(s, doc_pair_key(in, i));
		u32 index = f ? (u32)(f - s->fields) : 0;

		fill->len = i;
		if (f && f->of && f->of->flags & API_DEFAULTS && in->items)
			made = f->shape == API_ONE ? default_one(fill->d, f, value)
			       : doc_len(value)	   ? default_many(fill->d, f, value)
						   : value;
		if (f && is_unset(f, value))
			made = f->value;
		if (made != value)
			fork_pairs(fill, in->len - i);
		if (fill->out) {
			fill->out[2 * i] = in->items[2 * i];
			fill->out[2 * i + 1] = *made;
		}
		if (f)
			set[index / 64] |= 1ull << index % 64;
	}
	fill->len = in->len;
}

static const struct doc *default_struct(struct defaults *d, const struct api_struct *s,
					const struct doc *in)
{
	struct filling fill = { .d = d, .in = in };
	u64 set[4] = { 0 };

	if (!(s->flags & API_DEFAULTS))
		return in;
	fill_present(&fill, s, set);
	for (u32 i = 0; i < s->len; i++) {
		const struct api_field *f = &s->fields[i];
		const struct doc *value = f->value;

		if (set[i / 64] >> i % 64 & 1)
			continue;
		if (!value && f->make)
			value = f->make(d, in);
		if (value && f->of && f->shape == API_ONE)
			value = default_struct(d, f->of, value);
		if (value)
			add(&fill, f->name, value);
	}
	if (fill.out) {
		struct doc *made = arena_copy(d->arena, in, sizeof *in);

		made->items = fill.out;
		made->len = fill.len;
		in = made;
	}
	return s->finish ? s->finish(d, in) : in;
}

const struct doc *schema_default(struct arena *arena, const struct schema *schema,
				 const struct api_kind *kind, const struct doc *object)
{
	struct defaults d = { arena, schema, kind, object };

	if (!doc_is(object, DOC_OBJECT))
		return object;
	if (kind->shape)
		return structural_default(arena, kind->shape, object);
	object = default_struct(&d, kind->root, object);
	return kind->finish ? kind->finish(&d, object) : object;
}
