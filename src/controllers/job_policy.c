/* Job: what a failed pod means (podFailurePolicy), and when enough has succeeded (successPolicy).
 */
#include "controllers/job.h"
#include "controllers/pod.h"

static bool code_matches(const struct doc *rule, i64 code)
{
	bool listed = false;
	doc_each_item(doc_key(rule, "values"), value) {
		listed = listed || doc_int_or(value, -1) == code;
	}
	bool in = str_is(doc_str(doc_key(rule, "operator")), "In");
	return code != 0 && listed == in;
}

/* The first container whose exit status fits, or NULL. */
static const struct doc *match_exit_codes(const struct doc *pod, const struct doc *rule)
{
	static const char *const lists[] = { AT(Pod, status.containerStatuses),
					     AT(Pod, status.initContainerStatuses) };
	struct str wanted = doc_str(doc_key(rule, "containerName"));
	for (u32 i = 0; i < ARRAY_LEN(lists); i++) {
		doc_each_item(doc_at(pod, lists[i]), container) {
			const struct doc *ended = doc_at(container, "state.terminated");
			if (!ended ||
			    (wanted.len && !str_eq(wanted, doc_str(doc_key(container, "name")))))
				continue;
			if (code_matches(rule, doc_int_or(doc_key(ended, "exitCode"), 0)))
				return container;
		}
	}
	return NULL;
}

static const struct doc *match_conditions(const struct doc *pod, const struct doc *patterns)
{
	doc_each_item(doc_at(pod, AT(Pod, status.conditions)), condition) {
		doc_each_item(patterns, pattern) {
			if (str_eq(doc_str(doc_key(condition, "type")),
				   doc_str(doc_key(pattern, "type"))) &&
			    str_eq(doc_str(doc_key(condition, "status")),
				   doc_str(doc_key(pattern, "status"))))
				return condition;
		}
	}
	return NULL;
}

static struct job_verdict verdict_of(const struct doc *rule, struct str message)
{
	static const char *const actions[] = { "Ignore", "FailIndex", "Count", "FailJob" };
	struct str action = doc_str(doc_key(rule, "action"));
	struct job_verdict verdict = { .counts = !str_is(action, "Ignore") };
	for (u32 i = 0; i < ARRAY_LEN(actions); i++)
		if (str_is(action, actions[i]))
			verdict.action = actions[i];
	if (str_is(action, "FailJob"))
		verdict.message = message;
	return verdict;
}

struct job_verdict job_judge(const struct job *job, const struct version *pod)
{
	const struct doc *rules = doc_at(job->spec, "podFailurePolicy.rules");
	int at = 0;
	doc_each_item(rules, rule) {
		const struct doc *codes = doc_key(rule, "onExitCodes"), *found;
		struct str message = STR_NONE;
		if (codes && (found = match_exit_codes(pod->doc, codes))) {
			message = str_format(
				job->arena,
				"Container " STR_FMT " for pod " STR_FMT "/" STR_FMT
				" failed with exit code %lld matching FailJob rule at index %d",
				STR_ARG(doc_str(doc_key(found, "name"))), STR_ARG(pod->namespace),
				STR_ARG(pod->name),
				(long long)doc_at_int(found, "state.terminated.exitCode", 0), at);
			return verdict_of(rule, message);
		}
		found = codes ? NULL : match_conditions(pod->doc, doc_key(rule, "onPodConditions"));
		if (found) {
			message = str_format(job->arena,
					     "Pod " STR_FMT "/" STR_FMT " has condition " STR_FMT
					     " matching FailJob rule at index %d",
					     STR_ARG(pod->namespace), STR_ARG(pod->name),
					     STR_ARG(doc_str(doc_key(found, "type"))), at);
			return verdict_of(rule, message);
		}
		at++;
	}
	return (struct job_verdict){ .counts = true };
}

i64 job_index_failures(const struct doc *pod, const char *annotation)
{
	i64 count = 0;
	struct str text =
		doc_str(doc_get(doc_at(pod, AT(Pod, metadata.annotations)), str_of(annotation)));
	return str_to_i64(text, &count) ? count : 0;
}

bool job_index_failed(const struct job *job, const struct version *pod)
{
	struct job_verdict verdict = job_judge(job, pod);
	if (str_is(str_of(verdict.action), "FailIndex"))
		return true;
	return verdict.counts && job_index_failures(pod->doc, JOB_INDEX_FAILURES) >=
					 doc_int_or(doc_key(job->spec, "backoffLimitPerIndex"), 0);
}

bool job_success_policy(const struct job *job, struct str *ret_message)
{
	int at = 0;
	doc_each_item(doc_at(job->spec, "successPolicy.rules"), rule) {
		struct str indexes = doc_str(doc_key(rule, "succeededIndexes"));
		i64 count = doc_int_or(doc_key(rule, "succeededCount"), -1), have, needed = count;
		if (indexes.len) {
			struct index_set wanted =
				index_set_parse(job->arena, indexes, job->completions);
			have = index_set_common(&wanted, &job->succeeded_at);
			needed = count >= 0 ? count : index_set_total(&wanted);
		} else {
			have = index_set_total(&job->succeeded_at);
		}
		if (needed > 0 && have >= needed) {
			*ret_message = str_format(job->arena, "Matched rules at index %d", at);
			return true;
		}
		at++;
	}
	return false;
}
