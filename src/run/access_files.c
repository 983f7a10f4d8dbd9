/* Reads the files of access and keeps the audit log open. */
#include "run/access_files.h"

#include "base/log.h"
#include "doc/yaml.h"
#include "server/audit.h"
#include "server/static_tokens.h"
#include "sys/file.h"
#include "sys/rotating_file.h"

enum { FILE_BYTES_MAX = 4 << 20 };

struct access_files {
	struct audit_sink sink;
	struct rotating_file *audit;
	struct static_tokens tokens;
};

static enum status read_yaml(struct arena *arena, struct str path, const struct doc **ret_doc,
			     struct error *error)
{
	struct yaml_documents documents = { 0 };
	struct str text;
	enum status status = file_read(arena, str_c(arena, path), FILE_BYTES_MAX, &text, error);

	if (status == ST_OK)
		status = yaml_parse_all(arena, text, &documents, error);
	if (status != ST_OK)
		return fail_within(error, "reading " STR_FMT, STR_ARG(path));
	*ret_doc = documents.items.len ? documents.items.at[0].doc : &doc_null;
	return ST_OK;
}

static enum status read_admission(struct arena *arena, struct str path, const struct doc **ret_doc,
				  struct error *error)
{
	enum status status = read_yaml(arena, path, ret_doc, error);

	if (status != ST_OK)
		return status;
	if (!str_is(doc_at_str(*ret_doc, "kind"), "AdmissionConfiguration"))
		return fail(error, ST_BAD_REQUEST, STR_FMT " is no AdmissionConfiguration",
			    STR_ARG(path));
	/* A plugin's section may stand in a file of its own. */
	const struct doc *plugins = doc_key(*ret_doc, "plugins"), *own;

	for (u32 i = 0; i < doc_len(plugins); i++) {
		struct str file = doc_at_str(doc_item(plugins, i), "path");

		if (!file.len)
			continue;
		status = read_yaml(arena, file, &own, error);
		if (status != ST_OK)
			return status;
		plugins = doc_with_item(
			arena, plugins, i,
			doc_with(arena, doc_item(plugins, i), STR("configuration"), own));
	}
	*ret_doc = doc_with(arena, *ret_doc, STR("plugins"), plugins);
	return ST_OK;
}

static void add_line(void *self, struct str line)
{
	rotating_file_add(self, line);
}

static enum status open_audit(struct arena *arena, const struct access_options *options,
			      struct access_files *files, struct server_config *config,
			      struct error *error)
{
	struct rotating_config log = {
		.path = str_c(arena, options->audit_path),
		.bytes_max = (u64)options->audit_megabytes << 20,
		.backups_max = (u32)options->audit_backups,
		.days_max = (u32)options->audit_days,
	};
	enum status status;

	/* As upstream: without a policy nothing is noted. */
	if (!options->audit_path.len || !options->audit_policy.len)
		return ST_OK;
	status = read_yaml(arena, options->audit_policy, &config->audit_policy, error);
	if (status == ST_OK)
		status = audit_policy_check(config->audit_policy, error);
	if (status == ST_OK)
		status = rotating_file_open(&log, &files->audit, error);
	if (status != ST_OK)
		return status;
	files->sink = (struct audit_sink){ add_line, files->audit };
	config->audit = &files->sink;
	return ST_OK;
}

enum status access_files_open(struct arena *arena, const struct access_options *options,
			      struct server_config *config, struct access_files **ret_files,
			      struct error *error)
{
	struct access_files *files = ARENA_NEW(arena, struct access_files);
	enum status status = ST_OK;
	struct str text;

	if (options->tokens.len) {
		status = file_read(arena, str_c(arena, options->tokens), FILE_BYTES_MAX, &text,
				   error);
		if (status == ST_OK)
			status = static_tokens_parse(arena, text, &files->tokens, error);
		config->tokens_file = &files->tokens;
	}
	if (status == ST_OK && options->admission.len)
		status = read_admission(arena, options->admission, &config->admission, error);
	if (status == ST_OK)
		status = open_audit(arena, options, files, config, error);
	if (status == ST_OK)
		*ret_files = files;
	return status;
}

void access_files_close(struct access_files *files)
{
	u64 dropped;

	if (!files || !files->audit)
		return;
	dropped = rotating_file_dropped(files->audit);
	if (dropped)
		log_warn("run", "the audit log lacks lines count=%llu",
			 (unsigned long long)dropped);
	rotating_file_close(files->audit);
}
