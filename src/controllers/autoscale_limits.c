/* How much of what the metrics ask for is done at once: windows, rates, smallest and largest. */
#include <math.h>
#include <string.h>

#include "base/timestamp.h"
#include "controllers/autoscale.h"

enum {
	SHRINK_WINDOW_S = 300, /* without a window of the author's */
	GROW_AT_ONCE = 4,      /* without rules: this many, or twice as many */
};

/* ---- memory */

enum { HEADER_BYTES = offsetof(struct autoscale_memory, recommendations) };

void autoscale_memory_read(struct autoscale_memory *memory, struct str kept)
{
	size_t first, second;

	*memory = (struct autoscale_memory){ .scaling_to = -1 };
	if (kept.len < HEADER_BYTES)
		return;
	memcpy(memory, kept.at, HEADER_BYTES);
	first = memory->recommendations_len * sizeof memory->recommendations[0];
	second = memory->changes_len * sizeof memory->changes[0];
	memcpy(memory->recommendations, kept.at + HEADER_BYTES, first);
	memcpy(memory->changes, kept.at + HEADER_BYTES + first, second);
}

struct str autoscale_memory_print(struct arena *arena, const struct autoscale_memory *memory)
{
	size_t first = memory->recommendations_len * sizeof memory->recommendations[0];
	size_t second = memory->changes_len * sizeof memory->changes[0];
	char *at = arena_alloc(arena, HEADER_BYTES + first + second);

	memcpy(at, memory, HEADER_BYTES);
	memcpy(at + HEADER_BYTES, memory->recommendations, first);
	memcpy(at + HEADER_BYTES + first, memory->changes, second);
	return (struct str){ at, HEADER_BYTES + first + second };
}

void autoscale_recommend(struct autoscale_memory *memory, i64 now_ns, i64 replicas)
{
	struct recommendation *at = memory->recommendations;
	u32 len = memory->recommendations_len;

	/* It lasts longer than its equal before it, which so says nothing any more. */
	if (len && at[len - 1].replicas == replicas) {
		at[len - 1].at_ns = now_ns;
		return;
	}
	if (len == RECOMMENDATIONS_MAX)
		memmove(at, at + 1, --len * sizeof *at);
	at[len++] = (struct recommendation){ now_ns, replicas };
	memory->recommendations_len = len;
}

void autoscale_changed(struct autoscale_memory *memory, i64 now_ns, i64 change)
{
	struct replica_change *at = memory->changes;

	if (memory->changes_len == CHANGES_MAX)
		memmove(at, at + 1, --memory->changes_len * sizeof *at);
	at[memory->changes_len++] = (struct replica_change){ now_ns, change };
}

/* Recommendations too old for any window go. */
static void forget(struct autoscale_memory *memory, i64 cutoff_ns)
{
	u32 old = 0;

	while (old < memory->recommendations_len && memory->recommendations[old].at_ns < cutoff_ns)
		old++;
	memory->recommendations_len -= old;
	memmove(memory->recommendations, memory->recommendations + old,
		memory->recommendations_len * sizeof memory->recommendations[0]);
}

/* ---- stabilizing */

struct range {
	i64 lowest, highest; /* of the recommendations within a window, `wanted` among them */
};

static struct range range_of(const struct autoscale_memory *memory, i64 cutoff_ns, i64 wanted)
{
	struct range range = { wanted, wanted };

	for (u32 i = 0; i < memory->recommendations_len; i++) {
		const struct recommendation *one = &memory->recommendations[i];

		if (one->at_ns <= cutoff_ns)
			continue;
		range.lowest = MIN(range.lowest, one->replicas);
		range.highest = MAX(range.highest, one->replicas);
	}
	return range;
}

static void stabilize(struct autoscale_memory *memory, const struct autoscale_limits *limits,
		      i64 wanted, struct verdict *verdict)
{
	const struct doc *behavior = limits->behavior;
	i64 up_s = doc_at_int(behavior, "scaleUp.stabilizationWindowSeconds", 0);
	i64 down_s = doc_at_int(behavior, "scaleDown.stabilizationWindowSeconds", SHRINK_WINDOW_S);
	i64 now_ns = limits->now_ns, stable = limits->current;
	bool growing = wanted >= limits->current;
	struct range up = range_of(memory, now_ns - up_s * NS_PER_S, wanted);
	struct range down = range_of(memory, now_ns - down_s * NS_PER_S, wanted);

	stable = MIN(MAX(stable, up.lowest), down.highest);
	if (!behavior) /* of old: the highest of the window, whatever there is now */
		stable = down.highest;
	autoscale_recommend(memory, now_ns, wanted);
	forget(memory, now_ns - MAX(up_s, down_s) * NS_PER_S);
	verdict->replicas = stable;
	verdict->stable_reason = "ReadyForNewScale";
	verdict->stable_message = "recommended size matches current size";
	if (stable == wanted)
		return;
	growing = growing && behavior;
	verdict->stable_reason = growing ? "ScaleUpStabilized" : "ScaleDownStabilized";
	verdict->stable_message =
		growing ? "recent recommendations were lower than current one, applying the "
			  "lowest recent recommendation"
			: "recent recommendations were higher than current one, applying the "
			  "highest recent recommendation";
}

/* ---- rates */

/* How many there were when the period began. */
static i64 at_start(const struct autoscale_memory *memory, const struct autoscale_limits *limits,
		    i64 period_s)
{
	i64 replicas = limits->current;

	for (u32 i = 0; i < memory->changes_len; i++)
		if (memory->changes[i].at_ns > limits->now_ns - period_s * NS_PER_S)
			replicas -= memory->changes[i].change;
	return replicas;
}

static i64 policy_limit(const struct autoscale_memory *memory,
			const struct autoscale_limits *limits, const struct doc *policy, bool up)
{
	i64 before = at_start(memory, limits, doc_at_int(policy, "periodSeconds", 0));
	i64 value = doc_at_int(policy, "value", 0);

	if (str_is(doc_at_str(policy, "type"), "Pods"))
		return up ? before + value : before - value;
	/* Growing rounds up, so that one pod can become two at ten percent. */
	return up ? (i64)ceil((double)before * (1 + (double)value / 100))
		  : (i64)((double)before * (1 - (double)value / 100));
}

/* As far as the policies of one direction let it go. */
static i64 rate_limit(const struct autoscale_memory *memory, const struct autoscale_limits *limits,
		      bool up)
{
	const struct doc *rules = doc_at(limits->behavior, up ? "scaleUp" : "scaleDown");
	struct str select = doc_at_str(rules, "selectPolicy");
	bool least = str_is(select, "Min"), any = false;
	i64 result = limits->current;

	if (str_is(select, "Disabled"))
		return limits->current;
	doc_each_item(doc_key(rules, "policies"), policy) {
		i64 one = policy_limit(memory, limits, policy, up);

		/* The least change is the lowest limit when growing, the highest when shrinking. */
		if (!any)
			result = one;
		else
			result = up == least ? MIN(result, one) : MAX(result, one);
		any = true;
	}
	return up ? MAX(result, limits->current) : MIN(result, limits->current);
}

static void limit(struct verdict *verdict, bool limited, i64 replicas, const char *reason,
		  const char *message)
{
	verdict->limited = limited;
	verdict->limit_reason = limited ? reason : "DesiredWithinRange";
	verdict->limit_message =
		limited ? message : "the desired count is within the acceptable range";
	if (limited)
		verdict->replicas = replicas;
}

#define TOO_FAST "the desired replica count is increasing faster than the maximum scale rate"
#define TOO_MANY "the desired replica count is more than the maximum replica count"
#define TOO_FEW "the desired replica count is less than the minimum replica count"

static void limit_without_rules(const struct autoscale_limits *limits, struct verdict *verdict)
{
	i64 fastest = MAX(2 * limits->current, (i64)GROW_AT_ONCE);
	i64 wanted = verdict->replicas, most = MIN(limits->max, fastest);

	if (wanted < limits->min)
		limit(verdict, true, limits->min, "TooFewReplicas", TOO_FEW);
	else if (limits->max > fastest)
		limit(verdict, wanted > most, most, "ScaleUpLimit", TOO_FAST);
	else
		limit(verdict, wanted > most, most, "TooManyReplicas", TOO_MANY);
}

static void limit_by_rules(const struct autoscale_memory *memory,
			   const struct autoscale_limits *limits, struct verdict *verdict)
{
	i64 wanted = verdict->replicas;
	bool up = wanted > limits->current;
	i64 rate = rate_limit(memory, limits, up);

	if (wanted == limits->current)
		limit(verdict, false, wanted, NULL, NULL);
	else if (up && limits->max > rate)
		limit(verdict, wanted > rate, rate, "ScaleUpLimit", TOO_FAST);
	else if (up)
		limit(verdict, wanted > limits->max, limits->max, "TooManyReplicas", TOO_MANY);
	else if (limits->min < rate)
		limit(verdict, wanted < rate, rate, "ScaleDownLimit",
		      "the desired replica count is decreasing faster than the maximum scale rate");
	else
		limit(verdict, wanted < limits->min, limits->min, "TooFewReplicas", TOO_FEW);
}

struct verdict autoscale_judge(struct autoscale_memory *memory,
			       const struct autoscale_limits *limits, i64 wanted)
{
	struct verdict verdict = { 0 };

	stabilize(memory, limits, wanted, &verdict);
	if (limits->behavior)
		limit_by_rules(memory, limits, &verdict);
	else
		limit_without_rules(limits, &verdict);
	return verdict;
}
