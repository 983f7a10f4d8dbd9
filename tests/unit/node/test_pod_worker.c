/*
 * The pod worker as a table: a pod, what is seen, the time; and then the actions it must plan and
 * the words it must report. Everything is text, so that a case reads like the situation it shows.
 */
#include "../unit.h"

#include "base/clock.h"
#include "doc/json.h"
#include "node/pod_worker.h"

static const i64 now_s = 1700000000; /* 2023-11-14T22:13:20Z */

#define META "'metadata':{'name':'p','namespace':'d','uid':'u'},"
#define ONE "{" META "'spec':{'restartPolicy':'Always','containers':[{'name':'a','image':'x'}]}}"
#define NEVER "{" META "'spec':{'restartPolicy':'Never','containers':[{'name':'a','image':'x'}]}}"
#define ON_FAILURE                                                                                 \
	"{" META "'spec':{'restartPolicy':'OnFailure','containers':[{'name':'a','image':'x'}]}}"
#define TWO                                                                                        \
	"{" META "'spec':{'restartPolicy':'Always','containers':[{'name':'a','image':'x'},"        \
	"{'name':'b','image':'x'}]}}"
#define WITH_INIT                                                                                  \
	"{" META "'spec':{'restartPolicy':'Always','initContainers':[{'name':'i','image':'x'}],"   \
	"'containers':[{'name':'a','image':'x'}]}}"
#define INIT_NEVER                                                                                 \
	"{" META "'spec':{'restartPolicy':'Never','initContainers':[{'name':'i','image':'x'}],"    \
	"'containers':[{'name':'a','image':'x'}]}}"
#define SIDECAR                                                                                    \
	"{" META "'spec':{'restartPolicy':'Never','initContainers':[{'name':'s','image':'x',"      \
	"'restartPolicy':'Always'}],'containers':[{'name':'a','image':'x'}]}}"
#define DELETED                                                                                    \
	"{'metadata':{'name':'p','namespace':'d','uid':'u','deletionGracePeriodSeconds':7,"        \
	"'deletionTimestamp':'2023-11-14T22:13:20Z'},"                                             \
	"'spec':{'restartPolicy':'Always','containers':[{'name':'a','image':'x'}]}}"
#define DELETED_SIDECAR                                                                            \
	"{'metadata':{'name':'p','namespace':'d','uid':'u','deletionGracePeriodSeconds':7,"        \
	"'deletionTimestamp':'2023-11-14T22:13:20Z'},"                                             \
	"'spec':{'restartPolicy':'Always','initContainers':[{'name':'s','image':'x',"              \
	"'restartPolicy':'Always'}],'containers':[{'name':'a','image':'x'}]}}"
#define DEADLINE                                                                                   \
	"{" META "'spec':{'restartPolicy':'Never','activeDeadlineSeconds':60,"                     \
	"'containers':[{'name':'a','image':'x'}]}}"

/*
 * One container as it is seen, a letter and what goes with it:
 *	-  nothing yet		w  being started	r  running and ready	n  running, not
 *ready 0-9  ended so		o  out of memory	p  image being pulled	e  pull failed c its
 *configuration fails	u  unhealthy	h  running another image	k  being killed In capitals
 *S and V the sandbox and the volumes are still missing.
 */
struct situation {
	const char *shows, *pod;
	const char *seen;
	i64 attempt, ended_ago_s, delay_s;
	bool initialized;
	i64 age_s;
	const char *actions;	    /* "volumes sandbox", "run 0", "kill 0 30" … */
	i64 wakes_in_s;		    /* -1: never */
	const char *phase, *states; /* reasons, one a container */
};

static const struct situation situations[] = {
	{ "a new pod gets volumes and sandbox at once", ONE, "VS-", 0, 0, 0, false, 0,
	  "volumes sandbox", -1, "Pending", "ContainerCreating" },
	{ "nothing starts before the sandbox is there", ONE, "S-", 0, 0, 0, false, 0, "sandbox", -1,
	  "Pending", "ContainerCreating" },
	{ "then the image", ONE, "i", 0, 0, 0, false, 0, "pull 0", -1, "Pending",
	  "ContainerCreating" },
	{ "then the container", ONE, "-", 0, 0, 0, true, 0, "run 0", -1, "Pending",
	  "ContainerCreating" },
	{ "all containers start together", TWO, "--", 0, 0, 0, true, 0, "run 0 run 1", -1,
	  "Pending", "ContainerCreating ContainerCreating" },
	{ "a container being started is left alone", ONE, "w", 0, 0, 0, true, 0, "", -1, "Pending",
	  "ContainerCreating" },
	{ "a running pod needs nothing", ONE, "r", 0, 0, 0, true, 0, "", -1, "Running", "running" },
	{ "one that is not ready needs nothing either", ONE, "n", 0, 0, 0, true, 0, "", -1,
	  "Running", "running" },
	{ "a pull under way is waited for", ONE, "p", 0, 0, 0, true, 0, "", -1, "Pending",
	  "ContainerCreating" },
	{ "a failed pull says so first", ONE, "e", 0, 1, 10, true, 0, "", 2, "Pending",
	  "ErrImagePull" },
	{ "and then that it waits", ONE, "e", 0, 4, 10, true, 0, "", 6, "Pending",
	  "ImagePullBackOff" },
	{ "and pulls again", ONE, "e", 0, 10, 10, true, 0, "pull 0", -1, "Pending",
	  "ImagePullBackOff" },
	{ "missing configuration waits", ONE, "c", 0, 0, 0, true, 0, "", 10, "Pending",
	  "CreateContainerConfigError" },
	{ "the first crash is restarted at once", ONE, "1", 0, 0, 0, true, 0, "run 0", -1,
	  "Running", "Error" },
	{ "the second waits", ONE, "1", 1, 3, 10, true, 0, "", 7, "Running", "CrashLoopBackOff" },
	{ "until its time", ONE, "1", 1, 10, 10, true, 0, "run 0", -1, "Running", "Error" },
	{ "success is restarted too under Always", ONE, "0", 0, 0, 0, true, 0, "run 0", -1,
	  "Running", "Completed" },
	{ "out of memory is told", ONE, "o", 0, 0, 0, true, 0, "run 0", -1, "Running",
	  "OOMKilled" },
	{ "Never: success ends the pod", NEVER, "0", 0, 0, 0, true, 0, "remove-sandbox", -1,
	  "Succeeded", "Completed" },
	{ "Never: failure ends it too", NEVER, "3", 0, 0, 0, true, 0, "remove-sandbox", -1,
	  "Failed", "Error" },
	{ "OnFailure: failure is restarted", ON_FAILURE, "3", 0, 0, 0, true, 0, "run 0", -1,
	  "Running", "Error" },
	{ "OnFailure: success ends it", ON_FAILURE, "0", 0, 0, 0, true, 0, "remove-sandbox", -1,
	  "Succeeded", "Completed" },
	{ "one of two that crashed waits alone", TWO, "r1", 1, 3, 10, true, 0, "", 7, "Running",
	  "running CrashLoopBackOff" },
	{ "init containers go first", WITH_INIT, "--", 0, 0, 0, false, 0, "run 0", -1, "Pending",
	  "PodInitializing PodInitializing" },
	{ "others wait while they run", WITH_INIT, "r-", 0, 0, 0, false, 0, "", -1, "Pending",
	  "running PodInitializing" },
	{ "then the others start", WITH_INIT, "0-", 0, 0, 0, false, 0, "run 1", -1, "Pending",
	  "Completed PodInitializing" },
	{ "a failed init container is tried again", WITH_INIT, "1-", 0, 0, 0, false, 0, "run 0", -1,
	  "Pending", "Error PodInitializing" },
	{ "in time", WITH_INIT, "1-", 1, 3, 10, false, 0, "", 7, "Pending",
	  "CrashLoopBackOff PodInitializing" },
	{ "or ends the pod under Never", INIT_NEVER, "1-", 0, 0, 0, false, 0, "remove-sandbox", -1,
	  "Failed", "Error PodInitializing" },
	{ "a sidecar must have started", SIDECAR, "--", 0, 0, 0, false, 0, "run 0", -1, "Pending",
	  "PodInitializing PodInitializing" },
	{ "before the others do", SIDECAR, "r-", 0, 0, 0, false, 0, "run 1", -1, "Pending",
	  "running PodInitializing" },
	{ "a sidecar is restarted whatever the policy", SIDECAR, "1r", 0, 0, 0, true, 0, "run 0",
	  -1, "Running", "Error running" },
	{ "and ends when the work is done", SIDECAR, "r0", 0, 0, 0, true, 0, "kill 0 30", -1,
	  "Running", "running Completed" },
	{ "so that the pod succeeds", SIDECAR, "00", 0, 0, 0, true, 0, "remove-sandbox", -1,
	  "Succeeded", "Completed Completed" },
	{ "an unhealthy container is killed", ONE, "u", 0, 0, 0, true, 0, "kill 0 30", -1,
	  "Running", "running" },
	{ "another image is another container", ONE, "h", 0, 0, 0, true, 0, "kill 0 30", -1,
	  "Running", "running" },
	{ "a container being killed is waited for", ONE, "k", 0, 0, 0, true, 0, "", -1, "Running",
	  "running" },
	{ "deletion kills with its own grace", DELETED, "r", 0, 0, 0, true, 0, "kill 0 7", -1,
	  "Running", "running" },
	{ "and then takes the pod down", DELETED, "0", 0, 0, 0, true, 0, "remove-sandbox", -1,
	  "Succeeded", "Completed" },
	{ "sandbox before volumes", DELETED, "N0", 0, 0, 0, true, 0, "remove-volumes", -1,
	  "Succeeded", "Completed" },
	{ "and last of all the object", DELETED, "NE0", 0, 0, 0, true, 0, "delete", -1, "Succeeded",
	  "Completed" },
	{ "deleted before anything began", DELETED, "NE-", 0, 0, 0, false, 0, "delete", -1,
	  "Pending", "ContainerCreating" },
	{ "sidecars die last", DELETED_SIDECAR, "rr", 0, 0, 0, true, 0, "kill 1 7", -1, "Running",
	  "running running" },
	{ "when the others are dead", DELETED_SIDECAR, "r0", 0, 0, 0, true, 0, "kill 0 7", -1,
	  "Running", "running Completed" },
	{ "a deadline is waited for", DEADLINE, "r", 0, 0, 0, true, 50, "", 10, "Running",
	  "running" },
	{ "and kept", DEADLINE, "r", 0, 0, 0, true, 60, "kill 0 30", -1, "Running", "running" },
	{ "then the pod has failed", DEADLINE, "2", 0, 0, 0, true, 60, "remove-sandbox", -1,
	  "Failed", "Error" },
};

/* JSON with ' for ", which C can be read with. */
static const struct doc *parse(struct arena *arena, const char *text)
{
	char *json = arena_copy(arena, text, strlen(text) + 1);
	const struct doc *doc = NULL;
	struct error error = ERROR_INIT;

	for (char *at = json; *at; at++)
		if (*at == '\'')
			*at = '"';
	if (json_parse(arena, str_of(json), &doc, &error) != ST_OK)
		fail_msg("%s: %s", text, error.message);
	return doc;
}

static void see_end(struct container_seen *seen, const struct situation *s, int code)
{
	seen->phase = CONTAINER_EXITED;
	seen->end.any = true;
	seen->end.exit_code = code;
	seen->end.finished_ns = (now_s - s->ended_ago_s) * NS_PER_S;
	seen->end.started_ns = seen->end.finished_ns - NS_PER_S;
	seen->delay_ns = s->delay_s * NS_PER_S;
	seen->attempt = (u32)s->attempt;
}

static void see_running(struct container_seen *seen)
{
	seen->phase = CONTAINER_RUNNING;
	seen->started_ns = now_s * NS_PER_S;
	seen->startup_ok = seen->ready = true;
	seen->post_start = SEEN_READY;
}

static void see(struct container_seen *seen, const struct situation *s, char how)
{
	seen->image = how == 'p' ? SEEN_WORKING : how == 'i' ? SEEN_NONE : SEEN_READY;
	if (how >= '0' && how <= '9')
		see_end(seen, s, how - '0');
	if (how == 'o') {
		see_end(seen, s, 137);
		seen->end.oom_killed = true;
	}
	if (strchr("rnuhk", how))
		see_running(seen);
	seen->ready = how == 'r';
	seen->working = how == 'w';
	if (how == 'w')
		seen->phase = CONTAINER_CREATED;
	if (how == 'u')
		seen->unhealthy = STR("liveness");
	if (how == 'h')
		seen->hash++;
	seen->killing = how == 'k';
	if (how == 'e') {
		seen->image = SEEN_FAILED;
		seen->image_reason = STR("ErrImagePull");
		seen->image_message = STR("no such host");
		seen->image_delay_ns = s->delay_s * NS_PER_S;
		seen->image_retry_ns = (now_s - s->ended_ago_s + s->delay_s) * NS_PER_S;
	}
	if (how == 'c') {
		seen->wait_reason = STR("CreateContainerConfigError");
		seen->wait_message = STR("secret \"s\" not found");
		seen->wait_retry_ns = (now_s + 10) * NS_PER_S;
	}
}

static struct pod_seen look(struct arena *arena, const struct situation *s, const struct doc *pod)
{
	struct pod_seen seen = { .sandbox = SEEN_READY,
				 .volumes = SEEN_READY,
				 .initialized = s->initialized,
				 .ip = STR("10.244.0.2"),
				 .start_ns = (now_s - s->age_s) * NS_PER_S };
	u32 at = 0;

	seen.containers_len = pod_containers_len(pod);
	seen.containers = ARENA_ARRAY(arena, struct container_seen, seen.containers_len);
	for (const char *how = s->seen; *how; how++) {
		if (*how == 'S' || *how == 'N')
			seen.sandbox = SEEN_NONE;
		else if (*how == 'V' || *how == 'E')
			seen.volumes = SEEN_NONE;
		if (*how >= 'A' && *how <= 'Z')
			continue;
		assert_true(at < seen.containers_len);
		seen.containers[at].name = doc_at_str(pod_container(pod, at), "name");
		seen.containers[at].hash = container_hash(pod_container(pod, at));
		seen.containers[at].unhealthy_grace_s = -1;
		see(&seen.containers[at++], s, *how);
	}
	assert_int_equal(at, seen.containers_len);
	return seen;
}

static struct str actions_text(struct arena *arena, const struct pod_plan *plan)
{
	static const char *const names[] = {
		"volumes", "sandbox",	     "pull",	       "run",
		"kill",	   "remove-sandbox", "remove-volumes", "delete"
	};
	struct str text = STR_NONE;

	for (u32 i = 0; i < plan->actions.len; i++) {
		const struct pod_action *action = &plan->actions.at[i];
		const char *name = names[action->type];

		text = str_format(arena, STR_FMT "%s%s", STR_ARG(text), i ? " " : "", name);
		if (action->type == POD_PULL || action->type == POD_RUN || action->type == POD_KILL)
			text = str_format(arena, STR_FMT " %u", STR_ARG(text), action->container);
		if (action->type == POD_KILL)
			text = str_format(arena, STR_FMT " %lld", STR_ARG(text),
					  (long long)action->grace_s);
	}
	return text;
}

static struct str states_text(struct arena *arena, const struct doc *status)
{
	static const char *const lists[] = { "initContainerStatuses", "containerStatuses" };
	struct str text = STR_NONE;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		doc_each_item(doc_get(status, str_of(lists[i])), container) {
			const struct doc *state = doc_key(container, "state");
			struct str word = doc_key(state, "running") ? STR("running")
					  : doc_key(state, "waiting")
						  ? doc_at_str(state, "waiting.reason")
						  : doc_at_str(state, "terminated.reason");

			text = str_format(arena, STR_FMT "%s" STR_FMT, STR_ARG(text),
					  text.len ? " " : "", STR_ARG(word));
		}
	return text;
}

static void every_situation_is_met(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(situations); i++) {
		const struct situation *s = &situations[i];
		struct arena *arena = arena_new(0);
		const struct doc *pod = parse(arena, s->pod);
		struct pod_seen seen = look(arena, s, pod);
		struct pod_plan plan;

		pod_decide(arena, pod, &seen, &pod_settings_default, now_s * NS_PER_S, &plan);
		struct str actions = actions_text(arena, &plan);
		struct str states = states_text(arena, plan.status);
		i64 wakes = plan.wake_ns == NEVER_NS ? -1 : plan.wake_ns / NS_PER_S - now_s;

		if (!str_is(actions, s->actions) || wakes != s->wakes_in_s ||
		    !str_is(doc_at_str(plan.status, "phase"), s->phase) ||
		    !str_is(states, s->states))
			fail_msg("%s: planned \"" STR_FMT "\" waking in %lld, " STR_FMT
				 ": " STR_FMT,
				 s->shows, STR_ARG(actions), (long long)wakes,
				 STR_ARG(doc_at_str(plan.status, "phase")), STR_ARG(states));
		arena_free(arena);
	}
}

static void back_off_doubles_and_is_forgotten(void **state)
{
	(void)state;
	static const struct {
		i64 delay_s, ran_s, wanted_s;
	} cases[] = {
		{ 0, 1, 10 }, { 10, 1, 20 }, { 160, 1, 300 }, { 300, 1, 300 }, { 300, 600, 10 }
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new(0);
		struct situation s = { .seen = "1", .ended_ago_s = 1000, .initialized = true };
		const struct doc *pod = parse(arena, ONE);
		struct pod_seen seen = look(arena, &s, pod);
		struct pod_plan plan;

		seen.containers[0].delay_ns = cases[i].delay_s * NS_PER_S;
		seen.containers[0].end.started_ns =
			seen.containers[0].end.finished_ns - cases[i].ran_s * NS_PER_S;
		pod_decide(arena, pod, &seen, &pod_settings_default, now_s * NS_PER_S, &plan);
		assert_int_equal(plan.actions.at[0].type, POD_RUN);
		assert_int_equal(plan.actions.at[0].delay_ns / NS_PER_S, cases[i].wanted_s);
		arena_free(arena);
	}
}

static void words_are_those_of_the_kubelet(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct situation s = {
		.seen = "1", .attempt = 4, .ended_ago_s = 5, .delay_s = 80, .initialized = true
	};
	const struct doc *pod = parse(arena, ONE);
	struct pod_seen seen = look(arena, &s, pod);
	struct pod_plan plan;

	pod_decide(arena, pod, &seen, &pod_settings_default, now_s * NS_PER_S, &plan);
	assert_str(doc_at_str(plan.status, "containerStatuses.0.state.waiting.message"),
		   "back-off 1m20s restarting failed container=a pod=p_d(u)");
	assert_str(doc_at_str(plan.status, "containerStatuses.0.lastState.terminated.reason"),
		   "Error");
	assert_int_equal(doc_at_int(plan.status, "containerStatuses.0.restartCount", 0), 4);
	assert_int_equal(plan.events.len, 1);
	assert_str(plan.events.at[0].message,
		   "Back-off restarting failed container a in pod p_d(u)");
	seen.containers[0].backoff_told = 5;
	pod_decide(arena, pod, &seen, &pod_settings_default, now_s * NS_PER_S, &plan);
	assert_int_equal(plan.events.len, 0);
	arena_free(arena);
}

static const struct doc *condition(const struct doc *status, const char *type)
{
	doc_each_item(doc_key(status, "conditions"), one)
		if (str_is(doc_at_str(one, "type"), type))
			return one;
	return NULL;
}

static void conditions_tell_who_is_missing(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct situation s = { .seen = "rn", .initialized = true };
	const struct doc *pod = parse(arena, TWO);
	struct pod_seen seen = look(arena, &s, pod);
	struct pod_plan plan;

	pod_decide(arena, pod, &seen, &pod_settings_default, now_s * NS_PER_S, &plan);
	const struct doc *ready = condition(plan.status, "Ready");

	assert_str(doc_at_str(ready, "status"), "False");
	assert_str(doc_at_str(ready, "reason"), "ContainersNotReady");
	assert_str(doc_at_str(ready, "message"), "containers with unready status: [b]");
	assert_str(doc_at_str(condition(plan.status, "Initialized"), "status"), "True");

	/* The time of a condition stays while it says the same. */
	pod = doc_set(arena, pod, "status", plan.status);
	seen.containers[1].ready = true;
	pod_decide(arena, pod, &seen, &pod_settings_default, (now_s + 60) * NS_PER_S, &plan);
	ready = condition(plan.status, "Ready");
	assert_str(doc_at_str(ready, "status"), "True");
	assert_str(doc_at_str(ready, "lastTransitionTime"), "2023-11-14T22:14:20Z");
	assert_str(doc_at_str(condition(plan.status, "Initialized"), "lastTransitionTime"),
		   "2023-11-14T22:13:20Z");
	arena_free(arena);
}

static void readiness_gates_hold_a_pod_back(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct situation s = { .seen = "r", .initialized = true };
	const struct doc *pod = doc_set(arena, parse(arena, ONE), "spec.readinessGates",
					parse(arena, "[{'conditionType':'example.com/up'}]"));
	struct pod_seen seen = look(arena, &s, pod);
	struct pod_plan plan;

	pod_decide(arena, pod, &seen, &pod_settings_default, now_s * NS_PER_S, &plan);
	assert_str(doc_at_str(condition(plan.status, "Ready"), "reason"), "ReadinessGatesNotReady");
	pod = doc_set(arena, pod, "status.conditions",
		      parse(arena, "[{'type':'example.com/up','status':'True'}]"));
	pod_decide(arena, pod, &seen, &pod_settings_default, now_s * NS_PER_S, &plan);
	assert_str(doc_at_str(condition(plan.status, "Ready"), "status"), "True");
	assert_non_null(condition(plan.status, "example.com/up"));
	arena_free(arena);
}

static void a_class_follows_from_resources(void **state)
{
	(void)state;
	static const struct {
		const char *resources, *class;
	} cases[] = {
		{ "{}", "BestEffort" },
		{ "{'requests':{'cpu':'1'}}", "Burstable" },
		{ "{'limits':{'cpu':'1','memory':'1Gi'}}", "Guaranteed" },
		{ "{'limits':{'cpu':'1','memory':'1Gi'},'requests':{'cpu':'1000m'}}",
		  "Guaranteed" },
		{ "{'limits':{'cpu':'1','memory':'1Gi'},'requests':{'cpu':'500m'}}", "Burstable" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new(0);
		const struct doc *pod =
			doc_set(arena, parse(arena, ONE), "spec.containers.0.resources",
				parse(arena, cases[i].resources));

		assert_str(pod_qos_class(pod), cases[i].class);
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_situation_is_met),
		cmocka_unit_test(back_off_doubles_and_is_forgotten),
		cmocka_unit_test(words_are_those_of_the_kubelet),
		cmocka_unit_test(conditions_tell_who_is_missing),
		cmocka_unit_test(readiness_gates_hold_a_pod_back),
		cmocka_unit_test(a_class_follows_from_resources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
