/*
 * What the store does in a second, against what the disk and the memory can do at best, measured in
 * the same run: machines differ, the ratio does not so much.
 *
 *	bench_store [DIRECTORY]	(default: the working directory; on the disk that is meant)
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/random.h"
#include "doc/json.h"
#include "store/log_sqlite.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/file.h"

enum { PODS = 1, CONFIGS, KINDS };

static const struct store_kind kinds[KINDS] = {
	[PODS] = { .name = STR_INIT("pods"), .pods = true },
	[CONFIGS] = { .name = STR_INIT("configmaps") },
};

static const char pod_text[] =
	"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"web-7d9f8c6b5-abcde\","
	"\"generateName\":\"web-7d9f8c6b5-\",\"namespace\":\"default\","
	"\"uid\":\"4b9d7f0c-7a51-4a53-9d43-0b3b5a6a9e11\",\"resourceVersion\":\"123456\","
	"\"creationTimestamp\":\"2026-01-01T00:00:00Z\",\"labels\":{\"app\":\"web\","
	"\"pod-template-hash\":\"7d9f8c6b5\"},\"ownerReferences\":[{\"apiVersion\":\"apps/v1\","
	"\"kind\":\"ReplicaSet\",\"name\":\"web-7d9f8c6b5\","
	"\"uid\":\"0c0a7cbe-35e6-4cf8-8d1c-8c3ef2dbb1f1\",\"controller\":true,"
	"\"blockOwnerDeletion\":true}]},\"spec\":{\"volumes\":[{\"name\":"
	"\"kube-api-access-x7k2p\",\"projected\":{\"sources\":[{\"serviceAccountToken\":"
	"{\"expirationSeconds\":3607,\"path\":\"token\"}},{\"configMap\":{\"name\":"
	"\"kube-root-ca.crt\",\"items\":[{\"key\":\"ca.crt\",\"path\":\"ca.crt\"}]}},"
	"{\"downwardAPI\":{\"items\":[{\"path\":\"namespace\",\"fieldRef\":{\"apiVersion\":"
	"\"v1\",\"fieldPath\":\"metadata.namespace\"}}]}}],\"defaultMode\":420}}],"
	"\"containers\":[{\"name\":\"web\",\"image\":\"registry.example.org/shop/web:1.27.3\","
	"\"ports\":[{\"containerPort\":8080,\"protocol\":\"TCP\"}],\"env\":[{\"name\":"
	"\"DATABASE_URL\",\"value\":\"postgres://db.default.svc:5432/shop\"},{\"name\":"
	"\"POD_IP\",\"valueFrom\":{\"fieldRef\":{\"apiVersion\":\"v1\",\"fieldPath\":"
	"\"status.podIP\"}}}],\"resources\":{\"limits\":{\"cpu\":\"500m\",\"memory\":\"256Mi\"},"
	"\"requests\":{\"cpu\":\"100m\",\"memory\":\"128Mi\"}},\"volumeMounts\":[{\"name\":"
	"\"kube-api-access-x7k2p\",\"readOnly\":true,\"mountPath\":"
	"\"/var/run/secrets/kubernetes.io/serviceaccount\"}],\"readinessProbe\":{\"httpGet\":"
	"{\"path\":\"/ready\",\"port\":8080,\"scheme\":\"HTTP\"},\"timeoutSeconds\":1,"
	"\"periodSeconds\":10,\"successThreshold\":1,\"failureThreshold\":3},"
	"\"terminationMessagePath\":\"/dev/termination-log\",\"terminationMessagePolicy\":"
	"\"File\",\"imagePullPolicy\":\"IfNotPresent\"}],\"restartPolicy\":\"Always\","
	"\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\","
	"\"serviceAccountName\":\"default\",\"serviceAccount\":\"default\",\"nodeName\":"
	"\"node-17\",\"securityContext\":{},\"schedulerName\":\"default-scheduler\","
	"\"tolerations\":[{\"key\":\"node.kubernetes.io/not-ready\",\"operator\":\"Exists\","
	"\"effect\":\"NoExecute\",\"tolerationSeconds\":300},{\"key\":"
	"\"node.kubernetes.io/unreachable\",\"operator\":\"Exists\",\"effect\":\"NoExecute\","
	"\"tolerationSeconds\":300}],\"priority\":0,\"enableServiceLinks\":true,"
	"\"preemptionPolicy\":\"PreemptLowerPriority\"},\"status\":{\"phase\":\"Running\","
	"\"conditions\":[{\"type\":\"Initialized\",\"status\":\"True\",\"lastProbeTime\":null,"
	"\"lastTransitionTime\":\"2026-01-01T00:00:00Z\"},{\"type\":\"Ready\",\"status\":"
	"\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"2026-01-01T00:00:03Z\"},"
	"{\"type\":\"ContainersReady\",\"status\":\"True\",\"lastProbeTime\":null,"
	"\"lastTransitionTime\":\"2026-01-01T00:00:03Z\"},{\"type\":\"PodScheduled\","
	"\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":"
	"\"2026-01-01T00:00:00Z\"}],\"hostIP\":\"192.0.2.17\",\"podIP\":\"10.42.0.23\","
	"\"podIPs\":[{\"ip\":\"10.42.0.23\"}],\"startTime\":\"2026-01-01T00:00:00Z\","
	"\"containerStatuses\":[{\"name\":\"web\",\"state\":{\"running\":{\"startedAt\":"
	"\"2026-01-01T00:00:02Z\"}},\"lastState\":{},\"ready\":true,\"restartCount\":0,"
	"\"image\":\"registry.example.org/shop/web:1.27.3\",\"imageID\":"
	"\"registry.example.org/shop/web@sha256:6af79ae5de407283dcea8b00d5c37ace95441fd58a8b1d2aa1"
	"ed93f5511bb18c\",\"containerID\":\"minke://5d3c9f3a7e0c4b7f9d0d8b6b8f4f1f1c2a3b4c5d6e7f\","
	"\"started\":true}],\"qosClass\":\"Burstable\"}}";

static double now_s(void)
{
	return (double)clock_mono_ns(clock_real()) / 1e9;
}

static void must(enum status status, const struct error *error)
{
	if (!status)
		return;
	fprintf(stderr, "bench_store: %s\n", error->message);
	exit(1);
}

/* ---- the disk */

static const struct doc *config_of(struct arena *arena, u32 number)
{
	static char value[800];
	const struct doc *doc = doc_set_str(arena, NULL, "kind", STR("ConfigMap"));

	memset(value, 'v', sizeof value - 1);
	doc = doc_set_str(arena, doc, "apiVersion", STR("v1"));
	doc = doc_set_str(arena, doc, "metadata.name", str_format(arena, "config-%u", number));
	doc = doc_set_str(arena, doc, "metadata.namespace", STR("default"));
	doc = doc_set_str(arena, doc, "metadata.uid", STR("4b9d7f0c-7a51-4a53-9d43-0b3b5a6a9e11"));
	return doc_set_str(arena, doc, "data.key", str_of(value));
}

/* Appends 1 KB records, `in_flight` of them a sync: what no log can beat. */
static double bare(const char *directory, u32 in_flight, double seconds)
{
	char path[512], record[1024 * 64];
	u64 written = 0;

	snprintf(path, sizeof path, "%s/bare", directory);
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	CHECK(fd >= 0 && in_flight <= 64);
	memset(record, 'r', sizeof record);
	double start = now_s(), end = start;

	for (; end - start < seconds; end = now_s()) {
		ssize_t len = write(fd, record, 1024u * in_flight);

		CHECK(len == (ssize_t)(1024u * in_flight) && fdatasync(fd) == 0);
		written += in_flight;
	}
	close(fd);
	unlink(path);
	return (double)written / (end - start);
}

static int ready_fd;

static void notify(void *self)
{
	u64 one = 1;
	ssize_t len = write(ready_fd, &one, sizeof one);

	(void)self;
	CHECK(len == sizeof one || errno == EAGAIN);
}

static u64 bytes_written(void) /* by this process, to disks */
{
	CLEANUP(arena_free_cleanup) struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct str text, name = STR("\nwrite_bytes: ");
	i64 value = 0;

	must(file_read(arena, "/proc/self/io", 4096, &text, &error), &error);
	text = str_from(text, (size_t)(str_find(text, name) + (i64)name.len));
	CHECK(str_to_i64(str_cut(&text, '\n'), &value));
	return (u64)value;
}

/* Creates 1 KB objects, at most `in_flight` of them not durable. */
static double durable_puts(struct store *store, u32 in_flight, double seconds, u32 *number)
{
	u32 first = *number;
	double start = now_s(), end = start;

	for (; end - start < seconds; end = now_s()) {
		while (store_revision(store) - store_durable(store) < in_flight) {
			struct arena *arena = arena_new(0);
			struct error error = ERROR_INIT;
			const struct doc *doc = config_of(arena, *number);

			must(store_put(store, CONFIGS, STR("default"),
				       str_format(arena, "config-%u", (*number)++), doc, NULL,
				       &error),
			     &error);
			arena_free(arena);
		}
		struct pollfd ready = { ready_fd, POLLIN, 0 };
		u64 count;

		poll(&ready, 1, -1);
		CHECK(read(ready_fd, &count, sizeof count) == sizeof count);
		store_poll(store);
	}
	return (*number - first) / (end - start);
}

static void bench_disk(const char *directory)
{
	char path[512];
	struct log *log;
	struct error error = ERROR_INIT;
	u32 number = 0;
	double best[2] = { 0 }, ours[2] = { 0 };
	u64 written[2] = { 0 };
	u32 made[2] = { 0 };

	snprintf(path, sizeof path, "%s/bench-store-XXXXXX", directory);
	CHECK(mkdtemp(path));
	ready_fd = eventfd(0, EFD_CLOEXEC);
	double start = now_s();

	must(log_sqlite_open(path, notify, NULL, &log, &error), &error);
	struct store *store = store_new_kinds(kinds, KINDS, log, clock_real());

	must(store_open(store, &error), &error);
	printf("open an empty directory   %8.2f ms\n", (now_s() - start) * 1e3);
	/* In turns, so that a noisy moment hits both. */
	for (u32 round = 0; round < 4; round++)
		for (u32 i = 0; i < 2; i++) {
			u32 in_flight = i ? 64 : 1;

			best[i] += bare(path, in_flight, 0.5) / 4;
			written[i] -= bytes_written();
			made[i] -= number;
			ours[i] += durable_puts(store, in_flight, 0.5, &number) / 4;
			written[i] += bytes_written();
			made[i] += number;
		}
	for (u32 i = 0; i < 2; i++)
		printf("durable puts, %2d in flight %8.0f/s   bare append+fdatasync %8.0f/s   "
		       "1/%.2f   %llu bytes written a put\n",
		       i ? 64 : 1, ours[i], best[i], best[i] / ours[i],
		       (unsigned long long)(written[i] / made[i]));
	must(store_flush(store, &error), &error);
	struct log_sqlite_stats stats = log_sqlite_stats(log);

	printf("entries a commit          %8.1f      checkpoints %llu\n",
	       (double)stats.entries / (double)stats.commits,
	       (unsigned long long)stats.checkpoints);
	u32 count = store_count(store, CONFIGS);

	store_free(store);
	log_close(log);
	start = now_s();
	must(log_sqlite_open(path, notify, NULL, &log, &error), &error);
	store = store_new_kinds(kinds, KINDS, log, clock_real());
	must(store_open(store, &error), &error);
	CHECK(store_count(store, CONFIGS) == count);
	printf("open with %7u objects %8.0f ms\n", count, (now_s() - start) * 1e3);
	store_free(store);
	log_close(log);
	must(file_remove_tree(path, &error), &error);
}

/* ---- memory */

static void pod_name(char *name, size_t size, u32 number)
{
	snprintf(name, size, "web-7d9f8c6b5-%05u", number);
}

static size_t fill(struct store *store, u32 from, u32 to)
{
	struct arena *arena = arena_new(0);
	const struct doc *pod;
	struct error error = ERROR_INIT;
	struct mallinfo2 before = mallinfo2();
	struct version *version = NULL;
	char name[64];

	must(json_parse(arena, str_of(pod_text), &pod, &error), &error);
	double start = now_s();

	for (u32 i = from; i < to; i++) {
		struct arena *one = arena_new(0);

		pod_name(name, sizeof name, i);
		must(store_put(store, PODS, STR("default"), str_of(name),
			       doc_set_str(one, pod, "metadata.name", str_of(name)), &version,
			       &error),
		     &error);
		arena_free(one);
	}
	double took = now_s() - start;
	struct mallinfo2 after = mallinfo2();

	printf("put in memory             %8.2f us    version of %zu bytes of JSON: %u bytes\n",
	       took * 1e6 / (to - from), version->json.len, version->size);
	arena_free(arena);
	return (after.uordblks + after.hblkhd) - (before.uordblks + before.hblkhd);
}

static void bench_get(struct store *store, u32 count)
{
	struct random random;
	u64 gets = 0;
	char name[64];

	random_seed(&random, 1);
	double start = now_s(), end = start;

	for (; end - start < 0.5; end = now_s())
		for (u32 i = 0; i < 1000; i++, gets++) {
			pod_name(name, sizeof name, random_below(&random, count));
			CHECK(store_get(store, PODS, STR("default"), str_of(name)));
		}
	printf("gets among %7u pods    %8.0f/s\n", count, (double)gets / (end - start));
}

/* A list copies each object's bytes once, as a socket's buffer would. */
static void bench_list(struct store *store, u32 count)
{
	static char buffer[1 << 20];
	size_t bytes = 0, pure = 0;
	u64 lists = 0;
	double start = now_s(), end = start;

	for (; end - start < 0.5; end = now_s(), lists++) {
		struct store_iter iter;
		struct version *version;
		size_t at = 0;

		store_iter_start(&iter, store, PODS, STR("default"), STR_NONE, STR_NONE);
		for (u32 i = 0; i < count && (version = store_iter_next(&iter)); i++) {
			if (at + version->json.len > sizeof buffer)
				at = 0;
			memcpy(buffer + at, version->json.at, version->json.len);
			at += version->json.len;
			bytes += version->json.len;
		}
	}
	double ours = (double)bytes / (end - start);
	char *large = malloc(64 << 20);

	CHECK(large);
	memset(large, 1, 64 << 20);
	for (start = end = now_s(); end - start < 0.3; end = now_s())
		for (u32 i = 0; i < 64; i++, pure += sizeof buffer)
			memcpy(buffer, large + i * sizeof buffer, sizeof buffer);
	free(large);
	printf("list of %6u pods        %8.0f/s     %.2f GB/s   bare memcpy %.2f GB/s\n", count,
	       (double)lists / 0.5, ours / 1e9, (double)pure / (end - start) / 1e9);
}

int main(int argc, char **argv)
{
	struct error error = ERROR_INIT;
	struct store *store = store_new_kinds(kinds, KINDS, NULL, clock_real());

	bench_disk(argc > 1 ? argv[1] : ".");
	must(store_open(store, &error), &error);
	size_t bytes = fill(store, 0, 10000);

	printf("memory a pod              %8.0f bytes (10,000 pods, history included)\n",
	       (double)bytes / 10000);
	bench_get(store, 10000);
	bench_list(store, 1000);
	bench_list(store, 10000);
	bytes = fill(store, 10000, 100000);
	printf("memory a pod              %8.0f bytes (90,000 more)\n", (double)bytes / 90000);
	bench_get(store, 100000);
	store_free(store);
	return 0;
}
