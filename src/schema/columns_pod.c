/* The pod row of `kubectl get pods`: readiness, the famous STATUS word, restarts. */
#include "base/timestamp.h"
#include "schema/columns.h"
#include "schema/rules.h"

struct pod_summary {
	struct str word;
	u32 ready, containers;
	i64 restarts;
	i64 last_restart_ns; /* 0: never */
};

static bool condition_is_true(const struct doc *pod, const char *type)
{
	doc_each_item(doc_at(pod, "status.conditions"), c)
		if (str_is(doc_str(doc_key(c, "type")), type))
			return str_is(doc_str(doc_key(c, "status")), "True");
	return false;
}

static i64 last_end(const struct doc *status, i64 latest)
{
	struct str finished = doc_at_str(status, "lastState.terminated.finishedAt");

	return MAX(latest, timestamp_or(finished, 0));
}

/* "Signal:9" or "ExitCode:3" of a container that ended without giving a reason. */
static struct str end_word(struct arena *arena, const struct doc *terminated)
{
	struct str reason = doc_str(doc_key(terminated, "reason"));
	i64 signal = doc_int_or(doc_key(terminated, "signal"), 0);

	if (reason.len)
		return reason;
	if (signal)
		return str_format(arena, "Signal:%lld", (long long)signal);
	return str_format(arena, "ExitCode:%lld",
			  (long long)doc_int_or(doc_key(terminated, "exitCode"), 0));
}

/* Init containers with restartPolicy Always keep running beside the others. */
static bool is_sidecar(const struct doc *pod, struct str name)
{
	doc_each_item(doc_at(pod, "spec.initContainers"), c)
		if (str_eq(doc_str(doc_key(c, "name")), name))
			return str_is(doc_str(doc_key(c, "restartPolicy")), "Always");
	return false;
}

struct init_summary {
	i64 restarts, last_restart_ns; /* of the sidecars alone */
	bool initializing;
};

/* The first init container that has not done its part decides the word. False: go on. */
static bool init_word(struct arena *arena, struct pod_summary *sum, const struct doc *pod,
		      const struct doc *status, u32 index, bool sidecar)
{
	const struct doc *ended = doc_at(status, "state.terminated");
	struct str waiting = doc_at_str(status, "state.waiting.reason");

	if (ended && doc_int_or(doc_key(ended, "exitCode"), 0) == 0)
		return false;
	if (sidecar && doc_bool_or(doc_key(status, "started"), false)) {
		sum->ready += doc_bool_or(doc_key(status, "ready"), false);
		return false;
	}
	if (ended) {
		struct str word = end_word(arena, ended);

		sum->word = str_format(arena, "Init:" STR_FMT, STR_ARG(word));
	} else if (waiting.len && !str_is(waiting, "PodInitializing")) {
		sum->word = str_format(arena, "Init:" STR_FMT, STR_ARG(waiting));
	} else {
		sum->word = str_format(arena, "Init:%u/%u", index,
				       doc_len(doc_at(pod, "spec.initContainers")));
	}
	return true;
}

static struct init_summary sum_up_init(struct arena *arena, struct pod_summary *sum,
				       const struct doc *pod)
{
	struct init_summary init = { .initializing = false };
	u32 index = 0;

	doc_each_item(doc_at(pod, "status.initContainerStatuses"), status) {
		bool sidecar = is_sidecar(pod, doc_str(doc_key(status, "name")));
		i64 restarts = doc_int_or(doc_key(status, "restartCount"), 0);

		sum->restarts += restarts;
		sum->last_restart_ns = last_end(status, sum->last_restart_ns);
		if (sidecar) {
			init.restarts += restarts;
			init.last_restart_ns = last_end(status, init.last_restart_ns);
		}
		if (init_word(arena, sum, pod, status, index++, sidecar)) {
			init.initializing = true;
			break;
		}
	}
	return init;
}

static void sum_up_containers(struct arena *arena, struct pod_summary *sum, const struct doc *pod)
{
	const struct doc *statuses = doc_at(pod, "status.containerStatuses");
	bool running = false;

	for (u32 i = doc_len(statuses); i-- > 0;) {
		const struct doc *status = &statuses->items[i];
		const struct doc *ended = doc_at(status, "state.terminated");
		struct str waiting = doc_at_str(status, "state.waiting.reason");

		sum->restarts += doc_int_or(doc_key(status, "restartCount"), 0);
		sum->last_restart_ns = last_end(status, sum->last_restart_ns);
		if (waiting.len) {
			sum->word = waiting;
		} else if (ended) {
			sum->word = end_word(arena, ended);
		} else if (doc_bool_or(doc_key(status, "ready"), false) &&
			   doc_at(status, "state.running")) {
			running = true;
			sum->ready++;
		}
	}
	if (running && str_is(sum->word, "Completed"))
		sum->word = condition_is_true(pod, "Ready") ? STR("Running") : STR("NotReady");
}

static struct pod_summary sum_up(struct arena *arena, const struct doc *pod)
{
	struct str phase = doc_at_str(pod, "status.phase");
	struct str reason = doc_at_str(pod, "status.reason");
	struct pod_summary sum = {
		.word = reason.len ? reason : phase,
		.containers = doc_len(doc_at(pod, "spec.containers")),
	};

	doc_each_item(doc_at(pod, "status.conditions"), c)
		if (str_is(doc_str(doc_key(c, "type")), "PodScheduled") &&
		    str_is(doc_str(doc_key(c, "reason")), "SchedulingGated"))
			sum.word = STR("SchedulingGated");
	doc_each_item(doc_at(pod, "spec.initContainers"), c)
		sum.containers += str_is(doc_str(doc_key(c, "restartPolicy")), "Always");

	struct init_summary init = sum_up_init(arena, &sum, pod);

	if (!init.initializing || condition_is_true(pod, "Initialized")) {
		sum.restarts = init.restarts;
		sum.last_restart_ns = init.last_restart_ns;
		sum_up_containers(arena, &sum, pod);
	}
	if (doc_at(pod, "metadata.deletionTimestamp")) {
		if (str_is(reason, "NodeLost"))
			sum.word = STR("Unknown");
		else if (!str_is(phase, "Succeeded") && !str_is(phase, "Failed"))
			sum.word = STR("Terminating");
	}
	return sum;
}

struct str pod_status_word(struct arena *arena, const struct doc *pod)
{
	return sum_up(arena, pod).word;
}

static struct str print_gates(struct arena *arena, const struct doc *pod)
{
	const struct doc *gates = doc_at(pod, "spec.readinessGates");
	u32 held = 0;

	if (doc_len(gates) == 0)
		return STR("<none>");
	doc_each_item(gates, gate)
		held += condition_is_true(pod, str_c(arena, doc_at_str(gate, "conditionType")));
	return str_format(arena, "%u/%u", held, doc_len(gates));
}

RULE_PRINT(pod_row)
{
	struct pod_summary sum = sum_up(row->arena, object);
	struct str restarts = str_format(row->arena, "%lld", (long long)sum.restarts);

	if (sum.restarts && sum.last_restart_ns) {
		struct str age = columns_duration(row->arena, row->now_ns - sum.last_restart_ns);

		restarts = str_format(row->arena, "%lld (" STR_FMT " ago)", (long long)sum.restarts,
				      STR_ARG(age));
	}
	row_str(row, str_format(row->arena, "%u/%u", sum.ready, sum.containers));
	row_str(row, sum.word);
	row_str(row, restarts);
	row_or_none(row, doc_at_str(object, "status.podIP"));
	row_or_none(row, doc_at_str(object, "spec.nodeName"));
	row_or_none(row, doc_at_str(object, "status.nominatedNodeName"));
	row_str(row, print_gates(row->arena, object));
}
