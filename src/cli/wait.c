/* minke wait: until objects are as one wants them, or gone, or there. */
#include <stdio.h>

#include "cli/follow.h"
#include "cli/request.h"
#include "cli/select.h"
#include "doc/jsonpath.h"

enum { VALUE_BYTES_MAX = 1 << 20 };

static const struct option_rule options[] = {
	{ "for", 0, OPTION_LIST, NULL,
	  "delete, create, condition=NAME[=VALUE] or jsonpath=EXPRESSION[=VALUE]", NULL },
	{ "timeout", 0, OPTION_TEXT, "30s", "how long to wait at most; negative: a week", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "all whose labels match", NULL },
	{ "field-selector", 0, OPTION_TEXT, NULL, "all whose fields match", NULL },
	{ "all", 0, OPTION_BOOL, NULL, "all of this kind in the namespace", NULL },
	{ "all-namespaces", 'A', OPTION_BOOL, NULL, "in every namespace", NULL },
	{ "output", 'o', OPTION_TEXT, NULL, "name", NULL },
	SELECT_FILE_OPTIONS,
	{ 0 },
};

enum wanted { WANT_DELETE, WANT_CREATE, WANT_CONDITION, WANT_PATH };

struct waiting {
	struct cli *cli;
	enum wanted wanted;
	struct str name, value; /* of the condition; value of the path */
	bool any_value;
	struct jsonpath *path;
	bool vanished, seen;
};

static enum status read_path(struct waiting *w, struct str expression, struct error *error)
{
	struct arena *arena = w->cli->arena;
	i64 end = str_find(expression, STR("}="));

	w->wanted = WANT_PATH;
	w->any_value = true;
	if (end >= 0) {
		w->value = str_from(expression, (size_t)end + 2);
		expression.len = (size_t)end + 1;
		w->any_value = false;
	} else if (expression.len && expression.at[0] != '{' &&
		   str_find_char(expression, '=') > 0) {
		w->value = expression;
		expression = str_cut(&w->value, '=');
		w->any_value = false;
	}
	if (!w->any_value && !w->value.len)
		return fail(error, ST_BAD_REQUEST, "error: jsonpath wait value cannot be empty");
	return jsonpath_parse_relaxed(arena, expression, &w->path, error);
}

static enum status read_for(struct waiting *w, struct str text, struct error *error)
{
	struct str rest = text, word = str_cut(&rest, '=');

	if (str_is(word, "delete") && !rest.at) {
		w->wanted = WANT_DELETE;
		return ST_OK;
	}
	if (str_is(word, "create") && !rest.at) {
		w->wanted = WANT_CREATE;
		return ST_OK;
	}
	if (str_is(word, "jsonpath") && rest.len)
		return read_path(w, rest, error);
	if (!str_is(word, "condition") || !rest.len)
		return fail(error, ST_BAD_REQUEST, "error: unrecognized condition: \"" STR_FMT "\"",
			    STR_ARG(text));
	w->wanted = WANT_CONDITION;
	w->value = rest;
	w->name = str_lower(w->cli->arena, str_cut(&w->value, '='));
	w->value = str_lower(w->cli->arena, w->value.at ? w->value : STR("true"));
	return ST_OK;
}

static bool has_condition(const struct waiting *w, const struct doc *object)
{
	struct arena *arena = w->cli->arena;

	doc_each_item(doc_at(object, "status.conditions"), condition) {
		struct str type = str_lower(arena, doc_at_str(condition, "type"));

		if (!str_eq(type, w->name))
			continue;
		/* What was seen of an earlier generation says nothing yet. */
		i64 seen = doc_at_int(condition, "observedGeneration",
				      doc_at_int(object, "status.observedGeneration", 0));

		if (seen && seen < doc_at_int(object, "metadata.generation", 0))
			return false;
		return str_eq(str_lower(arena, doc_at_str(condition, "status")), w->value);
	}
	return false;
}

static bool has_value(const struct waiting *w, const struct doc *object)
{
	struct buffer text = BUFFER_INIT(VALUE_BYTES_MAX);
	struct error none = ERROR_INIT;
	bool found = jsonpath_print(w->cli->arena, w->path, object, true, &text, &none) == ST_OK;

	found = found && (w->any_value ? text.len > 0 : str_eq(buffer_str(&text), w->value));
	buffer_release(&text);
	return found;
}

static bool look(void *self, const struct doc *object)
{
	struct waiting *w = self;

	if (!object) {
		w->vanished = w->wanted != WANT_DELETE && w->wanted != WANT_CREATE;
		return w->wanted != WANT_CREATE;
	}
	w->seen = true;
	if (w->wanted == WANT_DELETE)
		return false;
	if (w->wanted == WANT_CREATE)
		return true;
	return w->wanted == WANT_CONDITION ? has_condition(w, object) : has_value(w, object);
}

static enum status wait_one(struct waiting *w, const struct target *target, struct error *error)
{
	struct cli *cli = w->cli;
	enum status status;

	w->vanished = w->seen = false;
	status = follow_object(cli, target, look, w, error);
	if (status == ST_TIMEOUT) {
		error_clear(error);
		return fail(error, ST_TIMEOUT,
			    "error: timed out waiting for the condition on " STR_FMT "/" STR_FMT,
			    STR_ARG(target->kind->plural), STR_ARG(target->name));
	}
	if (!status && w->vanished) {
		cli->server_said = true;
		cli->server_reason = STR("NotFound");
		return fail(error, ST_NOT_FOUND, STR_FMT "%s" STR_FMT " \"" STR_FMT "\" not found",
			    STR_ARG(target->kind->plural), target->kind->group.len ? "." : "",
			    STR_ARG(target->kind->group), STR_ARG(target->name));
	}
	if (!status && w->seen) /* kubectl says nothing of what was gone before */
		cli_printf(STR_FMT "%s\n",
			   STR_ARG(resource_name(cli->arena, target->kind, target->name)),
			   str_is(option_text(cli, "output"), "name") ? "" : " condition met");
	fflush(stdout);
	return status;
}

static enum status begin(struct waiting *w, struct targets *targets, struct error *error)
{
	struct cli *cli = w->cli;
	const struct str *conditions;
	u32 len = option_list(cli, "for", &conditions);
	struct str labels = option_text(cli, "selector");
	struct str fields = option_text(cli, "field-selector");
	struct str timeout = option_text(cli, "timeout");
	enum status status;

	if (!len)
		return fail(error, ST_BAD_REQUEST, "error: unrecognized condition: \"\"");
	status = read_for(w, conditions[len - 1], error);
	if (!status)
		status = select_read(cli, 0, targets, error);
	if (status)
		return status;
	if (!targets->by_name && !labels.len && !fields.len && !option_bool(cli, "all"))
		return fail(error, ST_BAD_REQUEST,
			    "error: resource(s) were provided, but no name was specified");
	status = select_expand(cli, targets, labels, fields, option_bool(cli, "all-namespaces"),
			       error);
	if (!status && !targets->len && w->wanted != WANT_DELETE)
		status = fail(error, ST_NOT_FOUND, "error: no matching resources found");
	if (!status)
		status = cli_deadline(cli, str_starts(timeout, STR("-")) ? STR("168h") : timeout,
				      error);
	return status;
}

static enum status wait_run(struct cli *cli, struct error *error)
{
	struct waiting w = { .cli = cli };
	struct targets targets;
	enum status status = begin(&w, &targets, error);

	for (u32 i = 0; !status && i < targets.len; i++)
		status = wait_one(&w, &targets.at[i], error);
	return status;
}

const struct command command_wait = {
	.name = "wait",
	.usage = "wait TYPE/NAME … --for=condition=NAME | --for=delete | --for=jsonpath=…",
	.summary = "waits until objects are as one wants them",
	.options = options,
	.run = wait_run,
};
