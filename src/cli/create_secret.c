/* minke create secret tls and docker-registry. */
#include "cli/create.h"
#include "doc/json.h"
#include "net/jwt.h"
#include "sys/file.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static const struct option_rule tls_options[] = {
	{ "cert", 0, OPTION_TEXT, NULL, "file of the certificate", NULL },
	{ "key", 0, OPTION_TEXT, NULL, "file of its key", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static enum status read_base64(struct cli *cli, const char *option, struct str *ret_text,
			       struct error *error)
{
	struct str path = option_text(cli, option), text;
	enum status status;

	if (!path.len)
		return fail(error, ST_BAD_REQUEST, "error: key and cert must be specified");
	status = file_read(cli->arena, str_c(cli->arena, path), FILE_BYTES_MAX, &text, error);
	if (status == ST_NOT_FOUND) {
		error_clear(error);
		return fail(error, status,
			    "error: Cannot read file " STR_FMT ", open " STR_FMT
			    ": no such file or directory",
			    STR_ARG(path), STR_ARG(path));
	}
	if (!status)
		*ret_text = base64_encode(cli->arena, text);
	return status;
}

static enum status tls_run(struct cli *cli, struct error *error)
{
	struct str name, certificate, key;
	enum status status = create_name(cli, &name, error);

	if (!status)
		status = read_base64(cli, "cert", &certificate, error);
	if (!status)
		status = read_base64(cli, "key", &key, error);
	if (status)
		return status;
	struct build b = build_object(cli->arena);

	build_open_object(&b, "data");
	build_str(&b, "tls.crt", certificate);
	build_str(&b, "tls.key", key);
	build_close(&b);
	build_str(&b, "type", STR("kubernetes.io/tls"));
	return create_made(cli, KIND_Secret, name, build_done(&b), error);
}

const struct command command_create_tls = {
	.name = "tls",
	.usage = "tls NAME --cert=FILE --key=FILE",
	.summary = "a certificate and its key",
	.options = tls_options,
	.run = tls_run,
};

static const struct option_rule registry_options[] = {
	{ "docker-server", 0, OPTION_TEXT, "https://index.docker.io/v1/", "the registry", NULL },
	{ "docker-username", 0, OPTION_TEXT, NULL, "who you are there", NULL },
	{ "docker-password", 0, OPTION_TEXT, NULL, "your word there", NULL },
	{ "docker-email", 0, OPTION_TEXT, NULL, "your address there", NULL },
	{ "from-file", 0, OPTION_TEXT, NULL, "a ready .dockerconfigjson", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static struct str registry_config(struct cli *cli)
{
	struct str user = option_text(cli, "docker-username");
	struct str password = option_text(cli, "docker-password");
	struct str both =
		str_format(cli->arena, STR_FMT ":" STR_FMT, STR_ARG(user), STR_ARG(password));
	const struct doc *entry = doc_set_str(cli->arena, NULL, "username", user);

	entry = doc_set_str(cli->arena, entry, "password", password);
	if (option_given(cli, "docker-email"))
		entry = doc_set_str(cli->arena, entry, "email", option_text(cli, "docker-email"));
	entry = doc_set_str(cli->arena, entry, "auth", base64_encode(cli->arena, both));
	const struct doc *config =
		doc_with(cli->arena, NULL, option_text(cli, "docker-server"), entry);

	return json_text(cli->arena, doc_with(cli->arena, NULL, STR("auths"), config));
}

static enum status registry_run(struct cli *cli, struct error *error)
{
	struct str name, text;
	enum status status = create_name(cli, &name, error);

	if (!status && option_given(cli, "from-file"))
		status = file_read(cli->arena, option_text(cli, "from-file").at, FILE_BYTES_MAX,
				   &text, error);
	else if (!status &&
		 (!option_given(cli, "docker-username") || !option_given(cli, "docker-password")))
		status = fail(error, ST_BAD_REQUEST,
			      "error: either --from-file or the combination of --docker-username, "
			      "--docker-password and --docker-server is required");
	else if (!status)
		text = registry_config(cli);
	if (status)
		return status;
	struct build b = build_object(cli->arena);

	build_open_object(&b, "data");
	build_str(&b, ".dockerconfigjson", base64_encode(cli->arena, text));
	build_close(&b);
	build_str(&b, "type", STR("kubernetes.io/dockerconfigjson"));
	return create_made(cli, KIND_Secret, name, build_done(&b), error);
}

const struct command command_create_registry = {
	.name = "docker-registry",
	.usage = "docker-registry NAME --docker-username=U --docker-password=P",
	.summary = "how to get at a registry",
	.options = registry_options,
	.run = registry_run,
};
