/*
 * minke token create: a bootstrap token, printed as the kubeconfig that lets one more machine join
 * (`minke agent --kubeconfig FILE`). The token is a Secret in kube-system, as kubeadm's are.
 */
#include "base/clock.h"
#include "base/timestamp.h"
#include "cli/connection.h"
#include "cli/request.h"
#include "client/kubeconfig.h"
#include "doc/build.h"
#include "sys/clock.h"
#include "sys/random.h"

enum { ID_LEN = 6, SECRET_LEN = 16 };

static const struct option_rule create_options[] = {
	{ "ttl", 0, OPTION_TEXT, "24h", "how long it may be used; 0: for ever", NULL },
	{ "url", 0, OPTION_TEXT, NULL,
	  "where the other machine finds the server (what this kubeconfig says)", NULL },
	{ 0 },
};

/* Of 36 letters, each as likely as the others: bytes past the last multiple are thrown away. */
static struct str random_word(struct arena *arena, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	char *word = arena_alloc(arena, len);
	u8 byte;

	for (size_t i = 0; i < len;) {
		random_bytes(&byte, 1);
		if (byte < 252)
			word[i++] = letters[byte % 36];
	}
	return (struct str){ word, len };
}

static const struct doc *secret_of(struct arena *arena, struct str id, struct str secret,
				   i64 ttl_ms)
{
	struct build b = build_object(arena);

	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Secret"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", str_format(arena, "bootstrap-token-" STR_FMT, STR_ARG(id)));
	build_str(&b, "namespace", STR("kube-system"));
	build_close(&b);
	build_str(&b, "type", STR("bootstrap.kubernetes.io/token"));
	build_open_object(&b, "stringData");
	build_str(&b, "token-id", id);
	build_str(&b, "token-secret", secret);
	build_str(&b, "usage-bootstrap-authentication", STR("true"));
	if (ttl_ms)
		build_str(&b, "expiration",
			  timestamp_print(arena, clock_wall_ns(clock_real()) + ttl_ms * NS_PER_MS));
	build_close(&b);
	return build_done(&b);
}

static enum status create_run(struct cli *cli, struct error *error)
{
	struct arena *arena = cli->arena;
	struct str id = random_word(arena, ID_LEN), secret = random_word(arena, SECRET_LEN);
	const struct doc *answer;
	i64 ttl_ms;

	if (!cli_duration(option_text(cli, "ttl"), &ttl_ms))
		return fail(error, ST_BAD_REQUEST, "--ttl: \"" STR_FMT "\" is no duration",
			    STR_ARG(option_text(cli, "ttl")));
	enum status status = cli_connect(cli, error);

	if (status)
		return status;
	const struct request request = { .method = "POST",
					 .path = STR("/api/v1/namespaces/kube-system/secrets"),
					 .body = secret_of(arena, id, secret, ttl_ms) };

	status = request_send(cli, &request, &answer, error);
	if (status)
		return status;
	struct str url = option_text(cli, "url");
	struct kubeconfig config = {
		.context = STR("join"),
		.server = url.len ? url : cli->config.server,
		.ca_certificate = cli->config.ca_certificate,
		.token = str_format(arena, STR_FMT "." STR_FMT, STR_ARG(id), STR_ARG(secret)),
	};

	cli_printf(STR_FMT, STR_ARG(kubeconfig_print(arena, &config)));
	return ST_OK;
}

static const struct command create = {
	.name = "create",
	.usage = "token create [--ttl DURATION] [--url URL] > node.kubeconfig",
	.summary = "prints the kubeconfig one more machine joins with",
	.options = create_options,
	.run = create_run,
};
static const struct command *const children[] = { &create, NULL };

const struct command command_token = {
	.name = "token",
	.usage = "token create",
	.summary = "lets more machines join",
	.children = children,
};
