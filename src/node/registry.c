/* Manifests and small blobs: which endpoint to ask, how, and what its answer means. */
#include "node/registry.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "doc/json.h"
#include "node/image_manifest.h"
#include "node/registry_inside.h"

/* ---- endpoints */

static void add_endpoint(struct registry *r, struct str url)
{
	while (url.len && url.at[url.len - 1] == '/')
		url.len--;
	if (r->endpoints_len == REGISTRY_ENDPOINTS_MAX || !url.len)
		return;
	r->endpoints[r->endpoints_len++] =
		(struct endpoint){ .url = url, .plain = str_starts(url, STR("http://")) };
}

static void find_endpoints(struct registry *r, const struct registry_config *config)
{
	struct str domain = config->reference->domain;

	for (u32 i = 0; i < config->mirrors_len; i++)
		if (str_eq(config->mirrors[i].host, domain) || str_is(config->mirrors[i].host, "*"))
			add_endpoint(r, config->mirrors[i].url);
	/* Plain HTTP only where nobody can listen. */
	if (image_domain_is_loopback(domain))
		add_endpoint(r, str_format(r->arena, "http://" STR_FMT, STR_ARG(domain)));
	if (str_is(domain, "docker.io"))
		domain = STR("registry-1.docker.io");
	add_endpoint(r, str_format(r->arena, "https://" STR_FMT, STR_ARG(domain)));
	if (r->endpoints_len && image_domain_is_loopback(domain))
		r->endpoints[r->endpoints_len - 1].second = true;
}

enum status registry_open(struct arena *arena, const struct registry_config *config,
			  struct registry **ret_registry, struct error *error)
{
	struct registry *r = ARENA_NEW(arena, struct registry);
	enum status status = curl_load(&r->lib, error);

	if (status != ST_OK)
		return status;
	r->arena = arena;
	r->reference = config->reference;
	r->logins = config->logins;
	r->easy = r->lib->curl_easy_init();
	r->multi = r->lib->curl_multi_init();
	CHECK(r->easy && r->multi);
	find_endpoints(r, config);
	*ret_registry = r;
	return ST_OK;
}

enum status registry_again(struct arena *arena, const struct registry *registry,
			   struct registry **ret_registry, struct error *error)
{
	const struct registry_config config = { .reference = registry->reference,
						.logins = registry->logins };
	struct registry *r;
	enum status status = registry_open(arena, &config, &r, error);

	if (status != ST_OK)
		return status;
	memcpy(r->endpoints, registry->endpoints, sizeof r->endpoints);
	r->endpoints_len = registry->endpoints_len;
	r->chosen = registry->chosen;
	*ret_registry = r;
	return ST_OK;
}

void registry_close(struct registry *r)
{
	if (!r)
		return;
	registry_stream_close(r);
	r->lib->curl_multi_cleanup(r->multi);
	r->lib->curl_easy_cleanup(r->easy);
}

/* ---- one request */

void registry_common_options(struct registry *r, const struct endpoint *endpoint, const char *url)
{
	const struct curl_library *lib = r->lib;
	/* A registry over HTTPS must not send us anywhere else in plain. */
	const char *protocols = endpoint && endpoint->plain ? "http,https" : "https";

	lib->curl_easy_reset(r->easy);
	lib->curl_easy_setopt(r->easy, CURLOPT_URL, url);
	lib->curl_easy_setopt(r->easy, CURLOPT_NOSIGNAL, 1L);
	lib->curl_easy_setopt(r->easy, CURLOPT_PROTOCOLS_STR, protocols);
	lib->curl_easy_setopt(r->easy, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
	lib->curl_easy_setopt(r->easy, CURLOPT_FOLLOWLOCATION, 1L);
	lib->curl_easy_setopt(r->easy, CURLOPT_MAXREDIRS, (long)REGISTRY_REDIRECTS_MAX);
	lib->curl_easy_setopt(r->easy, CURLOPT_CONNECTTIMEOUT, (long)REGISTRY_CONNECT_S);
	lib->curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	lib->curl_easy_setopt(r->easy, CURLOPT_LOW_SPEED_TIME, (long)REGISTRY_STALL_S);
	lib->curl_easy_setopt(r->easy, CURLOPT_USERAGENT, "minke");
	lib->curl_easy_setopt(r->easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

struct curl_slist *registry_headers(struct registry *r, const char *accept,
				    struct str authorization)
{
	struct curl_slist *headers = NULL;

	if (accept)
		headers = r->lib->curl_slist_append(headers,
						    str_format(r->arena, "Accept: %s", accept).at);
	/* curl drops this one when it is redirected to another host. */
	if (authorization.len)
		headers = r->lib->curl_slist_append(
			headers,
			str_format(r->arena, "Authorization: " STR_FMT, STR_ARG(authorization)).at);
	return headers;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *self)
{
	return buffer_add(self, bytes, size * count) ? size * count : 0;
}

struct header_taker {
	struct arena *arena;
	struct str challenge;
};

static size_t take_header(char *bytes, size_t size, size_t count, void *self)
{
	static const char name[] = "www-authenticate:";
	struct header_taker *taker = self;
	struct str line = { bytes, size * count };

	/* Of several challenges a bearer's is taken before the one for passwords. */
	if (line.len > sizeof name && !strncasecmp(line.at, name, sizeof name - 1)) {
		struct str value = str_trim(str_from(line, sizeof name - 1));

		if (!taker->challenge.len || !strncasecmp(value.at, "bearer", MIN(value.len, 6ul)))
			taker->challenge = str_copy(taker->arena, value);
	} else if (line.len > 5 && !strncmp(line.at, "HTTP/", 5)) {
		taker->challenge = STR_NONE; /* a redirect's answers do not count */
	}
	return size * count;
}

enum status registry_get(struct registry *r, const struct endpoint *endpoint, struct str path,
			 const char *accept, struct str authorization, size_t max,
			 struct http_answer *ret_answer, struct error *error)
{
	struct http_answer answer = { .body = BUFFER_INIT(max) };
	struct header_taker taker = { .arena = r->arena };
	struct str base = endpoint ? endpoint->url : STR("");
	const char *url = str_format(r->arena, STR_FMT STR_FMT, STR_ARG(base), STR_ARG(path)).at;
	const struct curl_library *lib = r->lib;
	struct curl_slist *headers = registry_headers(r, accept, authorization);

	registry_common_options(r, endpoint, url);
	lib->curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, headers);
	lib->curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, take_body);
	lib->curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, &answer.body);
	lib->curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, take_header);
	lib->curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, &taker);
	CURLcode result = lib->curl_easy_perform(r->easy);

	lib->curl_slist_free_all(headers);
	if (result != CURLE_OK) {
		bool full = answer.body.full;

		buffer_release(&answer.body);
		if (full)
			return fail(error, ST_TOO_LARGE, "%s: the answer is longer than %zu bytes",
				    url, max);
		return fail(error, ST_UNAVAILABLE, "%s: %s", url, lib->curl_easy_strerror(result));
	}
	lib->curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &answer.code);
	answer.challenge = taker.challenge;
	*ret_answer = answer;
	return ST_OK;
}

enum status registry_refusal(struct registry *r, const struct endpoint *endpoint, long code,
			     struct str body, struct error *error)
{
	enum status status = code == 404		  ? ST_NOT_FOUND
			     : code == 401 || code == 403 ? ST_UNAUTHORIZED
			     : code == 429		  ? ST_TOO_MANY
							  : ST_UNAVAILABLE;
	const struct doc *d = NULL;
	struct str said = STR_NONE;

	if (json_parse(r->arena, body, &d, NULL) == ST_OK) {
		const struct doc *first = doc_item(doc_key(d, "errors"), 0);

		said = doc_at_str(first, "message");
		if (!said.len)
			said = doc_at_str(first, "code");
		if (!said.len)
			said = doc_at_str(d, "details"); /* token servers */
	}
	if (!said.len)
		said = status == ST_NOT_FOUND	   ? STR("not found")
		       : status == ST_UNAUTHORIZED ? STR("authentication required")
						   : STR("unexpected answer");
	return fail(error, status, STR_FMT ": " STR_FMT " (HTTP %ld)", STR_ARG(endpoint->url),
		    STR_ARG(str_part(said, 0, 300)), code);
}

enum status registry_get_logged_in(struct registry *r, struct endpoint *endpoint, struct str path,
				   const char *accept, size_t max, struct http_answer *ret_answer,
				   struct error *error)
{
	struct error login_error = ERROR_INIT;

	for (u32 login = 0;; login++) {
		struct http_answer answer;
		enum status status = registry_get(r, endpoint, path, accept,
						  endpoint->authorization, max, &answer, error);

		if (status != ST_OK)
			return status;
		if (answer.code == 200) {
			*ret_answer = answer;
			return ST_OK;
		}
		/* Try the next who might be let in; at last ask as nobody in particular. */
		while (answer.code == 401 && answer.challenge.len && login <= r->logins->len &&
		       registry_log_in(r, endpoint, answer.challenge, login, &login_error) != ST_OK)
			login++;
		if (answer.code != 401 || !answer.challenge.len || login > r->logins->len) {
			status =
				login_error.status != ST_OK && answer.code == 401
					? fail(error, login_error.status, "%s", login_error.message)
					: registry_refusal(r, endpoint, answer.code,
							   buffer_str(&answer.body), error);
			buffer_release(&answer.body);
			endpoint->authorization = STR_NONE;
			return status;
		}
		buffer_release(&answer.body);
	}
}

/* ---- what callers want */

static struct str digest_of(struct arena *arena, struct str bytes)
{
	u8 hash[EVP_MAX_MD_SIZE];
	char text[72];
	size_t len = (size_t)snprintf(text, sizeof text, "sha256:");

	CHECK(EVP_Digest(bytes.at, bytes.len, hash, NULL, EVP_sha256(), NULL));
	for (u32 i = 0; i < 32; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "%02x", hash[i]);
	return str_copy(arena, (struct str){ text, len });
}

static enum status ask_one(struct registry *r, struct endpoint *endpoint, struct str kind,
			   struct str name, const char *accept, size_t max, struct str *ret_bytes,
			   struct error *error)
{
	struct http_answer answer;
	struct str path = str_format(r->arena, "/v2/" STR_FMT "/" STR_FMT "/" STR_FMT,
				     STR_ARG(r->reference->path), STR_ARG(kind), STR_ARG(name));
	enum status status = registry_get_logged_in(r, endpoint, path, accept, max, &answer, error);

	if (status != ST_OK)
		return status;
	*ret_bytes = str_copy(r->arena, buffer_str(&answer.body));
	buffer_release(&answer.body);
	if (image_digest_valid(name) && !str_eq(digest_of(r->arena, *ret_bytes), name)) {
		struct str real = digest_of(r->arena, *ret_bytes);

		return fail(error, ST_INVALID,
			    STR_FMT ": unexpected content: it has digest " STR_FMT
				    ", wanted " STR_FMT,
			    STR_ARG(endpoint->url), STR_ARG(real), STR_ARG(name));
	}
	return ST_OK;
}

/* Asks every endpoint, beginning with the one that answered last; all their answers make up the
 * sentence, for the reason may lie with any of them. */
static enum status ask(struct registry *r, struct str kind, struct str name, const char *accept,
		       size_t max, struct str *ret_bytes, struct error *error)
{
	struct buffer said = BUFFER_INIT(ERROR_MESSAGE_MAX);
	enum status worst = ST_OK;

	for (u32 i = 0; i < r->endpoints_len; i++) {
		u32 at = (r->chosen + i) % r->endpoints_len;
		struct error own = ERROR_INIT;

		/* This machine's TLS is for registries here that do not speak plain HTTP. */
		if (r->endpoints[at].second && worst != ST_OK && worst != ST_UNAVAILABLE)
			continue;
		enum status status =
			ask_one(r, &r->endpoints[at], kind, name, accept, max, ret_bytes, &own);

		if (status == ST_OK) {
			r->chosen = at;
			buffer_release(&said);
			return ST_OK;
		}
		/* What someone answered says more than that another cannot be reached. */
		if (worst == ST_OK || worst == ST_UNAVAILABLE)
			worst = status;
		buffer_add_format(&said, "%s%s", said.len ? "; " : "", own.message);
	}
	fail(error, worst, STR_FMT, STR_ARG(buffer_str(&said)));
	buffer_release(&said);
	return worst;
}

enum status registry_manifest(struct registry *r, struct str tag_or_digest,
			      const struct doc **ret_manifest, struct str *ret_digest,
			      struct error *error)
{
	struct str bytes;
	enum status status = ask(r, STR("manifests"), tag_or_digest, MANIFEST_ACCEPT,
				 MANIFEST_BYTES_MAX, &bytes, error);

	if (status != ST_OK)
		return status;
	if (json_parse(r->arena, bytes, ret_manifest, NULL) != ST_OK)
		return fail(error, ST_INVALID, STR_FMT ": the manifest is not JSON",
			    STR_ARG(r->endpoints[r->chosen].url));
	*ret_digest = digest_of(r->arena, bytes);
	return ST_OK;
}

enum status registry_blob(struct registry *r, struct str digest, size_t max, struct str *ret_bytes,
			  struct error *error)
{
	return ask(r, STR("blobs"), digest, NULL, max, ret_bytes, error);
}
