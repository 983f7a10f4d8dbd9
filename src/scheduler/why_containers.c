/* Containers that do not run or are not ready: images, crashes, probes, readiness gates. */
#include "base/timestamp.h"
#include "controllers/pod.h"
#include "scheduler/why.h"

static struct str name_of(const struct doc *status)
{
	return doc_str(doc_key(status, "name"));
}

static void say_image(struct why *why, const struct doc *status, const struct doc *waiting)
{
	/* "Back-off pulling" hides what the registry said; the event has it. */
	struct str message = doc_str(doc_key(waiting, "message"));
	const struct doc *event = why_event(why, "Failed");
	struct str said = doc_at_str(event, "message");
	if (str_starts(message, STR("Back-off")) && str_starts(said, STR("Failed to pull")))
		message = said;
	why_add(why, "image", STR_NONE,
		WHY(why, "container " STR_FMT " has no image: " STR_FMT, STR_ARG(name_of(status)),
		    STR_ARG(message.len ? message : doc_str(doc_key(waiting, "reason")))),
		WHY(why,
		    "Is \"" STR_FMT
		    "\" spelt right, is the registry reachable, does it ask for a pull secret?",
		    STR_ARG(doc_str(doc_key(status, "image")))));
}

/* When a crashing container is started again, from what its status says of the pause. */
static struct str next_try(struct why *why, const struct doc *ended, struct str message)
{
	i64 at = str_find(message, STR("back-off ")), then;
	struct str pause = at < 0 ? STR_NONE : str_from(message, (size_t)at + 9);
	i64 minutes = 0, seconds = 0;
	if (!pause.len || !timestamp_parse(doc_str(doc_key(ended, "finishedAt")), &then))
		return STR_NONE;
	for (i64 number = 0; pause.len; pause = str_from(pause, 1)) {
		char c = pause.at[0];
		if (c >= '0' && c <= '9') {
			number = number * 10 + c - '0';
			continue;
		}
		minutes += c == 'm' ? number : 0;
		seconds += c == 's' ? number : 0;
		number = 0;
		if (c != 'm')
			break;
	}
	i64 left = then / NS_PER_S + minutes * 60 + seconds - why->view->now_ns / NS_PER_S;
	if (left <= 0)
		return STR("; it is started again in a moment");
	return WHY(why, "; it is started again in %lld s", (long long)left);
}

static struct str how_it_ended(struct why *why, const struct doc *ended)
{
	i64 code = doc_int_or(doc_key(ended, "exitCode"), 0);
	struct str reason = doc_str(doc_key(ended, "reason"));
	struct str message = str_trim(doc_str(doc_key(ended, "message")));
	if (str_is(reason, "OOMKilled"))
		return STR("it used more memory than its limit and was killed");
	return WHY(why, "exit code %lld%s%s%s", (long long)code,
		   code == 137	 ? " (killed)"
		   : code == 127 ? " (command not found)"
				 : "",
		   message.len ? ": " : "", message.len ? str_c(why->arena, message) : "");
}

static void say_crash(struct why *why, const struct doc *status, const struct doc *ended,
		      struct str message)
{
	bool memory = str_is(doc_str(doc_key(ended, "reason")), "OOMKilled");
	i64 restarts = doc_int_or(doc_key(status, "restartCount"), 0);
	why_add(why, "crash", STR_NONE,
		WHY(why, "container " STR_FMT " ended, %s, after %lld restart(s)" STR_FMT,
		    STR_ARG(name_of(status)), str_c(why->arena, how_it_ended(why, ended)),
		    (long long)restarts, STR_ARG(next_try(why, ended, message))),
		memory ? STR("Raise resources.limits.memory, or make it use less.")
		       : WHY(why, "Read its last words: minke logs " STR_FMT " -c " STR_FMT "%s",
			     STR_ARG(why->pod->name), STR_ARG(name_of(status)),
			     restarts ? " --previous" : ""));
	why->log_container = name_of(status);
	why->log_previous = !doc_at(status, "state.terminated");
}

static void say_not_ready(struct why *why, const struct doc *status, const struct doc *spec)
{
	const struct doc *event = why_event(why, "Unhealthy");
	struct str said = doc_at_str(event, "message");
	bool starting =
		doc_key(spec, "startupProbe") && !doc_bool_or(doc_key(status, "started"), false);
	if (!doc_key(spec, "readinessProbe") && !starting)
		return;
	why_add(why, "probe", STR_NONE,
		WHY(why, "container " STR_FMT " runs, but its %s probe has not succeeded%s" STR_FMT,
		    STR_ARG(name_of(status)), starting ? "startup" : "readiness",
		    said.len ? ": " : "", STR_ARG(said)),
		STR("Does it listen where the probe asks? Its logs may say more."));
	why->log_container = name_of(status);
}

static const struct doc *by_name(const struct doc *list, struct str name)
{
	doc_each_item(list, item) {
		if (str_eq(name_of(item), name))
			return item;
	}
	return NULL;
}

static void say_waiting(struct why *why, const struct doc *status)
{
	const struct doc *waiting = doc_at(status, "state.waiting");
	const struct doc *last = doc_at(status, "lastState.terminated");
	struct str reason = doc_str(doc_key(waiting, "reason"));
	struct str message = doc_str(doc_key(waiting, "message"));
	if (str_find(reason, STR("Image")) >= 0 || str_is(reason, "ErrImagePull"))
		return say_image(why, status, waiting);
	if (str_is(reason, "CrashLoopBackOff") || last)
		return say_crash(why, status, last, message);
	if (!message.len && (str_is(reason, "ContainerCreating") ||
			     str_is(reason, "PodInitializing") || !reason.len))
		return;
	if (why->reasons.len && str_is(reason, "CreateContainerConfigError"))
		return; /* what is missing has been said already */
	why_add(why, "start", STR_NONE,
		WHY(why, "container " STR_FMT " cannot start: " STR_FMT "%s" STR_FMT,
		    STR_ARG(name_of(status)), STR_ARG(reason), message.len ? ": " : "",
		    STR_ARG(message)),
		STR_NONE);
}

static void say_container(struct why *why, const struct doc *status, const struct doc *specs,
			  bool init)
{
	const struct doc *ended = doc_at(status, "state.terminated");
	if (doc_at(status, "state.waiting")) {
		say_waiting(why, status);
	} else if (ended) {
		if (!init || doc_int_or(doc_key(ended, "exitCode"), 0))
			say_crash(why, status, ended, STR_NONE);
	} else if (init) {
		if (!str_is(doc_str(doc_key(by_name(specs, name_of(status)), "restartPolicy")),
			    "Always"))
			why_add(why, "start", STR_NONE,
				WHY(why, "init container " STR_FMT " has not ended yet",
				    STR_ARG(name_of(status))),
				STR("The others start when it has: its logs tell what it does."));
	} else if (!doc_bool_or(doc_key(status, "ready"), false)) {
		say_not_ready(why, status, by_name(specs, name_of(status)));
	}
}

void why_containers(struct why *why)
{
	const struct doc *spec = doc_key(why->doc, "spec"), *status = doc_key(why->doc, "status");
	doc_each_item(doc_key(status, "initContainerStatuses"), one) {
		say_container(why, one, doc_key(spec, "initContainers"), true);
	}
	doc_each_item(doc_key(status, "containerStatuses"), one) {
		say_container(why, one, doc_key(spec, "containers"), false);
	}
	doc_each_item(doc_key(spec, "readinessGates"), gate) {
		struct str type = doc_str(doc_key(gate, "conditionType"));
		if (!condition_is(why->doc, str_c(why->arena, type), "True"))
			why_add(why, "gate", STR_NONE,
				WHY(why, "its readiness gate " STR_FMT " is not True",
				    STR_ARG(type)),
				STR("Whoever watches that condition has to set it."));
	}
}
