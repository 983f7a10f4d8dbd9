/* minke create quota, poddisruptionbudget and priorityclass. */
#include "cli/create.h"

static const struct option_rule quota_options[] = {
	{ "hard", 0, OPTION_TEXT, NULL, "cpu=1,pods=10,…", NULL },
	{ "scopes", 0, OPTION_TEXT, NULL, "BestEffort,NotTerminating …", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static enum status quota_run(struct cli *cli, struct error *error)
{
	struct str name, scopes = option_text(cli, "scopes");
	struct build b = build_object(cli->arena);
	enum status status = create_name(cli, &name, error);

	if (status)
		return status;
	build_open_object(&b, "spec");
	build_doc(&b, "hard", create_pairs(cli, option_text(cli, "hard")));
	create_strings(&b, "scopes", &scopes, scopes.len ? 1 : 0);
	build_close(&b);
	return create_made(cli, KIND_ResourceQuota, name, build_done(&b), error);
}

const struct command command_create_quota = {
	.name = "quota",
	.usage = "quota NAME --hard=cpu=1,pods=10",
	.summary = "a limit of what a namespace holds",
	.options = quota_options,
	.run = quota_run,
};

static const struct option_rule pdb_options[] = {
	{ "selector", 0, OPTION_TEXT, NULL, "whose pods: KEY=VALUE,…", NULL },
	{ "min-available", 0, OPTION_TEXT, NULL, "so many stay, or a percentage", NULL },
	{ "max-unavailable", 0, OPTION_TEXT, NULL, "so many may be away, or a percentage", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static void build_number_or_text(struct build *b, const char *key, struct str text)
{
	i64 number;

	if (text.len && str_to_i64(text, &number))
		build_int(b, key, number);
	else
		build_str_if(b, key, text);
}

static enum status pdb_run(struct cli *cli, struct error *error)
{
	struct str name, least = option_text(cli, "min-available");
	struct str most = option_text(cli, "max-unavailable");
	struct build b = build_object(cli->arena);
	enum status status = create_name(cli, &name, error);

	if (!status && !option_given(cli, "selector"))
		status = fail(error, ST_BAD_REQUEST, "error: a selector must be specified");
	if (!status && !least.len && !most.len)
		status = fail(error, ST_BAD_REQUEST,
			      "error: one of min-available or max-unavailable must be specified");
	if (!status && least.len && most.len)
		status = fail(error, ST_BAD_REQUEST,
			      "error: min-available and max-unavailable cannot be both specified");
	if (status)
		return status;
	build_open_object(&b, "spec");
	build_number_or_text(&b, "maxUnavailable", most);
	build_number_or_text(&b, "minAvailable", least);
	build_open_object(&b, "selector");
	build_doc(&b, "matchLabels", create_pairs(cli, option_text(cli, "selector")));
	build_close(&b);
	build_close(&b);
	return create_made(cli, KIND_PodDisruptionBudget, name, build_done(&b), error);
}

const struct command command_create_pdb = {
	.name = "pdb",
	.usage = "pdb NAME --selector=app=x --min-available=1",
	.summary = "how many pods must stay while nodes are drained",
	.options = pdb_options,
	.run = pdb_run,
};

const struct command command_create_poddisruptionbudget = {
	.name = "poddisruptionbudget",
	.usage = "poddisruptionbudget NAME --selector=app=x --min-available=1",
	.summary = "the same as pdb",
	.options = pdb_options,
	.run = pdb_run,
};

static const struct option_rule priority_options[] = {
	{ "value", 0, OPTION_INT, "0", "the higher, the sooner", NULL },
	{ "global-default", 0, OPTION_BOOL, NULL, "of pods that name no class", NULL },
	{ "description", 0, OPTION_TEXT, NULL, "what it is for", NULL },
	{ "preemption-policy", 0, OPTION_TEXT, "PreemptLowerPriority",
	  "PreemptLowerPriority or Never", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static enum status priority_run(struct cli *cli, struct error *error)
{
	struct str name;
	struct build b = build_object(cli->arena);
	enum status status = create_name(cli, &name, error);

	if (status)
		return status;
	build_int(&b, "value", option_int(cli, "value"));
	if (option_bool(cli, "global-default"))
		build_bool(&b, "globalDefault", true);
	build_str_if(&b, "description", option_text(cli, "description"));
	build_str(&b, "preemptionPolicy", option_text(cli, "preemption-policy"));
	return create_made(cli, KIND_PriorityClass, name, build_done(&b), error);
}

const struct command command_create_priorityclass = {
	.name = "priorityclass",
	.usage = "priorityclass NAME --value=1000",
	.summary = "how important pods are",
	.options = priority_options,
	.run = priority_run,
};
