/*
 * A blob as a stream: curl pushes, the unpacker pulls, so each read drives the transfer until bytes
 * are there. A connection that breaks is taken up again with a Range from where it stood.
 */
#include <stdio.h>
#include <string.h>

#include "node/registry_inside.h"

enum { RETRIES_MAX = 50, IDLE_RETRIES_MAX = 4, WAITING_BYTES_MAX = 1 << 20, POLL_MS = 1000 };

static size_t take_stream(char *bytes, size_t size, size_t count, void *self)
{
	struct registry *r = self;
	size_t len = size * count;
	long code = 0;

	r->lib->curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &code);
	if (code != 200 && code != 206) {
		buffer_add(&r->stream_refusal, bytes, len);
		return len;
	}
	/* A server that does not know Range sends everything again: skip what we had. */
	if (code == 200 && r->stream_skip > 0) {
		size_t skipped = (size_t)MIN(r->stream_skip, (i64)len);

		r->stream_skip -= (i64)skipped;
		bytes += skipped;
		len -= skipped;
		if (!len)
			return size * count;
	}
	if (r->stream_bytes.len + len > WAITING_BYTES_MAX)
		return CURL_WRITEFUNC_PAUSE;
	if (r->stream_at + (i64)len > r->stream_size)
		r->stream_too_long = true;
	r->stream_at += (i64)len;
	return buffer_add(&r->stream_bytes, bytes, len) ? size * count : 0;
}

static void leave_multi(struct registry *r)
{
	if (r->stream_in_multi)
		r->lib->curl_multi_remove_handle(r->multi, r->easy);
	r->stream_in_multi = false;
	r->lib->curl_slist_free_all(r->stream_headers);
	r->stream_headers = NULL;
}

static void start_transfer(struct registry *r)
{
	const struct endpoint *endpoint = &r->endpoints[r->chosen];
	const struct curl_library *lib = r->lib;
	struct str url = str_format(r->arena, STR_FMT STR_FMT, STR_ARG(endpoint->url),
				    STR_ARG(r->stream_url_path));
	char range[40];

	leave_multi(r);
	registry_common_options(r, endpoint, url.at);
	r->stream_headers = registry_headers(r, NULL, endpoint->authorization);
	lib->curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->stream_headers);
	lib->curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, take_stream);
	lib->curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	r->stream_skip = r->stream_at;
	if (r->stream_at > 0) {
		snprintf(range, sizeof range, "%lld-", (long long)r->stream_at);
		lib->curl_easy_setopt(r->easy, CURLOPT_RANGE, range);
	}
	buffer_clear(&r->stream_refusal);
	lib->curl_multi_add_handle(r->multi, r->easy);
	r->stream_in_multi = true;
}

/* The transfer has ended: well, or it is begun again, or it has failed for good. */
static enum status transfer_ended(struct registry *r, CURLcode result, struct error *error)
{
	struct endpoint *endpoint = &r->endpoints[r->chosen];
	long code = 0;

	r->lib->curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &code);
	leave_multi(r);
	if (result == CURLE_OK && (code == 200 || code == 206) && r->stream_at == r->stream_size)
		return ST_OK;
	if (result == CURLE_OK && code == 401 && !r->stream_logged_in) {
		struct http_answer answer;

		/* A token lives for minutes only, and other layers may have taken them. */
		r->stream_logged_in = true;
		endpoint->authorization = STR_NONE;
		enum status status = registry_get_logged_in(
			r, endpoint, STR("/v2/"), NULL, REGISTRY_ERROR_BYTES_MAX, &answer, error);

		if (status != ST_OK)
			return status;
		buffer_release(&answer.body);
		start_transfer(r);
		return ST_OK;
	}
	if (result == CURLE_OK && code != 200 && code != 206 && code < 500)
		return registry_refusal(r, endpoint, code, buffer_str(&r->stream_refusal), error);
	/* Some progress each time is patience well spent, but not for ever. */
	bool progress = r->stream_at > r->stream_retried_at;

	r->stream_idle_retries = progress ? 0 : r->stream_idle_retries + 1;
	r->stream_retried_at = r->stream_at;
	if (r->stream_idle_retries < IDLE_RETRIES_MAX && r->stream_retries++ < RETRIES_MAX) {
		start_transfer(r);
		return ST_OK;
	}
	if (result == CURLE_OK && code >= 500)
		return registry_refusal(r, endpoint, code, buffer_str(&r->stream_refusal), error);
	return fail(error, ST_UNAVAILABLE,
		    STR_FMT ": a layer broke off after %lld of %lld bytes: %s",
		    STR_ARG(endpoint->url), (long long)r->stream_at, (long long)r->stream_size,
		    result == CURLE_OK ? "the connection was closed"
				       : r->lib->curl_easy_strerror(result));
}

static enum status drive(struct registry *r, struct error *error)
{
	const CURLMsg *message;
	int running = 0, left;

	r->lib->curl_multi_perform(r->multi, &running);
	while ((message = r->lib->curl_multi_info_read(r->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			return transfer_ended(r, message->data.result, error);
	if (!r->stream_bytes.len)
		r->lib->curl_multi_poll(r->multi, NULL, 0, POLL_MS, NULL);
	return ST_OK;
}

static i64 read_stream(void *self, void *buffer, size_t max, struct error *error)
{
	struct registry *r = self;

	while (!r->stream_bytes.len && r->stream_in_multi) {
		if (drive(r, error) != ST_OK)
			return -1;
	}
	if (r->stream_too_long) {
		fail(error, ST_INVALID, STR_FMT ": a layer is longer than its manifest says",
		     STR_ARG(r->endpoints[r->chosen].url));
		return -1;
	}
	size_t len = MIN(max, r->stream_bytes.len);

	memcpy(buffer, r->stream_bytes.at, len);
	buffer_drop(&r->stream_bytes, len);
	if (r->stream_in_multi)
		r->lib->curl_easy_pause(r->easy, CURLPAUSE_CONT);
	return (i64)len;
}

void registry_stream(struct registry *r, struct str digest, i64 size,
		     struct byte_source *ret_source)
{
	registry_stream_close(r);
	r->stream_url_path = str_format(r->arena, "/v2/" STR_FMT "/blobs/" STR_FMT,
					STR_ARG(r->reference->path), STR_ARG(digest));
	r->stream_size = size;
	r->stream_at = 0;
	r->stream_retries = r->stream_idle_retries = 0;
	r->stream_retried_at = 0;
	r->stream_too_long = r->stream_logged_in = false;
	r->stream_bytes = BUFFER_INIT(2 * WAITING_BYTES_MAX);
	r->stream_refusal = BUFFER_INIT(REGISTRY_ERROR_BYTES_MAX);
	r->streaming = true;
	start_transfer(r);
	*ret_source = (struct byte_source){ read_stream, r };
}

void registry_stream_close(struct registry *r)
{
	if (!r->streaming)
		return;
	leave_multi(r);
	buffer_release(&r->stream_bytes);
	buffer_release(&r->stream_refusal);
	r->streaming = false;
}
