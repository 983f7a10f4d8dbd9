/* Rules of what makes pods from a template: the template must be one that the selector finds. */
#include "schema/check.h"
#include "schema/cron.h"
#include "schema/rules.h"
#include "schema/selector.h"

static const char *const only_always[] = { "Always", NULL };

/* spec.template against the selector, in the words users know. */
static void check_template(struct check *c, const struct doc *object,
			   const struct selector *selector)
{
	const struct doc *labels = doc_at(object, "spec.template.metadata.labels");
	struct str policy = doc_at_str(object, "spec.template.spec.restartPolicy");

	if (selector && !selector_matches(selector, labels))
		check_invalid_raw(c, "spec.template.metadata.labels",
				  check_go_map(c->arena, labels),
				  "`selector` does not match template `labels`");
	if (policy.len && !str_is(policy, "Always"))
		check_unsupported(c, "spec.template.spec.restartPolicy", policy, only_always);
	if (doc_at(object, "spec.template.spec.activeDeadlineSeconds"))
		check_forbidden(c, "spec.template.spec.activeDeadlineSeconds",
				"activeDeadlineSeconds in ReplicaSet is not Supported");
}

/* The selector of the apps kinds: there, not empty, and finding the template. */
static void check_selector(struct check *c, const struct doc *object, const char *word)
{
	const struct doc *at = doc_at(object, "spec.selector");
	struct selector *selector = NULL;

	if (at && doc_len(doc_key(at, "matchLabels")) == 0 &&
	    doc_len(doc_key(at, "matchExpressions")) == 0)
		check_invalid_raw(c, "spec.selector", check_go_selector(c->arena, at),
				  "empty selector is invalid for %s", word);
	if (at && selector_from_doc(c->arena, at, &selector, NULL) != ST_OK)
		selector = NULL; /* the selector's own check has said what is wrong */
	check_template(c, object, selector);
}

RULE_CHECK(replication_controller_check)
{
	const struct doc *selector = doc_at(value, "spec.selector");

	(void)old;
	if (doc_len(selector) == 0)
		check_required(c, "spec.selector", "");
	check_template(c, value, doc_len(selector) ? selector_from_map(c->arena, selector) : NULL);
}

RULE_CHECK(replica_set_check)
{
	(void)old;
	check_selector(c, value, "deployment");
}

/* ---- deployments */

static bool is_zero(const struct doc *amount)
{
	return amount && (doc_int_or(amount, 1) == 0 || str_is(doc_str(amount), "0%"));
}

/* A percentage over 100 makes no sense of pods that may be missing. */
static void check_percent(struct check *c, const char *child, const struct doc *amount)
{
	struct str text = doc_str(amount);
	i64 percent;

	if (text.len > 1 && str_to_i64(str_part(text, 0, text.len - 1), &percent) && percent > 100)
		check_invalid(c, child, amount, "must not be greater than 100%%");
}

static void check_rolling(struct check *c, const struct doc *rolling)
{
	const struct doc *missing = doc_key(rolling, "maxUnavailable");

	if (is_zero(missing) && is_zero(doc_key(rolling, "maxSurge")))
		check_invalid(c, "maxUnavailable", missing, "may not be 0 when `maxSurge` is 0");
	check_percent(c, "maxUnavailable", missing);
}

static void check_strategy(struct check *c, const struct doc *strategy)
{
	struct str type = doc_at_str(strategy, "type");
	const struct doc *rolling = doc_key(strategy, "rollingUpdate");

	check_enter(c, "spec.strategy");
	if (str_is(type, "Recreate") && rolling)
		check_forbidden(c, "rollingUpdate",
				"may not be specified when strategy `type` is 'Recreate'");
	check_enter(c, "rollingUpdate");
	if (str_is(type, "RollingUpdate"))
		check_rolling(c, rolling);
	check_leave(c);
	check_leave(c);
}

RULE_CHECK(deployment_check)
{
	const struct doc *deadline = doc_at(value, "spec.progressDeadlineSeconds");

	(void)old;
	check_selector(c, value, "deployment");
	check_strategy(c, doc_at(value, "spec.strategy"));
	if (deadline && doc_int_or(deadline, 0) <= doc_at_int(value, "spec.minReadySeconds", 0))
		check_invalid(c, "spec.progressDeadlineSeconds", deadline,
			      "must be greater than minReadySeconds");
}

RULE_CHECK(daemon_set_check)
{
	const struct doc *rolling = doc_at(value, "spec.updateStrategy.rollingUpdate");

	(void)old;
	check_selector(c, value, "daemonset");
	if (!rolling)
		return;
	check_enter(c, "spec.updateStrategy.rollingUpdate");
	bool surge = !is_zero(doc_key(rolling, "maxSurge"));
	bool missing = !is_zero(doc_key(rolling, "maxUnavailable"));

	if (surge && missing && doc_key(rolling, "maxSurge"))
		check_invalid(c, "maxSurge", doc_key(rolling, "maxSurge"),
			      "may not be set when maxUnavailable is non-zero");
	else if (!surge && !missing)
		check_required(c, "maxUnavailable", "cannot be 0 when maxSurge is 0");
	check_percent(c, "maxUnavailable", doc_key(rolling, "maxUnavailable"));
	check_leave(c);
}

/* ---- stateful sets */

static const struct doc *without_changeable(struct check *c, const struct doc *spec)
{
	static const char *const changeable[] = {
		"replicas",
		"ordinals",
		"template",
		"updateStrategy",
		"revisionHistoryLimit",
		"persistentVolumeClaimRetentionPolicy",
		"minReadySeconds",
		"selector", /* the table says that it is immutable */
	};

	for (u32 i = 0; i < ARRAY_LEN(changeable); i++)
		spec = doc_with(c->arena, spec, str_of(changeable[i]), NULL);
	return spec;
}

RULE_CHECK(stateful_set_check)
{
	check_selector(c, value, "statefulset");
	if (old && !doc_eq(without_changeable(c, doc_key(value, "spec")),
			   without_changeable(c, doc_key(old, "spec"))))
		check_forbidden(c, "spec",
				"updates to statefulset spec for fields other than 'replicas', "
				"'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
				"'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are "
				"forbidden");
}

/* ---- jobs */

static void check_job_template(struct check *c, const char *path, const struct doc *template)
{
	static const char *const policies[] = { "OnFailure", "Never", NULL };
	struct str policy = doc_at_str(template, "spec.restartPolicy");

	check_enter(c, path);
	if (!str_is(policy, "OnFailure") && !str_is(policy, "Never"))
		check_unsupported(c, "spec.restartPolicy", policy, policies);
	check_leave(c);
}

/* What only makes sense when every pod has an index. */
static void check_job_indexes(struct check *c, const struct doc *spec)
{
	static const char needs_index[] = "requires indexed completion mode";
	static const char *const fields[] = { "backoffLimitPerIndex", "successPolicy" };
	bool indexed = str_is(doc_str(doc_key(spec, "completionMode")), "Indexed");
	const struct doc *completions = doc_key(spec, "completions");
	const struct doc *failed = doc_key(spec, "maxFailedIndexes");

	if (indexed && !completions)
		check_required(c, "completions", "when completion mode is Indexed");
	for (u32 i = 0; i < ARRAY_LEN(fields); i++)
		if (!indexed && doc_get(spec, str_of(fields[i])))
			check_invalid(c, fields[i], doc_get(spec, str_of(fields[i])), "%s",
				      needs_index);
	if (failed && !doc_key(spec, "backoffLimitPerIndex"))
		check_required(c, "backoffLimitPerIndex", "when maxFailedIndexes is specified");
	if (failed && completions && doc_int_or(failed, 0) > doc_int_or(completions, 0))
		check_invalid(c, "maxFailedIndexes", failed,
			      "must be less than or equal to completions");
}

static void check_job_failures(struct check *c, const struct doc *spec)
{
	static const char *const replacements[] = { "Failed", NULL };
	struct str restart = doc_at_str(spec, "template.spec.restartPolicy");
	struct str replacement = doc_str(doc_key(spec, "podReplacementPolicy"));
	u32 at = 0;

	if (!doc_key(spec, "podFailurePolicy"))
		return;
	if (str_is(restart, "OnFailure"))
		check_invalid_str(c, "template.spec.restartPolicy", restart,
				  "only \"Never\" is supported when podFailurePolicy is specified");
	if (replacement.len && !str_is(replacement, "Failed"))
		check_unsupported(c, "podReplacementPolicy", replacement, replacements);
	check_enter(c, "podFailurePolicy.rules");
	doc_each_item(doc_at(spec, "podFailurePolicy.rules"), rule) {
		check_enter_item(c, at++);
		if (str_is(doc_str(doc_key(rule, "action")), "FailIndex") &&
		    !doc_key(spec, "backoffLimitPerIndex"))
			check_invalid_str(c, "action", STR("FailIndex"),
					  "requires the backoffLimitPerIndex to be set");
		if (!doc_key(rule, "onExitCodes") == !doc_len(doc_key(rule, "onPodConditions")))
			check_invalid(c, "", rule,
				      "specifying one of OnExitCodes and OnPodConditions is "
				      "required");
		check_leave(c);
	}
	check_leave(c);
}

static void check_job_spec(struct check *c, const char *path, const struct doc *spec)
{
	check_enter(c, path);
	check_job_template(c, "template", doc_key(spec, "template"));
	check_job_indexes(c, spec);
	check_job_failures(c, spec);
	check_leave(c);
}

/* What a Job was made for cannot be changed while it runs. */
static void check_job_unchanged(struct check *c, const struct doc *value, const struct doc *old)
{
	static const char *const kept[] = { "spec.completionMode", "spec.selector",
					    "spec.podFailurePolicy", "spec.backoffLimitPerIndex",
					    "spec.successPolicy" };

	for (u32 i = 0; i < ARRAY_LEN(kept); i++)
		check_immutable(c, kept[i], doc_at(value, kept[i]), doc_at(old, kept[i]));
	/* An Indexed Job may grow or shrink as long as all its pods run at once. */
	if (!str_is(doc_at_str(value, "spec.completionMode"), "Indexed") ||
	    doc_at_int(value, "spec.completions", 0) != doc_at_int(value, "spec.parallelism", 0))
		check_immutable(c, "spec.completions", doc_at(value, "spec.completions"),
				doc_at(old, "spec.completions"));
}

RULE_CHECK(job_check)
{
	check_job_spec(c, "spec", doc_key(value, "spec"));
	if (old)
		check_job_unchanged(c, value, old);
	if (!old || doc_at_bool(old, "spec.suspend", false))
		return;
	check_immutable(c, "spec.template", doc_at(value, "spec.template"),
			doc_at(old, "spec.template"));
}

RULE_CHECK(cron_job_check)
{
	enum { CRON_NAME_MAX = 52 }; /* its jobs get eleven characters more */
	struct str name = doc_at_str(value, "metadata.name");

	struct str schedule = doc_at_str(value, "spec.schedule");
	struct error error = ERROR_INIT;
	struct cron cron;

	if (str_find(schedule, STR("TZ")) >= 0)
		check_invalid_str(c, "spec.schedule", schedule,
				  "cannot use TZ or CRON_TZ in schedule, use timeZone field "
				  "instead");
	else if (schedule.len && cron_parse(c->arena, schedule, &cron, &error) != ST_OK)
		check_invalid_str(c, "spec.schedule", schedule, "%s", error.message);
	if (!old && name.len > CRON_NAME_MAX)
		check_invalid_str(c, "metadata.name", name, "must be no more than 52 characters");
	check_job_spec(c, "spec.jobTemplate.spec", doc_at(value, "spec.jobTemplate.spec"));
}

RULE_CHECK(scale_check)
{
	const struct doc *replicas = doc_at(value, "spec.replicas");

	(void)old;
	if (doc_int_or(replicas, 0) < 0)
		check_invalid(c, "spec.replicas", replicas, "must be greater than or equal to 0");
}
