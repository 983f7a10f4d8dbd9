/* Child processes by uv_spawn: nothing is inherited but what is named. */
#include "sys/loop_inside.h"

#include <linux/close_range.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

struct process {
	struct loop_object object;
	uv_process_t process;
	void (*exited)(void *self, int code, int signal);
	void *self;
	bool gone;
};

static void process_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void process_drop(struct loop_object *object)
{
	struct process *process = (struct process *)object;

	uv_close((uv_handle_t *)&process->process, process_closed);
}

static void process_exited(uv_process_t *uv_process, i64 code, int signal)
{
	struct process *process = uv_process->data;

	process->gone = true;
	if (process->exited)
		process->exited(process->self, signal ? -1 : (int)code, signal);
	else if (!uv_is_closing((uv_handle_t *)uv_process))
		uv_close((uv_handle_t *)uv_process, process_closed); /* nobody waits any more */
}

/* Descriptors that came from our own parent, or were made by careless libraries, stay ours. */
static void inherit_nothing(void)
{
	static bool done;

	if (close_range(3, ~0u, CLOSE_RANGE_CLOEXEC) && !done)
		uv_disable_stdio_inheritance(); /* kernels before 5.11: once, for what we got */
	done = true;
}

enum status process_spawn(struct loop *loop, const struct process_spec *spec,
			  void (*exited)(void *self, int code, int signal), void *self,
			  struct process **ret_process, struct error *error)
{
	uv_stdio_container_t stdio[PROCESS_FDS_MAX] = { 0 }; /* UV_IGNORE */
	int count = 3;

	for (u32 i = 0; i < spec->fds_len; i++) {
		int as = spec->fds[i].as;

		CHECK(as >= 0 && as < PROCESS_FDS_MAX && spec->fds[i].fd >= 0);
		stdio[as].flags = UV_INHERIT_FD;
		stdio[as].data.fd = spec->fds[i].fd;
		count = MAX(count, as + 1);
	}
	struct process *process = loop_alloc(sizeof *process);
	uv_process_options_t options = {
		.exit_cb = process_exited,
		.file = spec->argv[0],
		/* libuv's types only lack the const. */
		.args = (char **)(uintptr_t)spec->argv,
		.env = (char **)(uintptr_t)spec->env,
		.cwd = spec->cwd,
		.flags = spec->own_session ? UV_PROCESS_DETACHED : 0,
		.stdio_count = count,
		.stdio = stdio,
	};

	process->object.drop = process_drop;
	process->process.data = process;
	process->exited = exited;
	process->self = self;
	inherit_nothing();
	int bad = uv_spawn(&loop->uv, &process->process, &options);

	if (bad) {
		process_drop(&process->object); /* uv_spawn made the handle all the same */
		return fail(error, uv_status(bad), "starting %s: %s", spec->argv[0],
			    uv_strerror(bad));
	}
	*ret_process = process;
	return ST_OK;
}

int process_pid(const struct process *process)
{
	return process->process.pid;
}

bool process_kill(struct process *process, int signal)
{
	return !process->gone && uv_process_kill(&process->process, signal) == 0;
}

void process_free(struct process *process)
{
	if (!process)
		return;
	process->exited = NULL;
	/* The handle stays to reap the child when it ends. */
	if (process->gone)
		uv_close((uv_handle_t *)&process->process, process_closed);
	else
		uv_unref((uv_handle_t *)&process->process);
}
