/* Field selectors: equality on the few fields a kind's table allows. */
#include "schema/selector.h"

enum { FIELD_REQUIREMENTS_MAX = 32 };

/* The spelling from the table, or NULL when the kind cannot be selected by that field. */
static const char *known_field(struct arena *arena, const struct api_kind *kind, struct str name)
{
	if (str_is(name, "metadata.name"))
		return "metadata.name";
	if (str_is(name, "metadata.namespace") && kind->namespaced)
		return "metadata.namespace";
	for (u32 i = 0; i < kind->selects_len; i++) {
		if (!str_eq(kind->selects[i], name))
			continue;
		if (kind->id == KIND_Event && str_is(name, "source"))
			return "source.component"; /* as upstream's event strategy has it */
		return str_c(arena, name);
	}
	return NULL;
}

static bool is_boolean(const struct api_kind *kind, const char *path)
{
	const struct api_struct *s = kind->root;
	const struct api_field *f = NULL;

	for (struct str rest = str_of(path); rest.at && s; s = f ? f->of : NULL)
		f = api_field_find(s, str_cut(&rest, '.'));
	return f && f->type == API_BOOL;
}

/* Backslash escapes , = and itself in values, as in upstream's fields.UnescapeValue. */
static enum status unescape(struct arena *arena, struct str value, struct str *ret_value,
			    struct error *error)
{
	char *out = arena_alloc(arena, value.len + 1);
	size_t len = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '\\') {
			if (++i == value.len || !strchr("\\,=", value.at[i]))
				return fail(error, ST_BAD_REQUEST,
					    "invalid selector: '" STR_FMT
					    "'; can't understand '\\'",
					    STR_ARG(value));
		}
		out[len++] = value.at[i];
	}
	*ret_value = (struct str){ out, len };
	return ST_OK;
}

/* Cuts at the next comma that no backslash stands before. */
static struct str cut_term(struct str *rest)
{
	for (size_t i = 0; i < rest->len; i++) {
		if (rest->at[i] == '\\') {
			i++;
		} else if (rest->at[i] == ',') {
			struct str term = str_part(*rest, 0, i);

			*rest = str_from(*rest, i + 1);
			return term;
		}
	}
	struct str term = *rest;

	*rest = STR_NONE;
	return term;
}

static enum status parse_term(struct arena *arena, const struct api_kind *kind, struct str term,
			      struct field_requirement *ret, struct error *error)
{
	i64 equal = str_find_char(term, '=');

	if (equal <= 0)
		return fail(error, ST_BAD_REQUEST,
			    "invalid selector: '" STR_FMT "'; can't understand '" STR_FMT "'",
			    STR_ARG(term), STR_ARG(term));
	struct str name = str_part(term, 0, (size_t)equal);
	struct str value = str_from(term, (size_t)equal + 1);

	ret->differs = str_ends(name, STR("!"));
	if (ret->differs)
		name.len--;
	else if (str_starts(value, STR("=")))
		value = str_from(value, 1);
	ret->path = known_field(arena, kind, name);
	if (!ret->path)
		return fail(error, ST_BAD_REQUEST, "field label not supported: " STR_FMT,
			    STR_ARG(name));
	ret->boolean = is_boolean(kind, ret->path);
	return unescape(arena, value, &ret->value, error);
}

enum status field_selector_parse(struct arena *arena, const struct api_kind *kind, struct str text,
				 struct field_selector **ret_selector, struct error *error)
{
	struct field_selector *s = ARENA_NEW(arena, struct field_selector);
	struct field_requirement *at =
		ARENA_ARRAY(arena, struct field_requirement, FIELD_REQUIREMENTS_MAX);

	for (struct str rest = text; rest.at && text.len;) {
		struct str term = str_trim(cut_term(&rest));

		if (term.len == 0)
			continue;
		if (s->len == FIELD_REQUIREMENTS_MAX)
			return fail(error, ST_BAD_REQUEST,
				    "a field selector has at most %d requirements",
				    FIELD_REQUIREMENTS_MAX);
		enum status status = parse_term(arena, kind, term, &at[s->len], error);

		if (status != ST_OK)
			return status;
		s->len++;
	}
	s->at = at;
	*ret_selector = s;
	return ST_OK;
}

/* Numbers and booleans compare as they print; absent is empty, and "false" for a boolean. */
static bool value_is(const struct doc *d, struct str wanted, bool boolean)
{
	if (!d)
		return boolean ? str_is(wanted, "false") : wanted.len == 0;
	if (d->type == DOC_STRING || d->type == DOC_NUMBER)
		return str_eq((struct str){ d->text, d->len }, wanted);
	if (doc_is_bool(d))
		return str_is(wanted, d->type == DOC_TRUE ? "true" : "false");
	return false;
}

bool field_selector_matches(const struct field_selector *selector, const struct doc *object)
{
	for (u32 i = 0; i < selector->len; i++) {
		const struct field_requirement *r = &selector->at[i];

		if (value_is(doc_at(object, r->path), r->value, r->boolean) == r->differs)
			return false;
	}
	return true;
}

struct str field_selector_wanted(const struct field_selector *selector, const char *path)
{
	for (u32 i = 0; i < selector->len; i++)
		if (!selector->at[i].differs && strcmp(selector->at[i].path, path) == 0)
			return selector->at[i].value;
	return STR("");
}
