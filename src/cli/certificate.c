/* minke certificate approve|deny: decides about CertificateSigningRequests. */
#include "base/timestamp.h"
#include "cli/print.h"
#include "cli/request.h"
#include "cli/resource.h"
#include "sys/clock.h"

struct decision {
	const char *type, *other, *reason, *message, *done;
};

static const struct decision approval = { "Approved", "Denied", "KubectlApprove",
					  "This CSR was approved by kubectl certificate approve.",
					  "approved" };
static const struct decision denial = { "Denied", "Approved", "KubectlDeny",
					"This CSR was denied by kubectl certificate deny.",
					"denied" };

static const struct option_rule options[] = {
	{ "force", 0, OPTION_BOOL, NULL, "decide again what is decided already", NULL },
	{ "filename", 'f', OPTION_LIST, NULL, "the requests named in these files", NULL },
	{ "recursive", 'R', OPTION_BOOL, NULL, "folders inside folders too", NULL },
	{ "output", 'o', OPTION_TEXT, NULL, "yaml, json, name, jsonpath=…", NULL },
	{ 0 },
};

static bool has_condition(const struct doc *request, const char *type)
{
	doc_each_item(doc_at(request, "status.conditions"), condition)
		if (str_is(doc_at_str(condition, "type"), type))
			return true;
	return false;
}

static const struct doc *with_decision(struct cli *cli, const struct doc *request,
				       const struct decision *decision)
{
	struct arena *arena = cli->arena;
	struct str now = timestamp_print(arena, clock_wall_ns(clock_real()));
	const struct doc *kept = &doc_empty_array;
	const struct doc *one = doc_set_str(arena, NULL, "type", str_of(decision->type));

	doc_each_item(doc_at(request, "status.conditions"), condition)
		if (!str_is(doc_at_str(condition, "type"), decision->type))
			kept = doc_append(arena, kept, condition);
	one = doc_set_str(arena, one, "status", STR("True"));
	one = doc_set_str(arena, one, "reason", str_of(decision->reason));
	one = doc_set_str(arena, one, "message", str_of(decision->message));
	one = doc_set_str(arena, one, "lastUpdateTime", now);
	return doc_set(arena, request, "status.conditions", doc_append(arena, kept, one));
}

static enum status decide(struct cli *cli, const struct target *target,
			  const struct decision *decision, struct error *error)
{
	struct arena *arena = cli->arena;
	struct str path = request_path(arena, target->kind, STR_NONE, target->name, STR_NONE);
	const struct doc *request, *answer;
	struct output output;
	enum status status = output_parse(cli, option_text(cli, "output"), &output, error);

	if (status == ST_OK)
		status = request_get(cli, path, &request, error);
	if (status != ST_OK)
		return status;
	answer = request;
	if (has_condition(request, decision->other) && !option_bool(cli, "force"))
		return fail(error, ST_CONFLICT,
			    "error: certificate signing request \"" STR_FMT "\" is already %s",
			    STR_ARG(target->name), decision == &approval ? "denied" : "approved");
	if (!has_condition(request, decision->type) || option_bool(cli, "force")) {
		struct request put = { .method = "PUT",
				       .path = request_path(arena, target->kind, STR_NONE,
							    target->name, STR("approval")),
				       .body = with_decision(cli, request, decision) };

		status = request_send(cli, &put, &answer, error);
	}
	if (status != ST_OK)
		return status;
	return output_done(cli, &output, target->kind, answer, decision->done, error);
}

static enum status decide_all(struct cli *cli, const struct decision *decision, struct error *error)
{
	const struct str *files;
	u32 files_len = option_list(cli, "filename", &files);
	struct targets targets = { 0 };
	enum status status = cli_connect(cli, error);

	if (status == ST_OK && !files_len && !cli->arguments.len)
		return fail(error, ST_BAD_REQUEST,
			    "error: one or more CSRs must be specified as <name> or -f "
			    "<filename>");
	if (status == ST_OK && files_len)
		status = resource_files(cli, files, files_len, option_bool(cli, "recursive"),
					&targets, error);
	for (u32 i = 0; status == ST_OK && i < targets.len; i++)
		status = decide(cli, &targets.at[i], decision, error);
	for (u32 i = 0; status == ST_OK && i < cli->arguments.len; i++) {
		struct str name = cli->arguments.words[i], type = str_cut(&name, '/');
		struct target target = {
			.kind = schema_kind(cli->schema, KIND_CertificateSigningRequest),
			.name = name.at ? name : type,
		};

		status = decide(cli, &target, decision, error);
	}
	return status;
}

static enum status approve_run(struct cli *cli, struct error *error)
{
	return decide_all(cli, &approval, error);
}

static enum status deny_run(struct cli *cli, struct error *error)
{
	return decide_all(cli, &denial, error);
}

static const struct command command_approve = {
	.name = "approve",
	.usage = "certificate approve NAME …",
	.summary = "lets a certificate request be signed",
	.options = options,
	.run = approve_run,
};
static const struct command command_deny = {
	.name = "deny",
	.usage = "certificate deny NAME …",
	.summary = "refuses a certificate request",
	.options = options,
	.run = deny_run,
};
static const struct command *const children[] = { &command_approve, &command_deny, NULL };

const struct command command_certificate = {
	.name = "certificate",
	.usage = "certificate approve|deny NAME …",
	.summary = "decides about certificate requests",
	.children = children,
};
