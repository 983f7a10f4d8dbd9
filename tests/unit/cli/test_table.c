/* Lines come out as kubectl's do: columns of a table, and describe's elastic tabs. */
#include "../unit.h"

#include "cli/table.h"
#include "cli/tabs.h"
#include "doc/json.h"

static struct arena *arena;

static const struct doc *parse(const char *text)
{
	const struct doc *d = NULL;

	assert_int_equal(json_parse(arena, str_of(text), &d, NULL), ST_OK);
	return d;
}

static void assert_printed(struct table_text *text, const char *expected)
{
	struct buffer out = BUFFER_INIT(1 << 16);

	table_print(text, &out);
	assert_str(buffer_str(&out), expected);
	buffer_release(&out);
}

static const char pods[] = "{\"columnDefinitions\":[{\"name\":\"Name\",\"priority\":0},{\"name\":"
			   "\"Ready\",\"priority\":0},"
			   "{\"name\":\"IP\",\"priority\":1}],\"rows\":["
			   "{\"cells\":[\"web-1\",\"1/"
			   "1\",\"10.0.0.1\"],\"object\":{\"metadata\":{\"namespace\":\"shop\","
			   "\"labels\":{\"tier\":\"front\",\"app\":\"web\"}}}},"
			   "{\"cells\":[\"a-long-name\",\"0/"
			   "1\",null],\"object\":{\"metadata\":{\"namespace\":\"b\"}}}]}";

static void a_table_leaves_three_blanks_and_none_at_the_end(void **state)
{
	(void)state;
	struct table_text text;
	struct table_options options = { 0 };

	table_start(&text, arena);
	table_add(&text, parse(pods), NULL, &options, true);
	assert_printed(&text, "NAME          READY\n"
			      "web-1         1/1\n"
			      "a-long-name   0/1\n");
}

static void wide_shows_more_and_labels_are_sorted(void **state)
{
	(void)state;
	struct table_text text;
	struct str columns[] = { STR("example.test/app"), STR("tier") };
	struct table_options options = { .wide = true,
					 .with_namespace = true,
					 .show_labels = true,
					 .label_columns = columns,
					 .label_columns_len = 2 };

	table_start(&text, arena);
	table_add(&text, parse(pods), NULL, &options, true);
	assert_printed(
		&text,
		"NAMESPACE   NAME          READY   IP         APP   TIER    LABELS\n"
		"shop        web-1         1/1     10.0.0.1         front   app=web,tier=front\n"
		"b           a-long-name   0/1     <none>                   <none>\n");
}

static void later_events_of_a_watch_keep_the_widths(void **state)
{
	(void)state;
	struct table_text text;
	struct table_options options = { 0 };
	const struct doc *first = parse(pods);

	table_start(&text, arena);
	table_add(&text, first, NULL, &options, true);
	text.cells.len = text.row_ends.len = 0;
	table_add(&text, parse("{\"rows\":[{\"cells\":[\"x\",\"1/1\",\"\"]}]}"),
		  doc_key(first, "columnDefinitions"), &options, false);
	assert_printed(&text, "x             1/1\n");
}

static void tabs_line_up_within_runs_of_lines(void **state)
{
	(void)state;
	struct buffer out = BUFFER_INIT(1 << 16);

	tabs_align(arena,
		   STR("Name:\tweb\nNamespace:\tdefault\nContainers:\n  c:\n    Image:\tx\n"
		       "    Longer Name:\ty\nEvents:\t<none>\n"),
		   &out);
	assert_str(buffer_str(&out), "Name:       web\nNamespace:  default\nContainers:\n  c:\n"
				     "    Image:        x\n    Longer Name:  y\n"
				     "Events:           <none>\n");
	buffer_release(&out);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_leaves_three_blanks_and_none_at_the_end),
		cmocka_unit_test(wide_shows_more_and_labels_are_sorted),
		cmocka_unit_test(later_events_of_a_watch_keep_the_widths),
		cmocka_unit_test(tabs_line_up_within_runs_of_lines),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
