/* minke run: one pod from an image, and its output or its terminal if one wants them. */
#include <stdio.h>

#include "cli/create.h"
#include "cli/exec.h"
#include "cli/follow.h"
#include "cli/request.h"
#include "doc/build.h"
#include "doc/json.h"
#include "doc/patch_json.h"
#include "doc/patch_merge.h"
#include "doc/patch_strategic.h"
#include "schema/patch_schema.h"

static const struct option_rule options[] = {
	{ "image", 0, OPTION_TEXT, NULL, "the image to run", NULL },
	{ "command", 0, OPTION_BOOL, NULL, "words after -- are the command, not its arguments",
	  NULL },
	{ "env", 0, OPTION_LIST, NULL, "NAME=VALUE; may stand several times", NULL },
	{ "labels", 'l', OPTION_TEXT, NULL, "KEY=VALUE,… instead of run=NAME", NULL },
	{ "annotations", 0, OPTION_LIST, NULL, "KEY=VALUE; may stand several times", NULL },
	{ "port", 0, OPTION_INT, "0", "the port the container listens on", NULL },
	{ "expose", 0, OPTION_BOOL, NULL, "with --port: a service for the pod, too", NULL },
	{ "restart", 0, OPTION_TEXT, "Always", "Always, OnFailure or Never", NULL },
	{ "image-pull-policy", 0, OPTION_TEXT, NULL, "Always, IfNotPresent or Never", NULL },
	{ "overrides", 0, OPTION_TEXT, NULL, "JSON laid over the pod", NULL },
	{ "override-type", 0, OPTION_TEXT, "merge", "merge, json or strategic", NULL },
	{ "privileged", 0, OPTION_BOOL, NULL, "with all rights on the node", NULL },
	{ "stdin", 'i', OPTION_BOOL, NULL, "keep stdin open", NULL },
	{ "tty", 't', OPTION_BOOL, NULL, "give it a terminal", NULL },
	{ "attach", 0, OPTION_BOOL, NULL, "join the process, as -i does", NULL },
	{ "quiet", 'q', OPTION_BOOL, NULL, "print nothing but the command's output", NULL },
	{ "rm", 0, OPTION_BOOL, NULL, "with -i: delete the pod afterwards", NULL },
	{ "pod-running-timeout", 0, OPTION_TEXT, "1m", "how long to wait for it to start", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static const struct doc *pairs(struct cli *cli, struct str text, const struct doc *map)
{
	while (text.at && text.len) {
		struct str value = str_cut(&text, ','), key = str_cut(&value, '=');

		map = doc_with(cli->arena, map, key,
			       doc_new_str(cli->arena, value.at ? value : STR("")));
	}
	return map;
}

static void build_words(struct build *b, const struct arguments *words, const char *key, u32 first)
{
	if (first >= words->len)
		return;
	build_open_array(b, key);
	for (u32 i = first; i < words->len; i++)
		build_str(b, NULL, words->words[i]);
	build_close(b);
}

static const struct doc *container_of(struct cli *cli, struct str name)
{
	struct build b = build_object(cli->arena);
	const struct str *env;
	u32 env_len = option_list(cli, "env", &env);
	const struct arguments *words = &cli->arguments;
	u32 first = MIN(words->dashes, words->len);

	first = MAX(first, 1U);
	build_str(&b, "image", option_text(cli, "image"));
	build_str(&b, "name", name);
	build_words(&b, words, option_bool(cli, "command") ? "command" : "args", first);
	if (env_len)
		build_open_array(&b, "env");
	for (u32 i = 0; i < env_len; i++) {
		struct str value = env[i], key = str_cut(&value, '=');

		build_open_object(&b, NULL);
		build_str(&b, "name", key);
		build_str(&b, "value", value.at ? value : STR(""));
		build_close(&b);
	}
	if (env_len)
		build_close(&b);
	if (option_int(cli, "port")) {
		build_open_array(&b, "ports");
		build_open_object(&b, NULL);
		build_int(&b, "containerPort", option_int(cli, "port"));
		build_close(&b);
		build_close(&b);
	}
	build_str_if(&b, "imagePullPolicy", option_text(cli, "image-pull-policy"));
	if (option_bool(cli, "stdin")) {
		build_bool(&b, "stdin", true);
		build_bool(&b, "stdinOnce", true);
	}
	if (option_bool(cli, "tty"))
		build_bool(&b, "tty", true);
	if (option_bool(cli, "privileged")) {
		build_open_object(&b, "securityContext");
		build_bool(&b, "privileged", true);
		build_close(&b);
	}
	return build_done(&b);
}

static const struct doc *pod_of(struct cli *cli, struct str name)
{
	struct arena *arena = cli->arena;
	const struct str *annotations;
	u32 annotations_len = option_list(cli, "annotations", &annotations);
	const struct doc *labels = pairs(cli, option_text(cli, "labels"), &doc_empty_object);
	const struct doc *pod = doc_set_str(arena, NULL, "apiVersion", STR("v1")), *notes = NULL;

	if (!doc_len(labels))
		labels = doc_set_str(arena, NULL, "run", name);
	pod = doc_set_str(arena, pod, "kind", STR("Pod"));
	pod = doc_set_str(arena, pod, "metadata.name", name);
	pod = doc_set(arena, pod, "metadata.labels", labels);
	for (u32 i = 0; i < annotations_len; i++)
		notes = pairs(cli, annotations[i], notes);
	if (notes)
		pod = doc_set(arena, pod, "metadata.annotations", notes);
	pod = doc_set_str(arena, pod, "metadata.namespace", cli->ns);
	pod = doc_set(arena, pod, "spec.containers",
		      doc_append(arena, &doc_empty_array, container_of(cli, name)));
	return doc_set_str(arena, pod, "spec.restartPolicy", option_text(cli, "restart"));
}

static enum status override(struct cli *cli, const struct doc *pod, const struct doc **ret_pod,
			    struct error *error)
{
	struct str text = option_text(cli, "overrides"), type = option_text(cli, "override-type");
	struct patch_schema schema = patch_schema_of(schema_kind(cli->schema, KIND_Pod));
	const struct doc *over;

	*ret_pod = pod;
	if (!text.len)
		return ST_OK;
	enum status status = json_parse(cli->arena, text, &over, error);

	if (status)
		return fail_within(error, "error: Invalid JSON Patch");
	if (str_is(type, "strategic"))
		return patch_strategic(cli->arena, &schema, pod, over, ret_pod, error);
	if (str_is(type, "json"))
		return patch_json(cli->arena, pod, over, ret_pod, error);
	*ret_pod = patch_merge(cli->arena, pod, over);
	return ST_OK;
}

static bool has_started(void *self, const struct doc *object)
{
	(void)self;
	return !object || !str_is(doc_at_str(object, "status.phase"), "Pending");
}

/* Joins the pod when it runs; one that has ended already only has its log to show. */
static enum status join(struct cli *cli, const struct target *target, struct error *error)
{
	const struct doc *pod;
	enum status status = cli_deadline(cli, option_text(cli, "pod-running-timeout"), error);

	if (!status)
		status = follow_object(cli, target, has_started, NULL, error);
	if (status == ST_TIMEOUT)
		return fail(error, status, "error: timed out waiting for the condition");
	if (!status)
		status = request_get(
			cli,
			request_path(cli->arena, target->kind, target->ns, target->name, STR_NONE),
			&pod, error);
	return status ? status : exec_attach(cli, pod, error);
}

static enum status remove_pod(struct cli *cli, const struct target *target, struct error *error)
{
	struct request request = { .method = "DELETE",
				   .path = request_path(cli->arena, target->kind, target->ns,
							target->name, STR_NONE) };
	const struct doc *answer;
	enum status status = request_send(cli, &request, &answer, error);

	if (!status && !option_bool(cli, "quiet"))
		cli_printf("pod \"" STR_FMT "\" deleted\n", STR_ARG(target->name));
	return status;
}

static enum status expose_pod(struct cli *cli, struct change *change, struct str name)
{
	struct arena *arena = cli->arena;
	const struct api_kind *kind = schema_kind(cli->schema, KIND_Service);
	struct target target = { .kind = kind, .ns = cli->ns, .name = name };
	const struct doc *port = doc_set_int(arena, NULL, "port", option_int(cli, "port"));
	const struct doc *body = doc_set_str(arena, NULL, "apiVersion", STR("v1"));

	port = doc_set_str(arena, port, "protocol", STR("TCP"));
	port = doc_set_int(arena, port, "targetPort", option_int(cli, "port"));
	body = doc_set_str(arena, body, "kind", STR("Service"));
	body = doc_set_str(arena, body, "metadata.name", name);
	body = doc_set(arena, body, "spec.ports", doc_append(arena, &doc_empty_array, port));
	body = doc_set_str(arena, body, "spec.selector.run", name);
	return create_object(change, &target, body);
}

static enum status run_run(struct cli *cli, struct error *error)
{
	struct change change;
	const struct doc *pod;
	struct target target = { .kind = schema_kind(cli->schema, KIND_Pod) };
	bool attach = option_bool(cli, "stdin") || option_bool(cli, "attach");
	enum status status = change_begin(cli, "kubectl-run", &change, error), result = ST_OK;

	if (!status && (!cli->arguments.len || !cli->arguments.dashes))
		status = fail(error, ST_BAD_REQUEST, "error: NAME is required for run");
	if (!status && !option_given(cli, "image"))
		status = fail(error, ST_BAD_REQUEST, "error: required flag(s) \"image\" not set");
	if (!status && option_bool(cli, "rm") && !attach)
		status = fail(error, ST_BAD_REQUEST,
			      "error: --rm should only be used for attached containers");
	if (!status && option_bool(cli, "expose") && !option_int(cli, "port"))
		status = fail(error, ST_BAD_REQUEST,
			      "error: --port must be set when exposing a service");
	if (!status)
		status = cli_connect(cli, error);
	if (!status)
		status = override(cli, pod_of(cli, cli->arguments.words[0]), &pod, error);
	if (status)
		return status;
	target.ns = cli->ns;
	target.name = cli->arguments.words[0];
	if (option_bool(cli, "expose"))
		status = expose_pod(cli, &change, target.name);
	if (!status)
		status = attach && !change.dry_run_client
				 ? change_create(&change, &target, pod, &pod)
				 : create_object(&change, &target, pod);
	if (!status && attach && !change.dry_run_client && !change.dry_run) {
		result = join(cli, &target, error);
		if (option_bool(cli, "rm")) {
			struct error own = ERROR_INIT;

			if (remove_pod(cli, &target, &own) != ST_OK)
				cli_print_error(cli, &own);
		}
	}
	return status ? status : result;
}

const struct command command_run = {
	.name = "run",
	.usage = "run NAME --image=IMAGE [-it --rm] [-- ARGUMENTS …]",
	.summary = "starts one pod of an image",
	.options = options,
	.run = run_run,
};
