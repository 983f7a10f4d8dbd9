/*
 * Table rows from the kinds' column templates: "{path|filter|…}" with text around. A column without
 * a template is filled by the kind's print rule (columns_pod.c, columns_core.c, columns_more.c).
 */
#include "schema/columns.h"

#include <stdlib.h>

#include "base/timestamp.h"
#include "schema/custom.h"
#include "schema/selector.h"

enum { TEMPLATE_BYTES_MAX = 4096 };

/* ---- ages */

static struct str two(struct arena *arena, i64 a, char unit_a, i64 b, char unit_b)
{
	if (b == 0)
		return str_format(arena, "%lld%c", (long long)a, unit_a);
	return str_format(arena, "%lld%c%lld%c", (long long)a, unit_a, (long long)b, unit_b);
}

struct str columns_duration(struct arena *arena, i64 duration_ns)
{
	i64 seconds = duration_ns / NS_PER_S, minutes = seconds / 60, hours = minutes / 60;
	i64 days = hours / 24;

	if (seconds < -1)
		return STR("<invalid>");
	if (seconds < 0)
		return STR("0s");
	if (seconds < 60 * 2)
		return two(arena, seconds, 's', 0, 0);
	if (minutes < 10)
		return two(arena, minutes, 'm', seconds % 60, 's');
	if (minutes < 60 * 3)
		return two(arena, minutes, 'm', 0, 0);
	if (hours < 8)
		return two(arena, hours, 'h', minutes % 60, 'm');
	if (hours < 48)
		return two(arena, hours, 'h', 0, 0);
	if (hours < 24 * 8)
		return two(arena, days, 'd', hours % 24, 'h');
	if (hours < 24 * 365 * 2)
		return two(arena, days, 'd', 0, 0);
	if (hours < 24 * 365 * 8)
		return two(arena, days / 365, 'y', days % 365, 'd');
	return two(arena, days / 365, 'y', 0, 0);
}

struct str columns_age(struct arena *arena, struct str timestamp, i64 now_ns)
{
	i64 then;

	if (!timestamp_parse(timestamp, &then))
		return STR("<unknown>");
	return columns_duration(arena, now_ns - then);
}

/* ---- cells of print rules */

void row_str(struct row *row, struct str text)
{
	build_str(&row->cells, NULL, text.at ? text : STR(""));
}

void row_or_none(struct row *row, struct str text)
{
	row_str(row, text.len ? text : STR("<none>"));
}

void row_int(struct row *row, i64 value)
{
	build_int(&row->cells, NULL, value);
}

struct str row_since(const struct row *row, const struct doc *timestamp)
{
	return columns_age(row->arena, doc_str(timestamp), row->now_ns);
}

void row_list_add(struct row_list *list, struct str text)
{
	if (list->len < ARRAY_LEN(list->at))
		list->at[list->len++] = text;
	list->count++;
}

struct str row_list_print(struct arena *arena, const struct row_list *list)
{
	struct str text = str_join(arena, list->at, list->len, STR(","));

	if (list->count == list->len)
		return text;
	return str_format(arena, STR_FMT " + %u more...", STR_ARG(text), list->count - list->len);
}

/* ---- filters: what a path found, or what the filter before made of it */

struct value {
	const struct doc *doc;
	struct str text; /* once a filter has made text; at == NULL before */
};

static int compare_pair(const void *a, const void *b)
{
	const struct doc *x = a, *y = b;

	return str_cmp((struct str){ x->text, x->len }, (struct str){ y->text, y->len });
}

/* A label map as "a=b,c=d", keys sorted. */
static struct str print_labels(struct arena *arena, const struct doc *labels)
{
	u32 len = doc_len(labels);
	struct str *pieces = ARENA_ARRAY(arena, struct str, len + 1);

	if (!doc_is(labels, DOC_OBJECT) || len == 0)
		return STR("<none>");
	struct doc *pairs = arena_copy(arena, labels->items, sizeof *pairs * 2 * len);

	qsort(pairs, len, 2 * sizeof *pairs, compare_pair);
	for (u32 i = 0; i < len; i++) {
		struct str value = doc_str(&pairs[2 * i + 1]);

		pieces[i] = str_format(arena, "%.*s=" STR_FMT, (int)pairs[2 * i].len,
				       pairs[2 * i].text, STR_ARG(value));
	}
	return str_join(arena, pieces, len, STR(","));
}

static struct str print_selector(struct arena *arena, const struct doc *label_selector)
{
	struct selector *selector;

	if (doc_len(label_selector) == 0 ||
	    selector_from_doc(arena, label_selector, &selector, NULL) != ST_OK ||
	    selector->len == 0)
		return STR("<none>");
	return selector_print(arena, selector);
}

/* Items (or one string field of each) joined by commas; keys of an object. */
static struct str print_list(struct arena *arena, const struct doc *list, const char *field)
{
	u32 len = doc_len(list);
	struct str *pieces = ARENA_ARRAY(arena, struct str, len + 1);

	for (u32 i = 0; i < len; i++) {
		if (list->type == DOC_OBJECT)
			pieces[i] = doc_pair_key(list, i);
		else
			pieces[i] = doc_str(field ? doc_get(&list->items[i], str_of(field))
						  : &list->items[i]);
	}
	return str_join(arena, pieces, len, STR(","));
}

static void apply_filter(struct arena *arena, struct value *v, struct str filter)
{
	const struct doc *d = v->doc;

	if (v->text.at) /* a text from before: only "what to show instead" has a meaning */
		v->text = v->text.len ? v->text : filter;
	else if (str_is(filter, "count"))
		v->text = str_format(arena, "%u", doc_len(d));
	else if (str_is(filter, "labels"))
		v->text = print_labels(arena, d);
	else if (str_is(filter, "selector"))
		v->text = print_selector(arena, d);
	else if (str_is(filter, "names"))
		v->text = print_list(arena, d, "name");
	else if (str_is(filter, "images"))
		v->text = print_list(arena, d, "image");
	else if (str_is(filter, "join") || str_is(filter, "keys"))
		v->text = print_list(arena, d, NULL);
	else if (str_is(filter, "yes"))
		v->text = doc_bool_or(d, false) ? STR("true") : STR("false");
	else if (doc_is_null(d) || (d->type == DOC_STRING && d->len == 0))
		v->text = filter;
}

static struct str value_text(const struct value *v)
{
	const struct doc *d = v->doc;

	if (v->text.at)
		return v->text;
	if (doc_is(d, DOC_STRING) || doc_is(d, DOC_NUMBER))
		return (struct str){ d->text, d->len };
	if (doc_is_bool(d))
		return d->type == DOC_TRUE ? STR("true") : STR("false");
	return STR("");
}

/* ---- templates */

/* "status.phase|<none>": a path and its filters. */
static struct str expand_value(struct arena *arena, struct str inside, const struct doc *object)
{
	struct str path = str_cut(&inside, '|');
	struct value v = { .doc = doc_at(object, str_c(arena, path)) };

	while (inside.at)
		apply_filter(arena, &v, str_cut(&inside, '|'));
	return value_text(&v);
}

static struct str expand(struct arena *arena, struct str source, const struct doc *object)
{
	char text[TEMPLATE_BYTES_MAX];
	size_t len = 0;

	for (;;) {
		i64 open = str_find_char(source, '{'), close = str_find_char(source, '}');
		struct str plain = open < 0 ? source : str_part(source, 0, (size_t)open);
		struct str value = STR("");

		if (open >= 0)
			value = expand_value(
				arena,
				str_part(source, (size_t)open + 1, (size_t)(close - open - 1)),
				object);
		source = open < 0 ? STR_NONE : str_from(source, (size_t)close + 1);
		if (len == 0 && plain.len == 0 && source.len == 0)
			return value; /* the usual case: nothing but one value */
		size_t fits = MIN(plain.len, sizeof text - len);

		memcpy(text + len, plain.at, fits);
		len += fits;
		fits = MIN(value.len, sizeof text - len);
		if (fits)
			memcpy(text + len, value.at, fits);
		len += fits;
		if (source.len == 0)
			return str_copy(arena, (struct str){ text, len });
	}
}

/* ---- the table */

/* Events show their name last, and only in wide output; every other kind shows it first. */
static bool names_itself(const struct api_kind *kind)
{
	for (u32 i = 0; i < kind->columns_len; i++)
		if (str_is(kind->columns[i].name, "Name"))
			return true;
	return false;
}

const struct doc *columns_definitions(struct arena *arena, const struct api_kind *kind)
{
	static const struct api_column name = {
		.name = STR_INIT("Name"),
		.type = STR_INIT("string"),
		.text = STR_INIT("Name of the object, unique in its namespace and kind."),
	};
	struct build b = build_array(arena);

	for (u32 i = names_itself(kind); i <= kind->columns_len; i++) {
		const struct api_column *c = i ? &kind->columns[i - 1] : &name;

		build_open_object(&b, NULL);
		build_str(&b, "name", c->name);
		build_str(&b, "type", str_is(c->type, "age") ? STR("string") : c->type);
		build_str(&b, "format", str_is(c->name, "Name") ? STR("name") : STR(""));
		build_str(&b, "description", c->text.at ? c->text : STR(""));
		build_int(&b, "priority", c->wide);
		build_close(&b);
	}
	return build_done(&b);
}

/* One cell: numbers as numbers where the column says so and the text is one. */
static void add_cell(struct build *b, struct arena *arena, const struct api_column *column,
		     const struct doc *object, i64 now_ns)
{
	struct str text = expand(arena, column->source, object);
	i64 number;

	if (str_is(column->type, "age"))
		build_str(b, NULL, columns_age(arena, text, now_ns));
	else if (str_is(column->type, "integer") && str_to_i64(text, &number))
		build_int(b, NULL, number);
	else if (str_is(column->type, "boolean") && text.len)
		build_bool(b, NULL, str_is(text, "true"));
	else
		build_str(b, NULL, text);
}

const struct doc *columns_cells(struct arena *arena, const struct api_kind *kind,
				const struct doc *object, i64 now_ns)
{
	struct row row = { .arena = arena, .now_ns = now_ns };
	struct build b = build_array(arena);
	const struct doc *printed = NULL;
	u32 taken = 0;

	if (kind->print) {
		row.cells = build_array(arena);
		kind->print(&row, object);
		printed = build_done(&row.cells);
	}
	if (!names_itself(kind))
		build_str(&b, NULL,
			  str_format(arena, STR_FMT "%s",
				     STR_ARG(doc_at_str(object, "metadata.name")),
				     row.mark ? row.mark : ""));
	for (u32 i = 0; i < kind->columns_len; i++) {
		const struct api_column *column = &kind->columns[i];
		const struct doc *cell = NULL;

		if (column->source.len == 0)
			cell = doc_item(printed, taken++);
		if (kind->shape)
			cell = custom_cell(arena, column, object, now_ns);
		if (cell)
			build_doc(&b, NULL, cell);
		else
			add_cell(&b, arena, column, object, now_ns);
	}
	return build_done(&b);
}
