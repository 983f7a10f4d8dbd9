/* The gRPC health question, answered by a server made of nghttp2 and no sockets. */
#include "../unit.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

#include "net/grpc_health.h"

struct answer {
	const char *status; /* grpc-status */
	u8 serving;
	char asked[64];
	size_t asked_len;
	bool said;
};

static ssize_t give_reply(nghttp2_session *session, i32 id, u8 *to, size_t len, u32 *flags,
			  nghttp2_data_source *source, void *self)
{
	struct answer *answer = self;
	const u8 reply[] = { 0, 0, 0, 0, 2, 8, answer->serving };
	nghttp2_nv trailer = { (u8 *)"grpc-status", (u8 *)answer->status, 11,
			       strlen(answer->status), 0 };

	(void)source;
	assert_true(len >= sizeof reply);
	memcpy(to, reply, sizeof reply);
	*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
	assert_int_equal(nghttp2_submit_trailer(session, id, &trailer, 1), 0);
	return sizeof reply;
}

static int on_asked(nghttp2_session *session, u8 flags, i32 id, const u8 *bytes, size_t len,
		    void *self)
{
	struct answer *answer = self;

	(void)session, (void)flags, (void)id;
	memcpy(answer->asked, bytes, len);
	answer->asked_len = len;
	return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *self)
{
	nghttp2_nv head[] = { { (u8 *)":status", (u8 *)"200", 7, 3, 0 },
			      { (u8 *)"content-type", (u8 *)"application/grpc", 12, 16, 0 } };
	nghttp2_data_provider data = { .read_callback = give_reply };

	(void)self;
	if (frame->hd.type == NGHTTP2_DATA && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		return nghttp2_submit_response(session, frame->hd.stream_id, head, 2, &data);
	return 0;
}

static enum grpc_verdict ask(struct arena *arena, struct answer *answer, struct str service,
			     struct str *ret_why)
{
	struct grpc_health *health = grpc_health_new(arena, STR("10.0.0.1:80"), service);
	nghttp2_session_callbacks *callbacks;
	nghttp2_session *server;
	const u8 *bytes;
	ssize_t len;

	nghttp2_session_callbacks_new(&callbacks);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_asked);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	assert_int_equal(nghttp2_session_server_new(&server, callbacks, answer), 0);
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(server, NGHTTP2_FLAG_NONE, NULL, 0);
	for (int i = 0; i < 4; i++) {
		struct str out = grpc_health_output(health);

		assert_true(nghttp2_session_mem_recv(server, (const u8 *)out.at, out.len) >= 0);
		while ((len = nghttp2_session_mem_send(server, &bytes)) > 0)
			grpc_health_feed(health, (struct str){ (const char *)bytes, (size_t)len });
	}
	nghttp2_session_del(server);
	enum grpc_verdict verdict = grpc_health_verdict(health, ret_why);

	grpc_health_free(health);
	return verdict;
}

static void a_server_says_how_it_is(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct answer well = { "0", 1 }, ill = { "0", 2 }, strange = { "12", 0 };
	struct str why;

	assert_int_equal(ask(arena, &well, STR_NONE, &why), GRPC_SERVING);
	assert_memory_equal(well.asked, "\0\0\0\0\0", 5);
	assert_int_equal(ask(arena, &well, STR("web"), &why), GRPC_SERVING);
	assert_int_equal(well.asked_len, 10);
	assert_memory_equal(well.asked, "\0\0\0\0\5\n\3web", 10);
	assert_int_equal(ask(arena, &ill, STR_NONE, &why), GRPC_NOT_SERVING);
	assert_string_equal(str_c(arena, why),
			    "service unhealthy (responded with \"NOT_SERVING\")");
	assert_int_equal(ask(arena, &strange, STR_NONE, &why), GRPC_FAILED);
	assert_non_null(strstr(str_c(arena, why), "code = 12"));
	arena_free(arena);
}

static void what_is_no_grpc_fails(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct grpc_health *health = grpc_health_new(arena, STR("10.0.0.1:80"), STR_NONE);
	struct str why;

	assert_int_equal(grpc_health_verdict(health, &why), GRPC_WAITING);
	grpc_health_feed(health, STR("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
	(void)grpc_health_output(health);
	assert_int_equal(grpc_health_verdict(health, &why), GRPC_FAILED);
	grpc_health_free(health);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_says_how_it_is),
		cmocka_unit_test(what_is_no_grpc_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
