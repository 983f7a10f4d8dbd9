/* The arithmetic of autoscaling, case by case as upstream documents and tests it. */
#include "../unit.h"

#include "controllers/autoscale.h"
#include "doc/json.h"

static struct arena *arena;

static int up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* One word a pod: "300/1000" uses and asked for, thousandths; "unready/1000", "missing/1000". */
static struct proposal ask(const char *pods, i64 current, struct aim aim)
{
	struct sample samples[64];
	struct proposal proposal = { -1, -1, -1 };
	struct str rest = str_of(pods);
	struct error error = ERROR_INIT;
	u32 len = 0;

	aim.tolerance = aim.tolerance.up > 0 ? aim.tolerance : (struct tolerance){ 0.1, 0.1 };
	while (rest.at) {
		struct str request = str_cut(&rest, ' '), value = str_cut(&request, '/');
		struct sample *s = &samples[len++];

		*s = (struct sample){ .state = str_is(value, "unready")	  ? SAMPLE_UNREADY
					       : str_is(value, "missing") ? SAMPLE_MISSING
									  : SAMPLE_READY };
		assert_true(str_to_i64(request, &s->request));
		assert_true(s->state != SAMPLE_READY || str_to_i64(value, &s->value));
	}
	if (autoscale_by_samples(samples, len, current, &aim, &proposal, &error) != ST_OK)
		assert_string_equal(error.message, "did not receive metrics for targeted pods "
						   "(pods might be unready)");
	return proposal;
}

static struct aim percent(i64 target)
{
	return (struct aim){ .percent = true, .target = target };
}

static struct aim average(i64 milli)
{
	return (struct aim){ .target = milli };
}

static void grows_and_shrinks_with_the_use(void **state)
{
	(void)state;
	assert_int_equal(ask("300/1000 500/1000 700/1000", 3, percent(30)).replicas, 5);
	assert_int_equal(
		ask("100/1000 300/1000 500/1000 250/1000 250/1000", 5, percent(50)).replicas, 3);
	struct proposal p = ask("1010/1000 1030/1000 1020/1000", 3, percent(100));

	assert_int_equal(p.replicas, 3); /* within ten percent */
	assert_int_equal(p.percent, 102);
	assert_int_equal(p.average_milli, 1020);
}

static void an_average_needs_no_requests(void **state)
{
	(void)state;
	assert_int_equal(ask("20000/0 10000/0 30000/0", 3, average(15000)).replicas, 4);
	assert_int_equal(ask("12000/0 12000/0 12000/0 12000/0 12000/0", 5, average(20000)).replicas,
			 3);
}

static void unready_pods_dampen_growth(void **state)
{
	(void)state;
	/* Without the two unready ones it would be 5; they count as using nothing. */
	assert_int_equal(ask("unready/1000 unready/1000 700/1000", 3, percent(30)).replicas, 3);
	assert_int_equal(ask("unready/1000 500/1000 700/1000", 3, percent(30)).replicas, 4);
	/* Shrinking does not wait for them, nor count them. */
	assert_int_equal(ask("100/1000 100/1000 unready/1000", 3, percent(50)).replicas, 1);
	assert_int_equal(ask("unready/1000 unready/1000", 2, percent(50)).replicas, -1);
}

static void missing_numbers_speak_against_the_change(void **state)
{
	(void)state;
	/* Growing: they use nothing, and that may cancel it. */
	assert_int_equal(ask("1000/1000 missing/1000", 2, percent(60)).replicas, 2);
	assert_int_equal(ask("1000/1000 1000/1000 missing/1000", 3, percent(30)).replicas, 7);
	/* Shrinking: they use all they asked for. */
	assert_int_equal(ask("100/1000 100/1000 missing/1000", 3, percent(60)).replicas, 2);
	assert_int_equal(ask("400/1000 missing/1000", 2, percent(60)).replicas, 2);
	/* … or the target, when that is beyond it. */
	assert_int_equal(ask("1500/1000 missing/1000", 2, percent(200)).replicas, 2);
	/* Without requests: the target itself. */
	assert_int_equal(ask("5000/0 missing/0", 2, average(10000)).replicas, 2);
	assert_int_equal(ask("2000/0 2000/0 missing/0", 3, average(10000)).replicas, 2);
}

static void a_tolerance_for_each_direction(void **state)
{
	struct aim aim = percent(100);

	(void)state;
	aim.tolerance = (struct tolerance){ .up = 0.5, .down = 0.01 };
	assert_int_equal(ask("1400/1000 1400/1000", 2, aim).replicas, 2);
	assert_int_equal(ask("1600/1000 1600/1000", 2, aim).replicas, 4);
	assert_int_equal(ask("490/1000 490/1000", 2, aim).replicas, 1);
}

/* ---- windows and rates */

static struct autoscale_memory memory;
static i64 now_ns;

static struct verdict judge(const char *behavior, i64 min, i64 current, i64 max, i64 wanted)
{
	const struct doc *rules = NULL;
	char *text = (char *)str_c(arena, str_of(behavior ? behavior : "null"));

	for (char *p = text; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	assert_int_equal(json_parse(arena, str_of(text), &rules, NULL), ST_OK);
	struct autoscale_limits limits = { min, max, current, now_ns, behavior ? rules : NULL };

	return autoscale_judge(&memory, &limits, wanted);
}

static void begin(void)
{
	now_ns = 1000000 * NS_PER_S;
	autoscale_memory_read(&memory, STR_NONE);
}

static void without_rules_it_doubles_at_most_and_shrinks_late(void **state)
{
	(void)state;
	begin();
	struct verdict v = judge(NULL, 1, 3, 100, 50);

	assert_int_equal(v.replicas, 6);
	assert_true(v.limited);
	assert_string_equal(v.limit_reason, "ScaleUpLimit");
	assert_int_equal(judge(NULL, 1, 1, 100, 50).replicas, 4);
	v = judge(NULL, 1, 6, 10, 50);
	assert_int_equal(v.replicas, 10);
	assert_string_equal(v.limit_reason, "TooManyReplicas");
	now_ns += 100 * NS_PER_S;
	v = judge(NULL, 1, 10, 10, 2);
	assert_int_equal(v.replicas, 10);
	assert_string_equal(v.stable_reason, "ScaleDownStabilized");
	now_ns += 201 * NS_PER_S;
	v = judge(NULL, 3, 10, 10, 2);
	assert_int_equal(v.replicas, 3);
	assert_string_equal(v.limit_reason, "TooFewReplicas");
	assert_string_equal(v.stable_reason, "ReadyForNewScale");
	begin();
	v = judge(NULL, 1, 3, 10, 3);
	assert_false(v.limited);
	assert_string_equal(v.limit_reason, "DesiredWithinRange");
}

#define DEFAULTS                                                                                   \
	"{'scaleUp':{'stabilizationWindowSeconds':0,'selectPolicy':'Max','policies':[{'type':"     \
	"'Pods','value':4,'periodSeconds':15},{'type':'Percent','value':100,'periodSeconds':15}]"  \
	"},'scaleDown':{'selectPolicy':'Max','policies':[{'type':'Percent','value':100,"           \
	"'periodSeconds':15}]}}"

static void the_documented_defaults_of_rules(void **state)
{
	i64 replicas = 1;

	(void)state;
	/* Towards 100, every 15 s, as the documentation of behavior counts it. */
	static const i64 expected[] = { 5, 10, 20, 40, 80, 100 };

	begin();
	for (u32 i = 0; i < ARRAY_LEN(expected); i++) {
		i64 next = judge(DEFAULTS, 1, replicas, 100, 100).replicas;

		assert_int_equal(next, expected[i]);
		autoscale_changed(&memory, now_ns, next - replicas);
		replicas = next;
		now_ns += 15 * NS_PER_S;
	}
	/* Down to the smallest in one step, five minutes after the last wish for more. */
	assert_int_equal(judge(DEFAULTS, 2, 100, 100, 1).replicas, 100);
	now_ns += 301 * NS_PER_S;
	assert_int_equal(judge(DEFAULTS, 2, 100, 100, 1).replicas, 2);
}

static void rates_are_counted_over_their_period(void **state)
{
	static const char slow[] = "{'scaleDown':{'stabilizationWindowSeconds':0,'selectPolicy':"
				   "'Max','policies':[{'type':'Pods','value':2,'periodSeconds':60}"
				   ",{'type':'Percent','value':10,'periodSeconds':60}]},"
				   "'scaleUp':{'stabilizationWindowSeconds':0,'selectPolicy':'Min'"
				   ",'policies':[{'type':'Pods','value':5,'periodSeconds':60},"
				   "{'type':'Percent','value':50,'periodSeconds':60}]}}";

	(void)state;
	begin();
	struct verdict v = judge(slow, 1, 80, 100, 10);

	assert_int_equal(v.replicas, 72); /* ten percent are more than two */
	assert_string_equal(v.limit_reason, "ScaleDownLimit");
	autoscale_changed(&memory, now_ns, -8);
	now_ns += 30 * NS_PER_S;
	assert_int_equal(judge(slow, 1, 72, 100, 10).replicas, 72); /* spent */
	now_ns += 31 * NS_PER_S;
	assert_int_equal(judge(slow, 1, 72, 100, 10).replicas, 64);
	/* Growing by the lesser of five and a half. */
	begin();
	assert_int_equal(judge(slow, 1, 4, 100, 50).replicas, 6);
	assert_int_equal(judge(slow, 1, 40, 100, 50).replicas, 45);
}

static void a_window_for_growth_waits_for_the_lowest_wish(void **state)
{
	static const char calm[] = "{'scaleUp':{'stabilizationWindowSeconds':60,'selectPolicy':"
				   "'Max','policies':[{'type':'Percent','value':900,"
				   "'periodSeconds':15}]}}";

	(void)state;
	begin();
	autoscale_recommend(&memory, now_ns, 3);
	now_ns += 15 * NS_PER_S;
	struct verdict v = judge(calm, 1, 3, 100, 20);

	assert_int_equal(v.replicas, 3);
	assert_string_equal(v.stable_reason, "ScaleUpStabilized");
	now_ns += 15 * NS_PER_S;
	assert_int_equal(judge(calm, 1, 3, 100, 10).replicas, 3);
	now_ns += 31 * NS_PER_S;
	assert_int_equal(judge(calm, 1, 3, 100, 20).replicas, 10);
}

static void a_direction_can_be_switched_off(void **state)
{
	static const char off[] = "{'scaleDown':{'selectPolicy':'Disabled',"
				  "'stabilizationWindowSeconds':0},'scaleUp':{'selectPolicy':"
				  "'Disabled'}}";

	(void)state;
	begin();
	assert_int_equal(judge(off, 1, 10, 100, 2).replicas, 10);
	assert_int_equal(judge(off, 1, 10, 100, 50).replicas, 10);
}

static void memory_survives_as_bytes(void **state)
{
	struct autoscale_memory again;

	(void)state;
	begin();
	memory.due_ns = 5;
	for (i64 i = 0; i < 2 * RECOMMENDATIONS_MAX; i++)
		autoscale_recommend(&memory, now_ns + i, i);
	autoscale_recommend(&memory, now_ns + 1, 2 * RECOMMENDATIONS_MAX - 1);
	autoscale_changed(&memory, now_ns, -3);
	autoscale_memory_read(&again, autoscale_memory_print(arena, &memory));
	assert_int_equal(again.due_ns, 5);
	assert_int_equal(again.recommendations_len, RECOMMENDATIONS_MAX);
	assert_int_equal(again.recommendations[0].replicas, RECOMMENDATIONS_MAX);
	assert_int_equal(again.changes[0].change, -3);
	autoscale_memory_read(&again, STR("?"));
	assert_int_equal(again.recommendations_len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
		TEST(grows_and_shrinks_with_the_use),
		TEST(an_average_needs_no_requests),
		TEST(unready_pods_dampen_growth),
		TEST(missing_numbers_speak_against_the_change),
		TEST(a_tolerance_for_each_direction),
		TEST(without_rules_it_doubles_at_most_and_shrinks_late),
		TEST(the_documented_defaults_of_rules),
		TEST(rates_are_counted_over_their_period),
		TEST(a_window_for_growth_waits_for_the_lowest_wish),
		TEST(a_direction_can_be_switched_off),
		TEST(memory_survives_as_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
