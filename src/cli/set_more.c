/* minke set env, resources, serviceaccount, selector and subject. */
#include <stdio.h>

#include "cli/create.h"
#include "cli/request.h"
#include "cli/select.h"
#include "cli/set.h"
#include "doc/build.h"
#include "doc/diff.h"
#include "doc/patch_strategic.h"
#include "schema/patch_schema.h"
#include "schema/selector.h"

/* ---- what env and resources share: one field of every container that is meant */

struct setting {
	struct cli *cli;
	struct change change;
	const char *what; /* "env updated" */
	/* The container as it shall be. */
	enum status (*container)(struct setting *s, const struct doc *container,
				 const struct doc **ret_container);
	const struct str *pairs; /* NAME=VALUE and NAME- behind the object's name */
	u32 pairs_len;
	struct error *error;
};

/* "*" stands for any characters. */
static bool name_fits(struct str pattern, struct str name)
{
	if (!pattern.len)
		return !name.len;
	if (pattern.at[0] == '*') {
		for (size_t skip = 0; skip <= name.len; skip++)
			if (name_fits(str_from(pattern, 1), str_from(name, skip)))
				return true;
		return false;
	}
	return name.len && pattern.at[0] == name.at[0] &&
	       name_fits(str_from(pattern, 1), str_from(name, 1));
}

static enum status change_containers(struct setting *s, const struct doc *spec, const char *list,
				     const struct doc **ret_spec, bool *found)
{
	struct cli *cli = s->cli;
	const struct doc *containers = doc_get(spec, str_of(list));
	struct str wanted = option_text(cli, "containers");

	for (u32 i = 0; i < doc_len(containers); i++) {
		const struct doc *container = doc_item(containers, i);

		if (!name_fits(wanted, doc_at_str(container, "name")))
			continue;
		*found = true;
		enum status status = s->container(s, container, &container);

		if (status)
			return status;
		containers = doc_with_item(cli->arena, containers, i, container);
	}
	*ret_spec = containers ? doc_with(cli->arena, spec, str_of(list), containers) : spec;
	return ST_OK;
}

static enum status set_spec(struct setting *s, const struct target *target)
{
	struct cli *cli = s->cli;
	struct patch_schema schema = patch_schema_of(target->kind);
	const char *at = select_pod_spec(target->kind);
	const struct doc *object, *spec, *wanted, *patch;
	bool found = false;
	enum status status = select_get(cli, target, &object, s->error);

	if (status)
		return status;
	if (!at)
		return fail(s->error, ST_BAD_REQUEST,
			    "error: " STR_FMT "/" STR_FMT
			    " is not a pod or does not have a pod template",
			    STR_ARG(target->kind->plural), STR_ARG(target->name));
	spec = doc_at(object, at);
	status = change_containers(s, spec, "initContainers", &spec, &found);
	if (!status)
		status = change_containers(s, spec, "containers", &spec, &found);
	if (!status && !found)
		cli_warn("warning: " STR_FMT "/" STR_FMT " does not have any containers matching "
			 "\"" STR_FMT "\"",
			 STR_ARG(target->kind->plural), STR_ARG(target->name),
			 STR_ARG(option_text(cli, "containers")));
	if (status || !found)
		return status;
	wanted = doc_set(cli->arena, object, at, spec);
	if (doc_eq(wanted, object))
		return ST_OK;
	if (s->change.dry_run_client)
		return change_done(&s->change, target->kind, wanted, s->what);
	status = patch_strategic_two_way(cli->arena, &schema, object, wanted, &patch, s->error);
	if (!status)
		status =
			change_patch(&s->change, target, "", MEDIA_STRATEGIC_PATCH, patch, &object);
	return status ? status : change_done(&s->change, target->kind, object, s->what);
}

static enum status set_all(struct setting *s)
{
	struct targets targets;
	struct cli *cli = s->cli;
	enum status status = change_begin(cli, "kubectl-set", &s->change, s->error);

	if (!status)
		status = select_all(cli, 0, &targets, s->error);
	for (u32 i = 0; !status && i < targets.len; i++)
		status = set_spec(s, &targets.at[i]);
	return status;
}

#define SETTING_OPTIONS                                                                            \
	{ "containers", 'c', OPTION_TEXT, "*", "the containers meant; * for any text", NULL },     \
		{ "all", 0, OPTION_BOOL, NULL, "all of this kind in the namespace", NULL },        \
		{ "selector", 'l', OPTION_TEXT, NULL, "all whose labels match", NULL },            \
		SELECT_FILE_OPTIONS, CHANGE_OPTIONS

/* ---- env */

static const struct option_rule env_options[] = {
	{ "env", 'e', OPTION_LIST, NULL, "NAME=VALUE; may stand several times", NULL },
	{ "from", 0, OPTION_TEXT, NULL, "configmap/NAME or secret/NAME: all its keys", NULL },
	{ "prefix", 0, OPTION_TEXT, NULL, "with --from: before each name", NULL },
	{ "keys", 0, OPTION_TEXT, NULL, "with --from: only these, parted by commas", NULL },
	{ "overwrite", 0, OPTION_BOOL, "true", "change what has another value already", NULL },
	{ "list", 0, OPTION_BOOL, NULL, "show what is set", NULL },
	SETTING_OPTIONS,
	{ 0 },
};

static const struct doc *env_without(struct arena *arena, const struct doc *env, struct str name)
{
	const struct doc *kept = &doc_empty_array;

	doc_each_item(env, entry)
		if (!str_eq(doc_at_str(entry, "name"), name))
			kept = doc_append(arena, kept, entry);
	return kept;
}

static const struct doc *env_with(struct arena *arena, const struct doc *env,
				  const struct doc *wanted)
{
	struct str name = doc_at_str(wanted, "name");

	for (u32 i = 0; i < doc_len(env); i++)
		if (str_eq(doc_at_str(doc_item(env, i), "name"), name))
			return doc_with_item(arena, env, i, wanted);
	return doc_append(arena, env, wanted);
}

/* Every key of a ConfigMap or Secret, as MY_KEY. */
static enum status env_from(struct setting *s, const struct doc **env)
{
	struct cli *cli = s->cli;
	struct arena *arena = cli->arena;
	struct str name = option_text(cli, "from"), type = str_cut(&name, '/');
	struct str prefix = option_text(cli, "prefix"), keys = option_text(cli, "keys");
	const struct api_kind *kind;
	const struct doc *source;
	enum status status = resource_kind(cli, type, &kind, s->error);

	if (!status)
		status = request_get(cli, request_path(arena, kind, cli->ns, name, STR_NONE),
				     &source, s->error);
	if (status)
		return status;
	bool secret = kind->id == KIND_Secret;

	doc_each_pair(doc_key(source, "data"), key, value) {
		char *variable = (char *)str_c(
			arena, str_format(arena, STR_FMT STR_FMT, STR_ARG(prefix), STR_ARG(key)));
		bool listed = !keys.len;

		(void)value;
		for (struct str rest = keys; rest.at && !listed;)
			listed = str_eq(str_cut(&rest, ','), key);
		if (!listed)
			continue;
		for (char *c = variable; *c; c++)
			*c = *c >= 'a' && *c <= 'z' ? (char)(*c - 32)
			     : (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ? *c
										    : '_';
		struct str made = str_from(str_of(variable), prefix.len);

		if (!str_eq(made, key))
			cli_warn("Warning: key " STR_FMT " transferred to " STR_FMT, STR_ARG(key),
				 STR_ARG(made));
		const struct doc *from = doc_set_str(arena, NULL, "key", key), *entry;

		from = doc_set_str(arena, from, "name", name);
		entry = doc_set_str(arena, NULL, "name", str_of(variable));
		entry = doc_set(arena, entry,
				secret ? "valueFrom.secretKeyRef" : "valueFrom.configMapKeyRef",
				from);
		*env = env_with(arena, *env, entry);
	}
	return ST_OK;
}

static enum status env_container(struct setting *s, const struct doc *container,
				 const struct doc **ret_container)
{
	struct arena *arena = s->cli->arena;
	const struct doc *env = doc_key(container, "env");

	env = env ? env : &doc_empty_array;
	for (u32 i = 0; i < s->pairs_len; i++) {
		struct str value = s->pairs[i], name = str_cut(&value, '=');

		if (!value.at) {
			name.len--; /* NAME- */
			env = env_without(arena, env, name);
			continue;
		}
		const struct doc *entry = doc_set_str(arena, NULL, "name", name);

		env = env_with(arena, env, doc_set_str(arena, entry, "value", value));
	}
	if (option_given(s->cli, "from")) {
		enum status status = env_from(s, &env);

		if (status)
			return status;
	}
	*ret_container = doc_len(env) || doc_key(container, "env")
				 ? doc_with(arena, container, STR("env"), env)
				 : container;
	return ST_OK;
}

static void env_print(struct cli *cli, const struct target *target, const struct doc *object)
{
	const char *at = select_pod_spec(target->kind);

	doc_each_item(at ? doc_key(doc_at(object, at), "containers") : NULL, container) {
		cli_printf("# " STR_FMT " " STR_FMT ", container " STR_FMT "\n",
			   STR_ARG(target->kind->kind), STR_ARG(target->name),
			   STR_ARG(doc_at_str(container, "name")));
		doc_each_item(doc_key(container, "env"), entry) {
			struct str name = doc_at_str(entry, "name");
			const struct doc *map = doc_at(entry, "valueFrom.configMapKeyRef");
			const struct doc *secret = doc_at(entry, "valueFrom.secretKeyRef");
			const struct doc *from = map ? map : secret;

			if (from)
				cli_printf("# " STR_FMT " from %s " STR_FMT ", key " STR_FMT "\n",
					   STR_ARG(name), map ? "configmap" : "secret",
					   STR_ARG(doc_at_str(from, "name")),
					   STR_ARG(doc_at_str(from, "key")));
			else
				cli_printf(STR_FMT "=" STR_FMT "\n", STR_ARG(name),
					   STR_ARG(doc_at_str(entry, "value")));
		}
	}
	(void)cli;
}

static enum status env_list(struct cli *cli, struct error *error)
{
	struct targets targets;
	enum status status = select_all(cli, 0, &targets, error);

	for (u32 i = 0; !status && i < targets.len; i++) {
		const struct doc *object;

		status = select_get(cli, &targets.at[i], &object, error);
		if (!status)
			env_print(cli, &targets.at[i], object);
	}
	return status;
}

static enum status env_run(struct cli *cli, struct error *error)
{
	struct setting s = {
		.cli = cli, .what = "env updated", .container = env_container, .error = error
	};
	struct arguments *words = &cli->arguments;
	VEC(struct str) pairs = { 0 };
	const struct str *given;
	u32 first = words->len, len = option_list(cli, "env", &given);

	while (first > 1 && (str_find_char(words->words[first - 1], '=') > 0 ||
			     str_ends(words->words[first - 1], STR("-"))))
		first--;
	for (u32 i = first; i < words->len; i++)
		VEC_PUSH(cli->arena, &pairs, words->words[i]);
	for (u32 i = 0; i < len; i++)
		VEC_PUSH(cli->arena, &pairs, given[i]);
	words->len = first;
	if (option_bool(cli, "list"))
		return env_list(cli, error);
	s.pairs = pairs.at;
	s.pairs_len = pairs.len;
	return set_all(&s);
}

const struct command command_set_env = {
	.name = "env",
	.usage = "env TYPE/NAME NAME=VALUE … NAME- … [--from=configmap/NAME] [--list]",
	.summary = "sets and removes environment variables",
	.options = env_options,
	.run = env_run,
};

/* ---- resources */

static const struct option_rule resources_options[] = {
	{ "limits", 0, OPTION_TEXT, NULL, "cpu=100m,memory=256Mi", NULL },
	{ "requests", 0, OPTION_TEXT, NULL, "cpu=100m,memory=256Mi", NULL },
	SETTING_OPTIONS,
	{ 0 },
};

static enum status resources_container(struct setting *s, const struct doc *container,
				       const struct doc **ret_container)
{
	static const char *const words[] = { "limits", "requests" };
	struct arena *arena = s->cli->arena;

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const struct doc *pairs = create_pairs(s->cli, option_text(s->cli, words[i]));
		const struct doc *resources = doc_key(container, "resources"), *kept;

		if (!doc_len(pairs))
			continue;
		kept = doc_get(resources, str_of(words[i]));
		doc_each_pair(pairs, key, value)
			kept = doc_with(arena, kept, key, value);
		resources = doc_with(arena, resources, str_of(words[i]), kept);
		container = doc_with(arena, container, STR("resources"), resources);
	}
	*ret_container = container;
	return ST_OK;
}

static enum status resources_run(struct cli *cli, struct error *error)
{
	struct setting s = { .cli = cli,
			     .what = "resource requirements updated",
			     .container = resources_container,
			     .error = error };

	if (!option_given(cli, "limits") && !option_given(cli, "requests"))
		return fail(error, ST_BAD_REQUEST,
			    "error: you must specify an update to requests or limits (in the form "
			    "of --requests/--limits)");
	return set_all(&s);
}

const struct command command_set_resources = {
	.name = "resources",
	.usage = "resources TYPE/NAME --limits=cpu=1 --requests=memory=64Mi",
	.summary = "sets what containers ask for and may use",
	.options = resources_options,
	.run = resources_run,
};

/* ---- serviceaccount, selector: one field by a patch */

static const struct option_rule field_options[] = {
	{ "all", 0, OPTION_BOOL, NULL, "all of this kind in the namespace", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "all whose labels match", NULL },
	SELECT_FILE_OPTIONS,
	CHANGE_OPTIONS,
	{ 0 },
};

static enum status patch_field(struct change *change, const struct target *target,
			       const char *field, const struct doc *value, const char *what)
{
	struct cli *cli = change->cli;
	const struct doc *object = doc_set_str(cli->arena, NULL, "metadata.name", target->name);
	enum status status = ST_OK;

	if (!change->dry_run_client)
		status = change_patch(change, target, "", MEDIA_MERGE_PATCH,
				      doc_set(cli->arena, NULL, field, value), &object);
	return status ? status : change_done(change, target->kind, object, what);
}

static enum status service_account_run(struct cli *cli, struct error *error)
{
	struct arguments *words = &cli->arguments;
	struct change change;
	struct targets targets;
	enum status status = change_begin(cli, "kubectl-set", &change, error);

	if (!status && words->len < 2)
		status = fail(error, ST_BAD_REQUEST, "error: serviceaccount is required");
	struct str account = words->len ? words->words[words->len - 1] : STR_NONE;

	if (!status) {
		words->len--;
		status = select_all(cli, 0, &targets, error);
	}
	for (u32 i = 0; !status && i < targets.len; i++) {
		const char *spec = select_pod_spec(targets.at[i].kind);
		struct str field =
			str_format(cli->arena, "%s.serviceAccountName", spec ? spec : "spec");

		status = patch_field(&change, &targets.at[i], field.at,
				     doc_new_str(cli->arena, account), "serviceaccount updated");
	}
	return status;
}

const struct command command_set_serviceaccount = {
	.name = "serviceaccount",
	.usage = "serviceaccount TYPE/NAME ACCOUNT",
	.summary = "sets which account pods run as",
	.options = field_options,
	.run = service_account_run,
};

static enum status selector_run(struct cli *cli, struct error *error)
{
	struct arguments *words = &cli->arguments;
	struct change change;
	struct targets targets;
	enum status status = change_begin(cli, "kubectl-set", &change, error);

	if (!status && words->len < 2)
		status = fail(error, ST_BAD_REQUEST,
			      "error: one or more resources must be "
			      "specified, and a selector");
	if (status)
		return status;
	const struct doc *selector = create_pairs(cli, words->words[--words->len]);

	status = select_all(cli, 0, &targets, error);
	for (u32 i = 0; !status && i < targets.len; i++) {
		if (targets.at[i].kind->id != KIND_Service)
			return fail(error, ST_BAD_REQUEST,
				    "error: setting a selector is only supported for Services");
		status = patch_field(&change, &targets.at[i], "spec.selector", selector,
				     "selector updated");
	}
	return status;
}

const struct command command_set_selector = {
	.name = "selector",
	.usage = "selector service/NAME KEY=VALUE,…",
	.summary = "sets which pods a Service leads to",
	.options = field_options,
	.run = selector_run,
};

/* ---- subject */

static const struct option_rule subject_options[] = {
	{ "user", 0, OPTION_LIST, NULL, "add this user", NULL },
	{ "group", 0, OPTION_LIST, NULL, "add this group", NULL },
	{ "serviceaccount", 0, OPTION_LIST, NULL, "add this account: NAMESPACE:NAME", NULL },
	{ "all", 0, OPTION_BOOL, NULL, "all of this kind in the namespace", NULL },
	{ "selector", 'l', OPTION_TEXT, NULL, "all whose labels match", NULL },
	SELECT_FILE_OPTIONS,
	CHANGE_OPTIONS,
	{ 0 },
};

static enum status subject_run(struct cli *cli, struct error *error)
{
	struct change change;
	struct targets targets;
	struct build b = build_array(cli->arena);
	enum status status = change_begin(cli, "kubectl-set", &change, error);

	if (!status)
		status = create_subjects(cli, &b, error);
	if (!status)
		status = select_all(cli, 0, &targets, error);
	const struct doc *added = build_done(&b);

	if (!status && !doc_len(added))
		status = fail(error, ST_BAD_REQUEST,
			      "error: you must specify at least one value of user, group or "
			      "serviceaccount");
	for (u32 i = 0; !status && i < targets.len; i++) {
		const struct doc *object, *subjects;

		status = select_get(cli, &targets.at[i], &object, error);
		if (status)
			return status;
		subjects = doc_key(object, "subjects");
		subjects = subjects ? subjects : &doc_empty_array;
		doc_each_item(added, subject) {
			bool there = false;

			doc_each_item(subjects, old)
				there |= doc_eq(old, subject);
			if (!there)
				subjects = doc_append(cli->arena, subjects, subject);
		}
		status = patch_field(&change, &targets.at[i], "subjects", subjects,
				     "subjects updated");
	}
	return status;
}

const struct command command_set_subject = {
	.name = "subject",
	.usage = "subject rolebinding/NAME --user=USER --group=GROUP",
	.summary = "adds whom a binding is for",
	.options = subject_options,
	.run = subject_run,
};
