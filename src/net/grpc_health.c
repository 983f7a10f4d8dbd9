/* nghttp2 makes the frames; the message itself is a few bytes of protobuf. */
#include "net/grpc_health.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"

enum { OUTPUT_MAX = 64 << 10, REPLY_MAX = 256, SERVICE_MAX = 120, FRAME_HEAD = 5 };

struct grpc_health {
	struct arena *arena;
	nghttp2_session *session;
	struct buffer out;
	u8 request[FRAME_HEAD + 2 + SERVICE_MAX], reply[REPLY_MAX];
	size_t request_len, sent, reply_len;
	struct str http_status, grpc_status, grpc_message;
	bool closed, broken;
};

static ssize_t give_request(nghttp2_session *session, i32 id, u8 *to, size_t len, u32 *flags,
			    nghttp2_data_source *source, void *self)
{
	struct grpc_health *health = self;
	size_t take = MIN(len, health->request_len - health->sent);

	(void)session;
	(void)id;
	(void)source;
	memcpy(to, health->request + health->sent, take);
	health->sent += take;
	if (health->sent == health->request_len)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)take;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const u8 *name,
		     size_t name_len, const u8 *value, size_t value_len, u8 flags, void *self)
{
	struct grpc_health *health = self;
	struct str key = { (const char *)name, name_len };
	struct str text = { (const char *)value, value_len };

	(void)session;
	(void)frame;
	(void)flags;
	if (str_is(key, ":status"))
		health->http_status = str_copy(health->arena, text);
	else if (str_is(key, "grpc-status"))
		health->grpc_status = str_copy(health->arena, text);
	else if (str_is(key, "grpc-message"))
		health->grpc_message = str_copy(health->arena, text);
	return 0;
}

static int on_data(nghttp2_session *session, u8 flags, i32 id, const u8 *bytes, size_t len,
		   void *self)
{
	struct grpc_health *health = self;
	size_t take = MIN(len, (size_t)REPLY_MAX - health->reply_len);

	(void)session;
	(void)flags;
	(void)id;
	memcpy(health->reply + health->reply_len, bytes, take);
	health->reply_len += take;
	return 0;
}

static int on_close(nghttp2_session *session, i32 id, u32 code, void *self)
{
	struct grpc_health *health = self;

	(void)session;
	(void)id;
	(void)code;
	health->closed = true;
	return 0;
}

static void make_session(struct grpc_health *health)
{
	nghttp2_session_callbacks *callbacks;

	CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	CHECK(nghttp2_session_client_new(&health->session, callbacks, health) == 0);
	nghttp2_session_callbacks_del(callbacks);
}

static nghttp2_nv pair(const char *name, struct str value)
{
	return (nghttp2_nv){ .name = (u8 *)(uintptr_t)name,
			     .namelen = strlen(name),
			     .value = (u8 *)(uintptr_t)value.at,
			     .valuelen = value.len };
}

struct grpc_health *grpc_health_new(struct arena *arena, struct str authority, struct str service)
{
	struct grpc_health *health = ARENA_NEW(arena, struct grpc_health);
	u8 *at = health->request;
	nghttp2_data_provider data = { .read_callback = give_request };
	nghttp2_nv pairs[] = {
		pair(":method", STR("POST")),
		pair(":scheme", STR("http")),
		pair(":path", STR("/grpc.health.v1.Health/Check")),
		pair(":authority", authority),
		pair("content-type", STR("application/grpc")),
		pair("user-agent", STR("kube-probe/1.36")),
		pair("te", STR("trailers")),
	};

	*health = (struct grpc_health){ .arena = arena, .out = BUFFER_INIT(OUTPUT_MAX) };
	service = str_part(service, 0, MIN(service.len, (size_t)SERVICE_MAX));
	/* Not compressed, four bytes of length; then field 1, a string: the service's name. */
	memset(at, 0, FRAME_HEAD);
	health->request_len = FRAME_HEAD;
	if (service.len) {
		at[4] = (u8)(service.len + 2);
		at[5] = 1 << 3 | 2;
		at[6] = (u8)service.len;
		memcpy(at + 7, service.at, service.len);
		health->request_len += 2 + service.len;
	}
	make_session(health);
	CHECK(nghttp2_submit_settings(health->session, NGHTTP2_FLAG_NONE, NULL, 0) == 0);
	if (nghttp2_submit_request(health->session, NULL, pairs, ARRAY_LEN(pairs), &data, NULL) < 0)
		health->broken = true;
	return health;
}

void grpc_health_free(struct grpc_health *health)
{
	if (!health)
		return;
	nghttp2_session_del(health->session);
	buffer_release(&health->out);
}

struct str grpc_health_output(struct grpc_health *health)
{
	const u8 *bytes;
	ssize_t len;

	buffer_clear(&health->out);
	while ((len = nghttp2_session_mem_send(health->session, &bytes)) > 0)
		buffer_add(&health->out, (const char *)bytes, (size_t)len);
	/* A session that gave up (its last word was GOAWAY) wants nothing more. */
	health->broken |=
		len < 0 || (!health->closed && !nghttp2_session_want_read(health->session));
	return buffer_str(&health->out);
}

void grpc_health_feed(struct grpc_health *health, struct str bytes)
{
	if (!health->broken &&
	    nghttp2_session_mem_recv(health->session, (const u8 *)bytes.at, bytes.len) < 0)
		health->broken = true;
}

/* HealthCheckResponse: field 1, a number, 1 is SERVING; left out it is 0, UNKNOWN. */
static u32 serving_status(const struct grpc_health *health)
{
	return health->reply_len >= FRAME_HEAD + 2 && health->reply[0] == 0 &&
			       health->reply[FRAME_HEAD] == 1 << 3
		       ? health->reply[FRAME_HEAD + 1]
		       : 0;
}

enum grpc_verdict grpc_health_verdict(const struct grpc_health *health, struct str *ret_why)
{
	static const char *const names[] = { "UNKNOWN", "SERVING", "NOT_SERVING",
					     "SERVICE_UNKNOWN" };
	u32 status = serving_status(health);

	*ret_why = STR("this is no gRPC server");
	if (health->broken)
		return GRPC_FAILED;
	if (!health->closed)
		return GRPC_WAITING;
	if (!str_is(health->http_status, "200") || !health->grpc_status.len)
		return GRPC_FAILED;
	if (!str_is(health->grpc_status, "0")) {
		*ret_why =
			str_format(health->arena, "rpc error: code = " STR_FMT " desc = " STR_FMT,
				   STR_ARG(health->grpc_status), STR_ARG(health->grpc_message));
		return GRPC_FAILED;
	}
	*ret_why = str_format(health->arena, "service unhealthy (responded with \"%s\")",
			      names[MIN(status, 3u)]);
	return status == 1 ? GRPC_SERVING : GRPC_NOT_SERVING;
}
