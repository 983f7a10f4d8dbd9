/*
 * Runs one container through the real network and runtime, without a server: what
 * tests/e2e/node_runtime.sh drives inside a sandbox.
 *
 *	node_driver DATA ROOTFS LIMIT_BYTES COMMAND…
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/log.h"
#include "doc/json.h"
#include "network/pod_network.h"
#include "node/oci_config.h"
#include "node/runtime_crun.h"
#include "sys/file.h"
#include "sys/loop.h"

struct driver {
	struct loop *loop;
	struct runtime *runtime;
	struct pod_network *network;
	struct arena *arena;
	struct str data, id, rootfs;
	const struct doc *pod;
	i64 memory;
	double begun, networked, created, started;
	int code;
};

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void give_up(const char *what, const struct error *error)
{
	fprintf(stderr, "node_driver: %s: %s\n", what, error->message);
	exit(2);
}

static void network_gone(void *arg, enum status status, const struct pod_sandbox *sandbox,
			 const struct error *error)
{
	struct driver *driver = arg;

	(void)sandbox;
	if (status != ST_OK)
		give_up("network", error);
	loop_stop(driver->loop);
}

static void removed(void *arg, enum status status, const struct error *error)
{
	struct driver *driver = arg;

	if (status != ST_OK)
		give_up("remove", error);
	pod_network_remove(driver->network, STR("pod-1"), network_gone, driver);
}

static void exited(void *self, const struct container_record *record)
{
	struct driver *driver = self;
	struct str text = STR_NONE;
	struct error error = ERROR_INIT;

	if (file_read(driver->arena, str_c(driver->arena, record->log_path), 1 << 20, &text,
		      &error) != ST_OK)
		give_up("log", &error);
	printf(STR_FMT, STR_ARG(text));
	printf("exit %d oom %d unknown %d\n", record->exit_code, record->oom_killed,
	       record->unknown);
	printf("ms: network %.1f create %.1f start %.1f ended %.1f\n",
	       driver->networked - driver->begun, driver->created - driver->networked,
	       driver->started - driver->created, now_ms() - driver->started);
	driver->code = record->exit_code;
	driver->runtime->remove(driver->runtime->self, driver->id, removed, driver);
}

static void started(void *arg, enum status status, const struct error *error)
{
	struct driver *driver = arg;

	if (status != ST_OK)
		give_up("start", error);
	driver->started = now_ms();
}

static void created(void *arg, enum status status, const struct error *error)
{
	struct driver *driver = arg;

	driver->created = now_ms();
	if (status != ST_OK) {
		printf("create: %s\n", error->message);
		driver->code = 128;
		driver->runtime->remove(driver->runtime->self, driver->id, removed, driver);
		return;
	}
	driver->runtime->start(driver->runtime->self, driver->id, started, driver);
}

static void networked(void *arg, enum status status, const struct pod_sandbox *sandbox,
		      const struct error *error)
{
	struct driver *driver = arg;
	struct image image = { .layers = &driver->rootfs, .layers_len = 1 };
	const struct doc *container = doc_at(driver->pod, "spec.containers.0");

	if (status != ST_OK)
		give_up("network", error);
	driver->networked = now_ms();
	printf("address " STR_FMT "\n", STR_ARG(sandbox->ip));
	struct oci_input input = {
		.pod = driver->pod,
		.container = container,
		.image = &image,
		.net = sandbox->net,
		.ipc = sandbox->ipc,
		.uts = sandbox->uts,
		.own_capabilities = 0x1fffeffffff,
	};
	struct container_spec spec = {
		.id = driver->id,
		.pod_uid = STR("pod-1"),
		.pod_namespace = STR("default"),
		.pod_name = STR("driven"),
		.name = STR("main"),
		.layers = image.layers,
		.layers_len = 1,
		.config = oci_config(driver->arena, &input),
		.log_path = str_format(driver->arena, STR_FMT "/logs/main/0.log",
				       STR_ARG(driver->data)),
		.limits = { .memory_bytes = driver->memory, .cpu_shares = 512, .pids = 64 },
		.uid = -1,
		.gid = -1,
	};

	driver->runtime->create(driver->runtime->self, &spec, created, driver);
}

int main(int argc, char **argv)
{
	struct driver driver = { .loop = loop_new(), .arena = arena_new(0) };
	struct error error = ERROR_INIT;
	struct runtime_listener listener = { &driver, exited };
	const struct doc *command = &doc_empty_array;

	CHECK(argc > 4);
	driver.data = str_of(argv[1]);
	driver.rootfs = str_of(argv[2]);
	driver.memory = atoll(argv[3]);
	driver.id = STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	for (int i = 4; i < argc; i++)
		command = doc_append(driver.arena, command,
				     doc_new_str(driver.arena, str_of(argv[i])));
	driver.pod = doc_set(driver.arena, NULL, "spec.containers",
			     doc_append(driver.arena, &doc_empty_array,
					doc_set(driver.arena, NULL, "command", command)));
	struct pod_network_config config = {
		.directory = str_format(driver.arena, "%s/network", argv[1]),
		.bridge = STR("minke0"),
		.pod_cidr = STR("10.244.0.0/24"),
		.cluster_cidr = STR("10.244.0.0/16"),
		.service_cidr = STR("10.96.0.0/12"),
	};

	const char *parent = getenv("MINKE_CGROUP_PARENT"); /* tools/sandbox removes it */
	struct str group = str_format(driver.arena, "/%s/driver", parent ? parent : "minke");

	if (runtime_crun_new(driver.loop, driver.data, group.at, &driver.runtime, &error) ||
	    driver.runtime->open(driver.runtime->self, &listener, &error) ||
	    pod_network_new(driver.loop, &config, &driver.network, &error))
		give_up("start", &error);
	driver.begun = now_ms();
	struct pod_network_spec spec = { .uid = STR("pod-1"), .hostname = STR("driven") };

	pod_network_add(driver.network, &spec, networked, &driver);
	loop_run(driver.loop);
	pod_network_free(driver.network);
	driver.runtime->close(driver.runtime->self);
	loop_free(driver.loop);
	arena_free(driver.arena);
	return driver.code;
}
