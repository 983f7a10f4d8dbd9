/* Shared by the parts of the registry client: requests, logging in, streams. */
#ifndef NODE_REGISTRY_INSIDE_H
#define NODE_REGISTRY_INSIDE_H

#include "base/buffer.h"
#include "node/curl.h"
#include "node/registry.h"

enum {
	REGISTRY_ENDPOINTS_MAX = 10,
	REGISTRY_REDIRECTS_MAX = 5,
	REGISTRY_TOKEN_BYTES_MAX = 256 << 10,
	REGISTRY_ERROR_BYTES_MAX = 16 << 10,
	REGISTRY_CONNECT_S = 30,
	REGISTRY_STALL_S = 60, /* less than a byte a second for so long: broken */
};

/* One place to ask: a mirror or the registry itself. */
struct endpoint {
	struct str url;		  /* without a slash at the end: "https://registry-1.docker.io" */
	bool plain;		  /* http:// */
	bool second;		  /* asked only where the one before cannot be reached */
	struct str authorization; /* "Bearer …", "Basic …", or empty */
};

struct registry {
	struct arena *arena;
	const struct curl_library *lib;
	CURL *easy;
	CURLM *multi;
	const struct image_reference *reference;
	const struct image_logins *logins;
	struct endpoint endpoints[REGISTRY_ENDPOINTS_MAX];
	u32 endpoints_len;
	u32 chosen; /* the one that answered last */
	/* the stream under way */
	struct str stream_url_path;
	struct curl_slist *stream_headers;
	bool streaming, stream_in_multi;
	bool stream_too_long, stream_logged_in;
	i64 stream_size, stream_at, stream_skip;
	u32 stream_retries, stream_idle_retries;
	i64 stream_retried_at;
	struct buffer stream_bytes; /* arrived, not read yet */
	struct buffer stream_refusal;
};

struct http_answer {
	long code;
	struct buffer body;
	struct str challenge; /* WWW-Authenticate */
};

/* GET endpoint.url + path (an absolute URL when `endpoint` is NULL). Fails only when there was no
 * answer at all (ST_UNAVAILABLE) or it was too long; the caller looks at the code and releases the
 * body. */
MUST_USE enum status registry_get(struct registry *r, const struct endpoint *endpoint,
				  struct str path, const char *accept, struct str authorization,
				  size_t max, struct http_answer *ret_answer, struct error *error);

/* The same, logging in when the registry asks for it. */
MUST_USE enum status registry_get_logged_in(struct registry *r, struct endpoint *endpoint,
					    struct str path, const char *accept, size_t max,
					    struct http_answer *ret_answer, struct error *error);

/* Answers a challenge: fills endpoint->authorization with what login `n` gives (n == logins: nobody
 * in particular). ST_UNAUTHORIZED when that is refused. */
MUST_USE enum status registry_log_in(struct registry *r, struct endpoint *endpoint,
				     struct str challenge, u32 n, struct error *error);

/* What a registry says in its error body, with the code: "manifest unknown (404)". */
enum status registry_refusal(struct registry *r, const struct endpoint *endpoint, long code,
			     struct str body, struct error *error);

/* Options every request has. */
void registry_common_options(struct registry *r, const struct endpoint *endpoint, const char *url);
struct curl_slist *registry_headers(struct registry *r, const char *accept,
				    struct str authorization);

#endif
