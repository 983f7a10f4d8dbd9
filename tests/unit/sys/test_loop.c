/* The loop: timers fire, streams carry bytes with backpressure, children end, threads call in. */
#include "../unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buffer.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/random.h"

struct world {
	struct loop *loop;
	int count, code, signal;
	struct buffer got;
	struct stream *server, *client;
	size_t received, to_send;
	enum status client_end;
	char why[128];
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof *w);

	w->loop = loop_new();
	w->got = BUFFER_INIT(1 << 20);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	loop_free(w->loop);
	buffer_release(&w->got);
	free(w);
	return 0;
}

static void count_and_stop(void *self)
{
	struct world *w = self;

	if (++w->count == 3)
		loop_stop(w->loop);
}

static void a_timer_repeats_until_freed(void **state)
{
	struct world *w = *state;
	i64 before = clock_mono_ns(clock_real());
	struct timer *timer = timer_new(w->loop, count_and_stop, w);

	timer_start(timer, 5, 5);
	loop_run(w->loop);
	assert_int_equal(w->count, 3);
	assert_true(clock_mono_ns(clock_real()) - before >= 14 * NS_PER_MS);
	assert_true(timer_running(timer));
	timer_free(timer);
}

static void *post_three(void *self)
{
	struct world *w = self;

	for (int i = 0; i < 3; i++)
		loop_post(w->loop, count_and_stop, w);
	return NULL;
}

static void other_threads_post_calls(void **state)
{
	struct world *w = *state;
	pthread_t thread;

	pthread_create(&thread, NULL, post_three, w);
	loop_run(w->loop);
	pthread_join(thread, NULL);
	assert_int_equal(w->count, 3);
}

static void add_ten(void *self)
{
	((struct world *)self)->count += 10;
}

static void stop(void *self)
{
	loop_stop(((struct world *)self)->loop);
}

static void work_runs_aside_and_comes_back(void **state)
{
	struct world *w = *state;

	loop_work(w->loop, add_ten, stop, w);
	loop_run(w->loop);
	assert_int_equal(w->count, 10);
}

static void exited(void *self, int code, int signal)
{
	struct world *w = self;

	w->code = code;
	w->signal = signal;
	loop_stop(w->loop);
}

static void a_child_gets_what_is_named_and_nothing_else(void **state)
{
	struct world *w = *state;
	struct error error = ERROR_INIT;
	struct process *process;
	struct arena *arena = arena_new(0);
	struct str text;
	int pipe_fds[2];

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	struct process_spec spec = {
		.argv =
			(const char *const[]){
				"sh", "-c",
				"echo $X; pwd; echo five >&5; ls /proc/self/fd | wc -l; exit 7",
				NULL },
		.env = (const char *const[]){ "X=y", "PATH=/usr/bin:/bin", NULL },
		.cwd = "/usr",
		.fds = (struct process_fd[]){ { pipe_fds[1], 1 }, { pipe_fds[1], 5 } },
		.fds_len = 2,
	};

	assert_int_equal(process_spawn(w->loop, &spec, exited, w, &process, &error), ST_OK);
	close(pipe_fds[1]);
	loop_run(w->loop);
	assert_int_equal(w->code, 7);
	assert_false(process_kill(process, SIGTERM));
	assert_int_equal(file_read_fd(arena, pipe_fds[0], 1000, &text, &error), ST_OK);
	/* 0, 1, 2, 5 and the one ls reads the folder with; sh's pipe hides none. */
	assert_str(text, "y\n/usr\nfive\n5\n");
	close(pipe_fds[0]);
	process_free(process);

	spec = (struct process_spec){ .argv = (const char *const[]){ "no-such-program", NULL } };
	assert_int_equal(process_spawn(w->loop, &spec, exited, w, &process, &error), ST_NOT_FOUND);
	error_clear(&error);
	spec.argv = (const char *const[]){ "sleep", "100", NULL };
	assert_int_equal(process_spawn(w->loop, &spec, exited, w, &process, &error), ST_OK);
	assert_true(process_kill(process, SIGKILL));
	loop_run(w->loop);
	assert_int_equal(w->code, -1);
	assert_int_equal(w->signal, SIGKILL);
	process_free(process);
	arena_free(arena);
}

/* ---- streams: the client sends much, the server echoes "ok" at its end */

static void server_bytes(void *self, struct str bytes)
{
	((struct world *)self)->received += bytes.len;
}

static void server_ended(void *self)
{
	struct world *w = self;

	stream_write(w->server, STR("ok"));
	stream_close(w->server);
}

static void server_closed(void *self, enum status status, const char *why)
{
	(void)why;
	assert_int_equal(status, ST_OK);
	((struct world *)self)->server = NULL;
}

static const struct stream_events server_events = {
	.bytes = server_bytes,
	.ended = server_ended,
	.closed = server_closed,
};

static void accepted(void *self, struct stream *stream)
{
	struct world *w = self;

	w->server = stream;
	stream_open(stream, &server_events, w);
}

static void send_more(void *self)
{
	struct world *w = self;
	static const char block[30000];

	while (w->to_send > 0) {
		size_t len = MIN(w->to_send, sizeof block);

		w->to_send -= len;
		if (stream_write(w->client, (struct str){ block, len }) > 200000)
			return; /* drained comes */
	}
	stream_end(w->client);
}

static void client_bytes(void *self, struct str bytes)
{
	buffer_add_str(&((struct world *)self)->got, bytes);
}

static void client_closed(void *self, enum status status, const char *why)
{
	struct world *w = self;

	w->client_end = status;
	snprintf(w->why, sizeof w->why, "%s", why);
	loop_stop(w->loop);
}

static const struct stream_events client_events = {
	.opened = send_more,
	.bytes = client_bytes,
	.drained = send_more,
	.closed = client_closed,
};

static void echo_over(struct world *w, struct str listen_at, const char *connect_format)
{
	struct error error = ERROR_INIT;
	struct listener *listener;
	char address[100];

	assert_int_equal(listener_open(w->loop, listen_at, accepted, w, &listener, &error), ST_OK);
	snprintf(address, sizeof address, connect_format, listener_port(listener));
	w->to_send = 5000000;
	w->received = 0;
	buffer_clear(&w->got);
	w->client = stream_connect(w->loop, str_of(address), 3000, &client_events, w);
	loop_run(w->loop);
	assert_int_equal(w->client_end, ST_OK);
	assert_int_equal(w->received, 5000000);
	assert_str(buffer_str(&w->got), "ok");
	listener_close(listener);
}

static void streams_carry_bytes_both_ways(void **state)
{
	struct world *w = *state;

	echo_over(w, STR("127.0.0.1:0"), "127.0.0.1:%d");
	echo_over(w, STR("127.0.0.1:0"), "localhost:%d");
	echo_over(w, STR("unix:/tmp/minke-loop-test.sock"), "unix:/tmp/minke-loop-test.sock");
	assert_false(file_exists("/tmp/minke-loop-test.sock"));
}

static void connecting_fails_with_a_sentence(void **state)
{
	struct world *w = *state;
	struct listener *listener;
	struct error error = ERROR_INIT;
	char address[40];

	/* A port that was free a moment ago. */
	assert_int_equal(listener_open(w->loop, STR("127.0.0.1:0"), accepted, w, &listener, &error),
			 ST_OK);
	snprintf(address, sizeof address, "localhost:%d", listener_port(listener));
	listener_close(listener);
	loop_run_once(w->loop, false);
	stream_connect(w->loop, str_of(address), 3000, &client_events, w);
	loop_run(w->loop);
	assert_int_equal(w->client_end, ST_UNAVAILABLE);
	assert_string_equal(w->why, "connection refused");
	stream_connect(w->loop, STR("nonsense"), 3000, &client_events, w);
	loop_run(w->loop);
	assert_int_not_equal(w->client_end, ST_OK);
	assert_int_equal(listener_open(w->loop, STR("x"), accepted, w, &listener, &error),
			 ST_BAD_REQUEST);
}

static void freeing_the_loop_drops_what_is_open(void **state)
{
	struct world *w = *state;
	struct listener *listener;
	struct error error = ERROR_INIT;
	char address[40];

	assert_int_equal(listener_open(w->loop, STR("127.0.0.1:0"), accepted, w, &listener, &error),
			 ST_OK);
	snprintf(address, sizeof address, "127.0.0.1:%d", listener_port(listener));
	w->client = stream_connect(w->loop, str_of(address), 3000, &client_events, w);
	stream_connect(w->loop, STR("localhost:1"), 3000, &client_events, w);
	timer_start(timer_new(w->loop, stop, w), 1000, 0);
	loop_run_once(w->loop, true);
}

static void randomness_differs(void **state)
{
	char a[32], b[32];

	(void)state;
	random_bytes(a, sizeof a);
	random_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_timer_repeats_until_freed),
		TEST(other_threads_post_calls),
		TEST(work_runs_aside_and_comes_back),
		TEST(a_child_gets_what_is_named_and_nothing_else),
		TEST(streams_carry_bytes_both_ways),
		TEST(connecting_fails_with_a_sentence),
		TEST(freeing_the_loop_drops_what_is_open),
		TEST(randomness_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
