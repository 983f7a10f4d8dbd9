/* minke label and minke annotate: the same deed on two maps of an object's metadata. */
#include "cli/change.h"
#include "cli/request.h"

static const struct option_rule options[] = {
	{ "overwrite", 0, OPTION_BOOL, NULL, "change what has another value already", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "all whose labels match", NULL },
	{ "all", 0, OPTION_BOOL, NULL, "all of this kind in the namespace", NULL },
	{ "list", 0, OPTION_BOOL, NULL, "print them afterwards", NULL },
	{ "resource-version", 0, OPTION_TEXT, NULL, "only if this is the object's version", NULL },
	{ "filename", 'f', OPTION_LIST, NULL, "the objects named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

struct labelling {
	struct cli *cli;
	struct change change;
	const char *field;     /* "labels" */
	const char *word;      /* "label" */
	const struct doc *set; /* key → value, or null to remove */
	struct error *error;
};

/* Takes KEY=VALUE and KEY- off the end of the words. */
static enum status read_pairs(struct labelling *l)
{
	struct cli *cli = l->cli;
	struct arguments *words = &cli->arguments;
	u32 first = words->len;

	while (first > 0) {
		struct str word = words->words[first - 1];

		if (str_find_char(word, '=') < 1 && !(word.len > 1 && str_ends(word, STR("-"))))
			break;
		first--;
	}
	for (u32 i = first; i < words->len; i++) {
		struct str value = words->words[i], key = str_cut(&value, '=');
		bool remove = !value.at;

		if (remove)
			key.len--;
		l->set = doc_with(cli->arena, l->set, key,
				  remove ? &doc_null : doc_new_str(cli->arena, value));
	}
	words->len = first;
	if (!doc_len(l->set) && !option_bool(cli, "list"))
		return fail(l->error, ST_BAD_REQUEST, "error: at least one %s update is required",
			    l->word);
	return ST_OK;
}

static enum status label_one(struct labelling *l, const struct target *target)
{
	struct cli *cli = l->cli;
	struct str path =
		request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE);
	const struct doc *object;
	bool changed = false, removed = true;
	enum status status = request_get(cli, path, &object, l->error);

	if (status)
		return status;
	const struct doc *now = doc_get(doc_key(object, "metadata"), str_of(l->field));

	doc_each_pair(l->set, key, value) {
		const struct doc *old = doc_get(now, key);

		if (doc_is_null(value)) {
			if (!old)
				cli_printf("%s \"" STR_FMT "\" not found.\n", l->word,
					   STR_ARG(key));
			changed |= old != NULL;
			continue;
		}
		removed = false;
		if (old && !doc_eq(old, value) && !option_bool(cli, "overwrite"))
			return fail(l->error, ST_CONFLICT,
				    "error: '" STR_FMT "' already has a value (" STR_FMT
				    "), and --overwrite is false",
				    STR_ARG(key), STR_ARG(doc_str(old)));
		changed |= !old || !doc_eq(old, value);
	}
	const struct doc *patch = doc_with(cli->arena, NULL, str_of(l->field), l->set);

	patch = doc_with(cli->arena, NULL, STR("metadata"), patch);
	if (option_text(cli, "resource-version").len)
		patch = doc_set_str(cli->arena, patch, "metadata.resourceVersion",
				    option_text(cli, "resource-version"));
	if (changed && !l->change.dry_run_client)
		status = change_patch(&l->change, target, "", MEDIA_MERGE_PATCH, patch, &object);
	if (status)
		return status;
	bool label = !strcmp(l->word, "label");
	const char *what = !changed ? (label ? "not labeled" : "annotated")
			   : label  ? (removed ? "unlabeled" : "labeled")
				    : "annotated";

	return change_done(&l->change, target->kind, object, what);
}

/* TYPE with -l or --all: each object there is. */
static enum status label_listed(struct labelling *l, const struct target *of)
{
	struct cli *cli = l->cli;
	struct str path = request_path(cli->arena, of->kind, of->ns, STR_NONE, STR_NONE);
	const struct doc *list;
	enum status status = request_get(
		cli, request_query(cli->arena, path, "labelSelector", option_text(cli, "selector")),
		&list, l->error);

	doc_each_item(status ? NULL : doc_key(list, "items"), item) {
		struct target target = { .kind = of->kind,
					 .ns = doc_at_str(item, "metadata.namespace"),
					 .name = doc_at_str(item, "metadata.name") };

		if (!status)
			status = label_one(l, &target);
	}
	return status;
}

static enum status label_all(struct labelling *l)
{
	struct cli *cli = l->cli;
	struct targets targets;
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	bool many = option_bool(cli, "all") || option_text(cli, "selector").len;
	enum status status = read_pairs(l);

	if (!status)
		status = change_begin(
			cli, strcmp(l->word, "label") ? "kubectl-annotate" : "kubectl-label",
			&l->change, l->error);
	if (!status)
		status = files_len
				 ? resource_files(cli, files, files_len,
						  option_bool(cli, "recursive"), &targets, l->error)
				 : resource_targets(cli, 0, &targets, l->error);
	if (status)
		return status;
	if (!targets.by_name && !many)
		return fail(l->error, ST_BAD_REQUEST,
			    "error: resource(s) were provided, but no name was specified");
	for (u32 i = 0; !status && i < targets.len; i++)
		status = targets.by_name ? label_one(l, &targets.at[i])
					 : label_listed(l, &targets.at[i]);
	return status;
}

static enum status label_run(struct cli *cli, struct error *error)
{
	struct labelling l = { .cli = cli, .field = "labels", .word = "label", .error = error };

	return label_all(&l);
}

static enum status annotate_run(struct cli *cli, struct error *error)
{
	struct labelling l = {
		.cli = cli, .field = "annotations", .word = "annotation", .error = error
	};

	return label_all(&l);
}

const struct command command_label = {
	.name = "label",
	.usage = "label TYPE NAME KEY=VALUE … KEY- …",
	.summary = "sets and removes labels",
	.options = options,
	.run = label_run,
};

const struct command command_annotate = {
	.name = "annotate",
	.usage = "annotate TYPE NAME KEY=VALUE … KEY- …",
	.summary = "sets and removes annotations",
	.options = options,
	.run = annotate_run,
};
