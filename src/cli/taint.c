/* minke taint: marks that keep pods away from nodes, or drive them out. */
#include "cli/change.h"
#include "cli/cordon.h"
#include "cli/request.h"

static const struct option_rule options[] = {
	{ "overwrite", 0, OPTION_BOOL, NULL, "change a taint that is there", NULL },
	{ "all", 0, OPTION_BOOL, NULL, "every node", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "all nodes whose labels match", NULL },
	{ "validate", 0, OPTION_TEXT, "true", "strict, warn or ignore unknown fields", "true" },
	CHANGE_OPTIONS,
	{ 0 },
};

enum { TAINTS_MAX = 64 };

struct mark {
	struct str key, value, effect; /* effect empty: any, for removal */
	bool remove;
};

struct marks {
	struct mark at[TAINTS_MAX];
	u32 len;
};

static bool effect_known(struct str effect)
{
	return str_is(effect, "NoSchedule") || str_is(effect, "PreferNoSchedule") ||
	       str_is(effect, "NoExecute");
}

/* KEY=VALUE:EFFECT, KEY:EFFECT, and with a dash at the end KEY- or KEY[=VALUE]:EFFECT-. */
static enum status read_mark(struct str word, struct mark *mark, struct error *error)
{
	struct str rest = word;

	*mark = (struct mark){ .remove = str_ends(word, STR("-")) };
	if (mark->remove)
		rest.len--;
	struct str effect = rest, pair = str_cut(&effect, ':'), value = pair,
		   key = str_cut(&value, '=');

	mark->key = key;
	mark->value = value.at ? value : STR_NONE;
	mark->effect = effect.at ? effect : STR_NONE;
	if (!mark->remove && !mark->effect.len)
		return fail(error, ST_BAD_REQUEST, "error: unknown taint spec: " STR_FMT,
			    STR_ARG(word));
	if (mark->effect.len && !effect_known(mark->effect))
		return fail(error, ST_BAD_REQUEST,
			    "error: invalid taint effect: " STR_FMT ", unsupported taint effect\n"
			    "See 'minke taint -h' for help and examples",
			    STR_ARG(mark->effect));
	return ST_OK;
}

static bool is_mark(struct str word)
{
	return str_find_char(word, ':') > 0 || str_find_char(word, '=') > 0 ||
	       (word.len > 1 && str_ends(word, STR("-")));
}

static bool same_taint(const struct doc *taint, const struct mark *mark)
{
	return str_eq(doc_at_str(taint, "key"), mark->key) &&
	       (!mark->effect.len || str_eq(doc_at_str(taint, "effect"), mark->effect));
}

/* The node's taints afterwards. */
static enum status apply_marks(struct cli *cli, const struct doc *node, const struct marks *marks,
			       const struct doc **ret_taints, const char **ret_what,
			       struct error *error)
{
	const struct doc *taints = doc_at(node, "spec.taints");
	bool added = false, changed = false;

	taints = taints ? taints : &doc_empty_array;
	for (u32 i = 0; i < marks->len; i++) {
		const struct mark *mark = &marks->at[i];
		const struct doc *kept = &doc_empty_array;
		bool found = false;

		doc_each_item(taints, taint) {
			if (same_taint(taint, mark))
				found = true;
			else
				kept = doc_append(cli->arena, kept, taint);
		}
		if (mark->remove && !found)
			return fail(error, ST_NOT_FOUND,
				    "error: taint \"" STR_FMT "%s" STR_FMT "\" not found",
				    STR_ARG(mark->key), mark->effect.len ? ":" : "",
				    STR_ARG(mark->effect));
		if (!mark->remove && found && !option_bool(cli, "overwrite"))
			return fail(error, ST_CONFLICT,
				    "error: node " STR_FMT " already has " STR_FMT
				    " taint(s) with same effect(s) and --overwrite is false",
				    STR_ARG(doc_at_str(node, "metadata.name")), STR_ARG(mark->key));
		taints = kept;
		if (mark->remove)
			continue;
		const struct doc *taint = doc_set_str(cli->arena, NULL, "effect", mark->effect);

		taint = doc_set_str(cli->arena, taint, "key", mark->key);
		if (mark->value.len)
			taint = doc_set_str(cli->arena, taint, "value", mark->value);
		taints = doc_append(cli->arena, taints, taint);
		added |= !found;
		changed |= found;
	}
	*ret_taints = taints;
	*ret_what = changed ? "modified" : added ? "tainted" : "untainted";
	return ST_OK;
}

static enum status taint_one(struct change *change, const struct target *node,
			     const struct marks *marks)
{
	struct cli *cli = change->cli;
	const struct doc *object, *taints = NULL;
	const char *what = NULL;
	enum status status = select_get(cli, node, &object, change->error);

	if (!status)
		status = apply_marks(cli, object, marks, &taints, &what, change->error);
	if (status)
		return status;
	/* A merge patch replaces the whole list, which is what was decided on. */
	const struct doc *patch =
		doc_set(cli->arena, NULL, "spec.taints", doc_len(taints) ? taints : &doc_null);

	if (!change->dry_run_client)
		status = change_patch(change, node, "", MEDIA_MERGE_PATCH, patch, &object);
	return status ? status : change_done(change, node->kind, object, what);
}

static enum status taint_run(struct cli *cli, struct error *error)
{
	struct arguments *words = &cli->arguments;
	struct marks marks = { 0 };
	struct change change;
	struct targets nodes;
	enum status status = change_begin(cli, "kubectl-taint", &change, error);
	u32 first = words->len;

	while (first > 0 && is_mark(words->words[first - 1]))
		first--;
	for (u32 i = first; !status && i < words->len; i++) {
		if (marks.len == TAINTS_MAX)
			return fail(error, ST_TOO_LARGE, "error: too many taints");
		status = read_mark(words->words[i], &marks.at[marks.len++], error);
	}
	words->len = first;
	if (!status && !marks.len)
		status =
			fail(error, ST_BAD_REQUEST, "error: at least one taint update is required");
	if (!status)
		status = resource_targets(cli, 0, &nodes, error);
	if (status)
		return status;
	if (!nodes.len || nodes.at[0].kind->id != KIND_Node)
		return fail(error, ST_BAD_REQUEST,
			    "error: invalid resource type " STR_FMT
			    ", only node types are supported",
			    nodes.len ? (int)nodes.at[0].kind->kind.len : 0,
			    nodes.len ? nodes.at[0].kind->kind.at : "");
	if (!nodes.by_name && !option_bool(cli, "all") && !option_text(cli, "selector").len)
		return fail(error, ST_BAD_REQUEST,
			    "error: at least one resource name must be specified since 'all' "
			    "parameter is not set");
	status = select_expand(cli, &nodes, option_text(cli, "selector"), STR_NONE, false, error);
	for (u32 i = 0; !status && i < nodes.len; i++)
		status = taint_one(&change, &nodes.at[i], &marks);
	return status;
}

const struct command command_taint = {
	.name = "taint",
	.usage = "taint nodes NODE … KEY=VALUE:EFFECT … KEY[:EFFECT]- …",
	.summary = "sets and removes taints of nodes",
	.options = options,
	.run = taint_run,
};
