/* Logs: taking lines apart, tails, limits; and how probes are counted. */
#include "../unit.h"

#include "node/container_log.h"
#include "node/probes.h"

#define LINE(second, stream, tag, text)                                                            \
	"2024-01-01T00:00:0" second ".000000000+00:00 " stream " " tag " " text "\n"

static const char raw[] = LINE("1", "stdout", "F", "one") LINE("2", "stderr", "P", "two, ")
	LINE("3", "stderr", "F", "and more") LINE("4", "stdout", "F", "");

static struct str format(struct arena *arena, struct str text, struct log_want want)
{
	struct buffer out = BUFFER_INIT(1 << 16);
	bool midline = false;

	log_format(&out, text, &want, &midline);
	struct str shown = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return shown;
}

static void lines_are_taken_apart(void **state)
{
	(void)state;
	struct log_line line;

	assert_true(log_line_parse(STR("2024-01-01T00:00:02Z stderr P a b"), &line));
	assert_int_equal(line.stream, 2);
	assert_true(line.partial);
	assert_str(line.text, "a b");
	assert_false(log_line_parse(STR("nonsense"), &line));
	assert_false(log_line_parse(STR("2024-01-01T00:00:02Z stdout F"), &line));
}

static void logs_show_what_is_wanted(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	struct log_want all = { .limit_bytes = -1, .tail_lines = -1 };
	struct log_want stamped = all, few = all, late = all;

	stamped.timestamps = true;
	few.limit_bytes = 6;
	late.since_ns = 1704067203 * NS_PER_S;
	assert_str(format(arena, str_of(raw), all), "one\ntwo, and more\n\n");
	assert_str(format(arena, str_of(raw), stamped),
		   "2024-01-01T00:00:01.000000000Z one\n"
		   "2024-01-01T00:00:02.000000000Z two, and more\n"
		   "2024-01-01T00:00:04.000000000Z \n");
	assert_str(format(arena, str_of(raw), few), "one\ntw");
	assert_str(format(arena, str_of(raw), late), "and more\n\n");
	arena_free(arena);
}

static void tails_count_whole_lines(void **state)
{
	(void)state;
	static const struct {
		i64 lines;
		const char *shown;
	} cases[] = { { 0, "" },
		      { 1, "\n" },
		      { 2, "two, and more\n\n" },
		      { 3, "one\ntwo, and more\n\n" },
		      { 99, "one\ntwo, and more\n\n" } };
	struct log_want all = { .limit_bytes = -1 };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *arena = arena_new(0);
		struct str tail =
			str_from(str_of(raw), log_tail_offset(str_of(raw), cases[i].lines));

		assert_str(format(arena, tail, all), cases[i].shown);
		arena_free(arena);
	}
}

static void probes_count_in_a_row(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	const struct doc *probe = doc_set_int(arena, NULL, "failureThreshold", 2);
	struct probe_state probe_state;

	probe = doc_set_int(arena, probe, "successThreshold", 2);
	probe = doc_set_int(arena, probe, "initialDelaySeconds", 5);
	probe = doc_set_int(arena, probe, "periodSeconds", 3);
	probe_start(&probe_state, probe, 100 * NS_PER_S, 101 * NS_PER_S);
	assert_int_equal(probe_state.due_ns / NS_PER_S, 105);
	assert_false(probe_answer(&probe_state, probe, true, 105 * NS_PER_S));
	assert_int_equal(probe_state.due_ns / NS_PER_S, 108);
	assert_true(probe_answer(&probe_state, probe, true, 108 * NS_PER_S));
	assert_int_equal(probe_state.result, PROBE_SUCCESS);
	assert_false(probe_answer(&probe_state, probe, false, 0));
	assert_false(probe_answer(&probe_state, probe, true, 0));
	assert_false(probe_answer(&probe_state, probe, false, 0));
	assert_true(probe_answer(&probe_state, probe, false, 0));
	assert_int_equal(probe_state.result, PROBE_FAILURE);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_taken_apart),
		cmocka_unit_test(logs_show_what_is_wanted),
		cmocka_unit_test(tails_count_whole_lines),
		cmocka_unit_test(probes_count_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
