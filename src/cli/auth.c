/* minke auth: what one may do, and who one is to the server. */
#include <stdio.h>

#include "cli/request.h"
#include "cli/resource.h"
#include "cli/table.h"
#include "doc/build.h"

enum { TABLE_BYTES_MAX = 4 << 20 };

#define REVIEWS "/apis/authorization.k8s.io/v1/"

static const struct option_rule can_i_options[] = {
	{ "list", 0, OPTION_BOOL, NULL, "all one may do in the namespace", NULL },
	{ "quiet", 'q', OPTION_BOOL, NULL, "only the exit code", NULL },
	{ "subresource", 0, OPTION_TEXT, NULL, "such as log, or scale", NULL },
	{ "all-namespaces", 'A', OPTION_BOOL, NULL, "in every namespace", NULL },
	{ "no-headers", 0, OPTION_BOOL, NULL, "leave the first line of a list out", NULL },
	{ 0 },
};

static enum status review(struct cli *cli, const char *path, const char *version, const char *kind,
			  const struct doc *spec, const struct doc **ret_answer,
			  struct error *error)
{
	const struct doc *body = doc_set_str(cli->arena, NULL, "apiVersion", str_of(version));

	body = doc_set_str(cli->arena, body, "kind", str_of(kind));
	if (spec)
		body = doc_set(cli->arena, body, "spec", spec);
	struct request request = { .method = "POST", .path = str_of(path), .body = body };

	return request_send(cli, &request, ret_answer, error);
}

/* "[a b c]", as Go prints a list. */
static struct str bracketed(struct arena *arena, const struct doc *items)
{
	VEC(struct str) words = { 0 };

	doc_each_item(items, item)
		VEC_PUSH(arena, &words, doc_str(item));
	return str_format(arena, "[" STR_FMT "]",
			  STR_ARG(str_join(arena, words.at, words.len, STR(" "))));
}

static void add_rule(struct cli *cli, struct table_text *table, struct str name,
		     const struct doc *urls, const struct doc *rule)
{
	table_cell(table, name);
	table_cell(table, bracketed(cli->arena, urls));
	table_cell(table, bracketed(cli->arena, doc_key(rule, "resourceNames")));
	table_cell(table, bracketed(cli->arena, doc_key(rule, "verbs")));
	table_end_row(table);
}

static enum status list_rules(struct cli *cli, struct error *error)
{
	static const char *const heads[] = { "Resources", "Non-Resource URLs", "Resource Names",
					     "Verbs" };
	const struct doc *answer;
	struct table_text table;
	struct buffer out = BUFFER_INIT(TABLE_BYTES_MAX);
	const struct doc *spec = doc_set_str(cli->arena, NULL, "namespace", cli->ns);
	enum status status =
		review(cli, REVIEWS "selfsubjectrulesreviews", "authorization.k8s.io/v1",
		       "SelfSubjectRulesReview", spec, &answer, error);

	if (status)
		return status;
	table_start(&table, cli->arena);
	for (size_t i = 0; i < ARRAY_LEN(heads) && !option_bool(cli, "no-headers"); i++)
		table_cell(&table, str_of(heads[i]));
	if (!option_bool(cli, "no-headers"))
		table_end_row(&table);
	doc_each_item(doc_at(answer, "status.resourceRules"), rule)
		doc_each_item(doc_key(rule, "resources"), resource)
			doc_each_item(doc_key(rule, "apiGroups"), group) {
				struct str dot = doc_str(group).len ? STR(".") : STR("");

				add_rule(cli, &table,
					 str_format(cli->arena, STR_FMT STR_FMT STR_FMT,
						    STR_ARG(doc_str(resource)), STR_ARG(dot),
						    STR_ARG(doc_str(group))),
					 NULL, rule);
			}
	doc_each_item(doc_at(answer, "status.nonResourceRules"), rule)
		add_rule(cli, &table, STR(""), doc_key(rule, "nonResourceURLs"), rule);
	table_print(&table, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
	return ST_OK;
}

static const struct doc *wanted_access(struct cli *cli)
{
	const struct arguments *words = &cli->arguments;
	struct str name = words->words[1], type = str_cut(&name, '/');
	struct build b = build_object(cli->arena);
	const struct api_kind *kind;
	struct error none = ERROR_INIT;

	if (!type.len) { /* "/healthz" */
		build_open_object(&b, "nonResourceAttributes");
		build_str(&b, "path", words->words[1]);
		build_str(&b, "verb", words->words[0]);
		build_close(&b);
		return build_done(&b);
	}
	build_open_object(&b, "resourceAttributes");
	if (str_is(type, "*")) {
		build_str(&b, "group", STR("*"));
		build_str(&b, "resource", type);
	} else if (resource_kind(cli, type, &kind, &none) == ST_OK) {
		build_str(&b, "group", kind->group);
		build_str(&b, "resource", kind->plural);
		if (!kind->namespaced)
			cli_warn("Warning: resource '" STR_FMT "' is not namespace scoped%s" STR_FMT
				 "%s\n",
				 STR_ARG(kind->plural), kind->group.len ? " in group '" : "",
				 STR_ARG(kind->group), kind->group.len ? "'" : "");
	} else {
		cli_warn("Warning: the server doesn't have a resource type '" STR_FMT "'\n",
			 STR_ARG(type));
		build_str(&b, "resource", type);
	}
	build_str_if(&b, "name", words->len > 2 ? words->words[2] : name);
	build_str_if(&b, "subresource", option_text(cli, "subresource"));
	if (!option_bool(cli, "all-namespaces"))
		build_str(&b, "namespace", cli->ns);
	build_str(&b, "verb", words->words[0]);
	build_close(&b);
	return build_done(&b);
}

static enum status can_i_run(struct cli *cli, struct error *error)
{
	const struct doc *answer;
	enum status status = cli_connect(cli, error);

	if (status)
		return status;
	if (option_bool(cli, "list"))
		return list_rules(cli, error);
	if (cli->arguments.len < 2 || cli->arguments.len > 3)
		return fail(error, ST_BAD_REQUEST,
			    "error: you must specify two arguments: verb resource or verb "
			    "resource/resourceName.\nSee 'minke auth can-i -h' for help and "
			    "examples.");
	status = review(cli, REVIEWS "selfsubjectaccessreviews", "authorization.k8s.io/v1",
			"SelfSubjectAccessReview", wanted_access(cli), &answer, error);
	if (status)
		return status;
	bool yes = doc_at_bool(answer, "status.allowed", false);
	struct str reason = doc_at_str(answer, "status.reason");

	if (!option_bool(cli, "quiet") && yes)
		cli_printf("yes\n");
	else if (!option_bool(cli, "quiet"))
		cli_printf("no%s" STR_FMT "\n", reason.len ? " - " : "", STR_ARG(reason));
	return yes ? ST_OK : ST_FORBIDDEN; /* the answer has been given */
}

static const struct command command_can_i = {
	.name = "can-i",
	.usage = "can-i VERB TYPE[/NAME] | --list",
	.summary = "says whether one may do something",
	.options = can_i_options,
	.run = can_i_run,
};

static void add_pair(struct table_text *table, struct str name, struct str value)
{
	table_cell(table, name);
	table_cell(table, value);
	table_end_row(table);
}

static enum status whoami_run(struct cli *cli, struct error *error)
{
	const struct doc *answer;
	struct table_text table;
	struct buffer out = BUFFER_INIT(TABLE_BYTES_MAX);
	enum status status =
		review(cli, "/apis/authentication.k8s.io/v1/selfsubjectreviews",
		       "authentication.k8s.io/v1", "SelfSubjectReview", NULL, &answer, error);

	if (status)
		return status;
	const struct doc *user = doc_at(answer, "status.userInfo");

	table_start(&table, cli->arena);
	add_pair(&table, STR("ATTRIBUTE"), STR("VALUE"));
	add_pair(&table, STR("Username"), doc_at_str(user, "username"));
	if (doc_at_str(user, "uid").len)
		add_pair(&table, STR("UID"), doc_at_str(user, "uid"));
	if (doc_len(doc_key(user, "groups")))
		add_pair(&table, STR("Groups"), bracketed(cli->arena, doc_key(user, "groups")));
	doc_each_pair(doc_key(user, "extra"), key, value)
		add_pair(&table, str_format(cli->arena, "Extra: " STR_FMT, STR_ARG(key)),
			 bracketed(cli->arena, value));
	table_print(&table, &out);
	cli_print(buffer_str(&out));
	buffer_release(&out);
	return ST_OK;
}

static const struct command command_whoami = {
	.name = "whoami",
	.usage = "whoami",
	.summary = "says who one is to the server",
	.run = whoami_run,
};

static const struct command *const children[] = { &command_can_i, &command_whoami, NULL };

const struct command command_auth = {
	.name = "auth",
	.usage = "auth can-i VERB TYPE | whoami",
	.summary = "what one may do, and who one is",
	.children = children,
};
