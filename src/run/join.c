/* Requests for certificates, and the few calls a node needs before its agent can start. */
#include "run/join.h"

#include "base/base64.h"
#include "base/log.h"
#include "doc/build.h"
#include "doc/json.h"
#include "sys/clock.h"
#include "sys/file.h"

enum {
	CONFIG_BYTES_MAX = 1 << 20,
	POLL_MS = 200,
	SIGNED_WITHIN_MS = 60000,
	RANGE_WITHIN_MS = 30000,
	CALL_MS = 20000,
};

#define REQUESTS "/apis/certificates.k8s.io/v1/certificatesigningrequests"

static i64 now_s(void)
{
	return clock_wall_ns(clock_real()) / NS_PER_S;
}

static const char *pki_folder(const struct join *join)
{
	return str_format(join->arena, STR_FMT "/pki", STR_ARG(join->options->data)).at;
}

/* ---- calls */

static void pause_over(void *self)
{
	*(bool *)self = true;
}

static void wait_a_little(struct join *join)
{
	bool over = false;
	struct timer *timer = timer_new(join->loop, pause_over, &over);

	timer_start(timer, POLL_MS, 0);
	while (!over)
		loop_run_once(join->loop, true);
	timer_free(timer);
}

/* An answer of the API as a document; its failures in the server's own words. */
static enum status call(struct join *join, struct http_client *http, const char *method,
			struct str target, const struct doc *body, const struct doc **ret_answer,
			struct error *error)
{
	const struct http_header type = { STR("Content-Type"), STR("application/json") };
	struct http_call_spec spec = { .method = str_of(method),
				       .target = target,
				       .headers = &type,
				       .headers_len = body != NULL,
				       .body = body ? json_text(join->arena, body) : STR_NONE,
				       .timeout_ms = CALL_MS };
	struct http_call_result result;
	enum status status = http_call_wait(join->loop, join->arena, http, &spec, &result, error);

	if (status)
		return status;
	if (json_parse(join->arena, result.body, ret_answer, error) != ST_OK)
		return fail_within(error, "the server's answer makes no sense");
	if (result.code < 300)
		return ST_OK;
	return fail(error,
		    result.code == 401	 ? ST_UNAUTHORIZED
		    : result.code == 404 ? ST_NOT_FOUND
		    : result.code == 409 ? ST_EXISTS
					 : ST_INTERNAL,
		    STR_FMT, STR_ARG(doc_at_str(*ret_answer, "message")));
}

static enum status http_open(struct join *join, const struct pki_pair *pair, struct str token,
			     struct tls_context **ret_tls, struct http_client **ret_http,
			     struct error *error)
{
	const struct tls_config tls = { .certificate = pair ? pair->certificate : STR_NONE,
					.key = pair ? pair->key : STR_NONE,
					.authorities = join->config.ca_certificate };
	struct http_client_config config = { .url = join->config.server,
					     .server_name = join->config.tls_server_name,
					     .bearer_token = token,
					     .user_agent = STR("minke-agent") };
	enum status status = tls_client_new(&tls, ret_tls, error);

	if (status)
		return status;
	config.tls = *ret_tls;
	status = http_client_new(join->loop, &config, ret_http, error);
	if (status) {
		tls_free(*ret_tls);
		*ret_tls = NULL;
	}
	return status;
}

/* ---- certificates */

static const struct doc *request_document(struct arena *arena, struct str request,
					  const char *signer, const char *use)
{
	struct build b = build_object(arena);

	build_str(&b, "apiVersion", STR("certificates.k8s.io/v1"));
	build_str(&b, "kind", STR("CertificateSigningRequest"));
	build_open_object(&b, "metadata");
	build_str(&b, "generateName", STR("csr-"));
	build_close(&b);
	build_open_object(&b, "spec");
	build_str(&b, "request", base64_encode(arena, request));
	build_str(&b, "signerName", str_of(signer));
	build_open_array(&b, "usages");
	build_str(&b, NULL, STR("digital signature"));
	build_str(&b, NULL, str_of(use));
	build_close(&b);
	build_close(&b);
	return build_done(&b);
}

/* ST_OK with an empty certificate: not yet. */
static enum status look(struct join *join, struct http_client *http, struct str name,
			struct str *ret_certificate, struct error *error)
{
	const struct doc *answer;
	enum status status = call(join, http, "GET",
				  str_format(join->arena, REQUESTS "/" STR_FMT, STR_ARG(name)),
				  NULL, &answer, error);

	if (status)
		return status;
	doc_each_item(doc_at(answer, "status.conditions"), condition)
		if (!str_is(doc_str(doc_key(condition, "type")), "Approved"))
			return fail(error, ST_FORBIDDEN,
				    "the cluster gives this node no certificate: " STR_FMT,
				    STR_ARG(doc_str(doc_key(condition, "message"))));
	if (!base64_decode(join->arena, doc_at_str(answer, "status.certificate"), ret_certificate))
		return fail(error, ST_INTERNAL, "the certificate is not base64");
	return ST_OK;
}

static enum status ask_for(struct join *join, struct http_client *http,
			   const struct pki_subject *subject, bool serving,
			   struct pki_pair *ret_pair, struct error *error)
{
	const char *signer = serving ? "kubernetes.io/kubelet-serving"
				     : "kubernetes.io/kube-apiserver-client-kubelet";
	struct str request, certificate = STR_NONE;
	const struct doc *answer;
	enum status status =
		pki_request_create(join->arena, subject, &request, &ret_pair->key, error);

	if (!status)
		status = call(join, http, "POST", STR(REQUESTS),
			      request_document(join->arena, request, signer,
					       serving ? "server auth" : "client auth"),
			      &answer, error);
	if (status)
		return status;
	struct str name = doc_at_str(answer, "metadata.name");

	for (i64 waited = 0; !certificate.len && waited < SIGNED_WITHIN_MS; waited += POLL_MS) {
		status = look(join, http, name, &certificate, error);
		if (status)
			return status;
		if (!certificate.len)
			wait_a_little(join);
	}
	if (!certificate.len)
		return fail(error, ST_TIMEOUT,
			    "nobody has signed certificate request " STR_FMT
			    " within a minute; `kubectl certificate approve " STR_FMT
			    "` lets the node in",
			    STR_ARG(name), STR_ARG(name));
	ret_pair->certificate = certificate;
	return ST_OK;
}

static bool still_good(struct join *join, const struct pki_pair *pair, enum pki_use use,
		       const struct pki_subject *subject)
{
	struct pki_info info;

	return pki_pair_fits(pair) && !pki_read(join->arena, pair->certificate, &info, NULL) &&
	       str_eq(info.subject.common_name, subject->common_name) &&
	       !pki_wants_renewal(&info, now_s()) &&
	       pki_has_names(&info, subject->names, subject->names_len) &&
	       !pki_verify(join->config.ca_certificate, pair->certificate, use, now_s(), NULL);
}

static enum status have_pair(struct join *join, struct http_client *http, bool serving,
			     const struct str *names, u32 names_len, struct pki_pair *ret_pair,
			     struct error *error)
{
	static const struct str groups[] = { STR_INIT("system:nodes") };
	const char *file = serving ? "node-serving" : "node", *folder = pki_folder(join);
	struct pki_subject subject = {
		.common_name = str_format(join->arena, "system:node:" STR_FMT, STR_ARG(join->node)),
		.organizations = groups,
		.organizations_len = ARRAY_LEN(groups),
		.names = names,
		.names_len = names_len,
	};

	if (!pki_load(join->arena, folder, file, ret_pair, NULL) &&
	    still_good(join, ret_pair, serving ? PKI_SERVER : PKI_CLIENT, &subject))
		return ST_OK;
	if (!http)
		return fail(error, ST_NOT_FOUND, "there is no certificate yet");
	enum status status = ask_for(join, http, &subject, serving, ret_pair, error);

	return status ? status : pki_save(folder, file, ret_pair, error);
}

/* ---- what the agent's command needs */

static enum status read_config(struct join *join, struct error *error)
{
	struct str path = join->options->kubeconfig, text;
	struct kubeconfig *config = &join->config;
	enum status status =
		file_read(join->arena, str_c(join->arena, path), CONFIG_BYTES_MAX, &text, error);

	if (status)
		return fail_within(error, "this node does not know its cluster (--kubeconfig FILE, "
					  "as `minke token create` prints it)");
	status = kubeconfig_parse(join->arena, text, STR_NONE, config, error);
	if (status)
		return fail_within(error, STR_FMT, STR_ARG(path));
	if (!config->ca_certificate.len && config->ca_file.len)
		status = file_read(join->arena, str_c(join->arena, config->ca_file),
				   CONFIG_BYTES_MAX, &config->ca_certificate, error);
	if (!status && !config->ca_certificate.len)
		return fail(error, ST_BAD_REQUEST, STR_FMT " names no certificate authority",
			    STR_ARG(path));
	return status;
}

enum status join_open(struct join *join, struct error *error)
{
	struct tls_context *tls = NULL;
	struct http_client *http = NULL;
	struct error none = ERROR_INIT;
	enum status status = read_config(join, error);

	if (!status)
		status = file_mkdir_all(pki_folder(join), 0700, error);
	if (status)
		return status;
	if (have_pair(join, NULL, false, NULL, 0, &join->client, &none) != ST_OK) {
		error_clear(&none);
		if (!join->config.token.len)
			return fail(error, ST_UNAUTHORIZED,
				    STR_FMT " holds no token to join the cluster with",
				    STR_ARG(join->options->kubeconfig));
		status = http_open(join, NULL, str_trim(join->config.token), &tls, &http, error);
		if (!status)
			status = have_pair(join, http, false, NULL, 0, &join->client, error);
		http_client_free(http);
		tls_free(tls);
	}
	if (status == ST_UNAUTHORIZED)
		return fail_within(error, "the token in " STR_FMT " is not good (any more)",
				   STR_ARG(join->options->kubeconfig));
	return status ? status
		      : http_open(join, &join->client, STR_NONE, &join->tls, &join->http, error);
}

void join_close(struct join *join)
{
	http_client_free(join->http);
	tls_free(join->tls);
	join->http = NULL;
	join->tls = NULL;
}

enum status join_range(struct join *join, struct str *ret_range, struct error *error)
{
	struct build b = build_object(join->arena);
	struct str path = str_format(join->arena, "/api/v1/nodes/" STR_FMT, STR_ARG(join->node));
	const struct doc *answer;

	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Node"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", join->node);
	build_close(&b);
	enum status status = call(join, join->http, "GET", path, NULL, &answer, error);

	if (status == ST_NOT_FOUND) {
		error_clear(error);
		status = call(join, join->http, "POST", STR("/api/v1/nodes"), build_done(&b),
			      &answer, error);
	}
	for (i64 waited = 0; !status && waited < RANGE_WITHIN_MS; waited += POLL_MS) {
		*ret_range = doc_at_str(answer, "spec.podCIDR");
		if (ret_range->len)
			return ST_OK;
		wait_a_little(join);
		status = call(join, join->http, "GET", path, NULL, &answer, error);
	}
	return status ? status
		      : fail(error, ST_TIMEOUT,
			     "the cluster gives this node no addresses for its pods; are its "
			     "controllers running?");
}

enum status join_serving(struct join *join, struct str address, struct pki_pair *ret_pair,
			 struct error *error)
{
	struct str *names = ARENA_ARRAY(join->arena, struct str, 2);

	names[0] = join->node;
	names[1] = str_copy(join->arena, address);
	return have_pair(join, join->http, true, names, 2, ret_pair, error);
}

enum status join_renew(struct join *join, struct error *error)
{
	struct pki_pair fresh;
	enum status status = have_pair(join, join->http, false, NULL, 0, &fresh, error);

	if (status || str_eq(fresh.certificate, join->client.certificate))
		return status;
	const struct tls_config tls = { .certificate = fresh.certificate,
					.key = fresh.key,
					.authorities = join->config.ca_certificate };

	join->client = fresh;
	return tls_reload(join->tls, &tls, error);
}
