/* YAML both ways. The expectations are what kubectl 1.33 makes of the same text. */
#include "../unit.h"

#include "doc/json.h"
#include "doc/yaml.h"

static struct arena *arena;

static const struct doc *parse(const char *text)
{
	struct yaml_documents documents;
	struct error error = ERROR_INIT;

	if (yaml_parse_all(arena, str_of(text), &documents, &error) != ST_OK)
		fail_msg("%s: %s", text, error.message);
	assert_int_equal(documents.items.len, 1);
	return documents.items.at[0].doc;
}

static void scalars_resolve_as_kubectl_resolves_them(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "y", "true" },
		{ "n", "false" },
		{ "yes", "true" },
		{ "Off", "false" },
		{ "TRUE", "true" },
		{ "tRUE", "\"tRUE\"" },
		{ "~", "null" },
		{ "", "null" },
		{ "Null", "null" },
		{ "\"~\"", "\"~\"" },
		{ "'yes'", "\"yes\"" },
		{ "0o17", "15" },
		{ "017", "15" },
		{ "08", "8" },
		{ "0x1F", "31" },
		{ "0b101", "5" },
		{ "-0b11", "-3" },
		{ "1_000", "1000" },
		{ "+5", "5" },
		{ "1e3", "1000" },
		{ "1.", "1" },
		{ ".5", "0.5" },
		{ "1.5e-7", "1.5e-7" },
		{ "12e30", "1.2e+31" },
		{ "1.0", "1" },
		{ "0.1", "0.1" },
		{ "1e400", "\"1e400\"" },
		{ "18446744073709551615", "18446744073709551615" },
		{ "18446744073709551616", "18446744073709552000" },
		{ "-9223372036854775808", "-9223372036854775808" },
		{ "-9223372036854775809", "-9223372036854776000" },
		{ "1:30", "\"1:30\"" },
		{ "190:20:30.15", "\"190:20:30.15\"" },
		{ "2020-01-02", "\"2020-01-02\"" },
		{ "2020-01-02T03:04:05Z", "\"2020-01-02T03:04:05Z\"" },
		{ "!!str 5", "\"5\"" },
		{ "!!int \"7\"", "7" },
		{ "!!binary aGk=", "\"hi\"" },
		{ "!custom 5", "\"5\"" },
		{ "1.2.3", "\"1.2.3\"" },
		{ "10m", "\"10m\"" },
		{ "-", "[null]" },
		{ "--", "\"--\"" },
		{ "=", "\"=\"" },
		{ "0x", "\"0x\"" },
		{ "|-\n  a\n  b", "\"a\\nb\"" },
		{ ">\n  a\n  b\n", "\"a b\\n\"" },
		{ "\"\\u00e4\\n\"", "\"\xc3\xa4\\n\"" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct str text = str_format(arena, "k: %s\n", cases[i][0]);

		if (!strcmp(cases[i][0], "-"))
			text = STR("k:\n- \n");
		assert_string_equal(json_text(arena, doc_key(parse(text.at), "k")).at, cases[i][1]);
	}
}

static void structures_become_json(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "a:\n- x: 1\n  v: [p, {q: r}]\n- z\n",
		  "{\"a\":[{\"x\":1,\"v\":[\"p\",{\"q\":\"r\"}]},"
		  "\"z\"]}" },
		{ "1: a\ntrue: b\n2.5: c\nno: d\n",
		  "{\"1\":\"a\",\"true\":\"b\",\"2.5\":\"c\",\"false\":\"d\"}" },
		{ "m: &a {a: 1, b: 2}\nq:\n  a: 9\n  <<: *a\n  b: 3\n",
		  "{\"m\":{\"a\":1,\"b\":2},\"q\":{\"a\":1,\"b\":3}}" },
		{ "x: &x {a: 1}\nw: &y {a: 2, b: 2}\nz: {<<: [*x, *y]}\n",
		  "{\"x\":{\"a\":1},\"w\":{\"a\":2,\"b\":2},\"z\":{\"a\":1,\"b\":2}}" },
		{ "a: 1\na: 2\n", "{\"a\":2}" },
		{ "\t{\"tab\":\t[1,\n\t2.50]}", "{\"tab\":[1,2.50]}" },
		{ "{a: b, c}", "{\"a\":\"b\",\"c\":null}" },
		{ "- &s text\n- *s\n", "[\"text\",\"text\"]" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		assert_string_equal(json_text(arena, parse(cases[i][0])).at, cases[i][1]);
}

static void streams_hold_many_documents(void **state)
{
	(void)state;
	struct yaml_documents documents;
	const struct doc *first;

	assert_int_equal(yaml_parse_all(arena,
					STR("# only a comment\n---\nkind: A\n---\n# nothing\n---\n"
					    "kind: B\n...\n---\nkind: C\n"),
					&documents, NULL),
			 ST_OK);
	assert_int_equal(documents.items.len, 3);
	assert_str(doc_at_str(documents.items.at[2].doc, "kind"), "C");
	assert_int_equal(documents.items.at[1].line, 6);
	assert_int_equal(yaml_parse_all(arena, STR(""), &documents, NULL), ST_OK);
	assert_int_equal(documents.items.len, 0);
	assert_int_equal(
		yaml_parse(arena, STR("---\nkind: A\n---\n{broken"), &first, NULL, 0, NULL, NULL),
		ST_OK);
	assert_str(doc_at_str(first, "kind"), "A");
}

static void duplicates_are_named(void **state)
{
	(void)state;
	const struct doc *d;
	struct str found[4];
	u32 count;

	assert_int_equal(yaml_parse(arena, STR("s:\n  c:\n  - {}\n  - m: 1\n    m: 2\ns: 0\n"), &d,
				    found, 4, &count, NULL),
			 ST_OK);
	assert_int_equal(count, 2);
	assert_str(found[0], "s.c[1].m");
	assert_str(found[1], "s");
}

static void errors_say_the_line(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "a: 1\nb: c: d\n", "line 2: mapping values are not allowed in this context" },
		{ "kind: Pod\nmetadata:\n  name: x\n spec: y\n",
		  "line 4: did not find expected key" },
		{ "k: v\n\tx: 1\n", "line 2: found a tab character that violates indentation" },
		{ "a: \"x\n", "line 2: found unexpected end of stream" },
		{ "a: 1\n---\nb: *x\n", "line 3: unknown anchor 'x' referenced" },
		{ "a: &x [*x]\n", "line 1: anchor 'x' value contains itself" },
		{ "? [a]\n: b\n",
		  "line 1: unsupported map key: it must be a string, a number or a boolean" },
		{ "a: .inf\n", "line 1: json: unsupported value: infinity or no number" },
		{ "a: !!int x\n", "line 1: cannot decode `x` as a !!int" },
		{ "<<: 1\n", "line 1: map merge requires map or sequence of maps as the value" },
		{ "a: \xff\n", "invalid leading UTF-8 octet at byte 3" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = ERROR_INIT;
		struct yaml_documents documents;
		struct str expected =
			str_format(arena, "error converting YAML to JSON: yaml: %s", cases[i][1]);

		assert_int_equal(yaml_parse_all(arena, str_of(cases[i][0]), &documents, &error),
				 ST_BAD_REQUEST);
		assert_string_equal(error.message, expected.at);
	}
}

static void bombs_are_defused(void **state)
{
	(void)state;
	struct buffer text = BUFFER_INIT(1 << 20);
	struct yaml_documents documents;
	struct error error = ERROR_INIT;

	/* CVE-2019-11253: nine lists of nine aliases to the list before. */
	buffer_add_str(&text, STR("a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"));
	for (u32 i = 1; i < 9; i++)
		buffer_add_format(&text,
				  "a%u: &a%u [*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u]\n", i,
				  i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	assert_int_equal(yaml_parse_all(arena, buffer_str(&text), &documents, &error),
			 ST_BAD_REQUEST);
	assert_non_null(strstr(error.message, "document contains excessive aliasing"));
	buffer_clear(&text);
	for (u32 i = 0; i < 100000; i++)
		buffer_add_char(&text, '[');
	assert_int_equal(yaml_parse_all(arena, buffer_str(&text), &documents, NULL),
			 ST_BAD_REQUEST);
	buffer_clear(&text);
	for (u32 i = 0; i < 80; i++)
		buffer_add_format(&text, "%s- &a%u [%s%u%s]\n", i ? "" : "", i, i ? "*a" : "",
				  i ? i - 1 : 0, "");
	error_clear(&error);
	assert_int_equal(yaml_parse_all(arena, buffer_str(&text), &documents, &error),
			 ST_BAD_REQUEST);
	assert_non_null(strstr(error.message, "nested too deeply"));
	buffer_release(&text);
}

/* ---- out */

static void prints_as_kubectl_does(void **state)
{
	(void)state;
	static const char *const strings[][2] = {
		{ "plain", "plain" },
		{ "", "\"\"" },
		{ "true", "\"true\"" },
		{ "y", "\"y\"" },
		{ "1e3", "\"1e3\"" },
		{ "0x1f", "\"0x1f\"" },
		{ "1:30", "\"1:30\"" },
		{ "2020-01-01T00:00:00Z", "\"2020-01-01T00:00:00Z\"" },
		{ "08", "\"08\"" },
		{ "10m", "10m" },
		{ ": colon", "': colon'" },
		{ "a: b", "'a: b'" },
		{ "# no", "'# no'" },
		{ "a#b", "a#b" },
		{ "- x", "'- x'" },
		{ "-", "'-'" },
		{ "*x", "'*x'" },
		{ "{a}", "'{a}'" },
		{ "a,b", "a,b" },
		{ " lead", "' lead'" },
		{ "trail ", "'trail '" },
		{ "it's", "it's" },
		{ "say \"x\"", "say \"x\"" },
		{ "a\\b", "a\\b" },
		{ "a\tb", "\"a\\tb\"" },
		{ "\x07", "\"\\a\"" },
		{ "\xc3\xa4 \xf0\x9f\x90\xb3", "\"\xc3\xa4 \\U0001F433\"" },
		{ "---", "'---'" },
		{ "<<", "<<" },
		{ "=", "=" },
		{ "%x", "'%x'" },
		{ "a:", "'a:'" },
		{ ":a", ":a" },
		{ "a\nb\n", "|\n  a\n  b" },
		{ "a\nb", "|-\n  a\n  b" },
		{ "  x\ny", "|2-\n    x\n  y" },
		{ "trail \nx", "\"trail \\nx\"" },
		{ "#!/bin/sh\necho\n", "|\n  #!/bin/sh\n  echo" },
	};

	for (u32 i = 0; i < ARRAY_LEN(strings); i++) {
		struct buffer out = BUFFER_INIT(1000);
		const struct doc *d =
			doc_with(arena, NULL, STR("k"), doc_new_str(arena, str_of(strings[i][0])));
		struct str expected = str_format(arena, "k: %s\n", strings[i][1]);

		assert_true(yaml_print(&out, d));
		assert_str(buffer_str(&out), expected.at);
		/* What was printed reads back the same. */
		assert_true(doc_eq(parse(str_copy(arena, buffer_str(&out)).at), d));
		buffer_release(&out);
	}
}

static void prints_nested_and_sorted(void **state)
{
	(void)state;
	struct buffer out = BUFFER_INIT(10000);
	const struct doc *d = parse(
		"{\"b\":[1,{\"x\":[],\"w\":{}},[2,3]],\"a10\":null,\"a2\":1.50,\"_z\":true,\"1\":-"
		"7,"
		"\"A\":1234567.5,\"true\":0.00001,\"c\":100000000000000000000000.0,\"long\":\"very "
		"long text very long text very long text very long text very long text very long "
		"text\",\"end\":\"x\\n\\n\"}");

	assert_true(yaml_print(&out, d));
	assert_str(buffer_str(&out), "_z: true\n\"1\": -7\nA: 1.2345675e+06\na2: 1.5\na10: null\n"
				     "b:\n- 1\n- w: {}\n  x: []\n- - 2\n  - 3\nc: 1e+23\n"
				     "end: |+\n  x\n\n"
				     "long: very long text very long text very long text very long "
				     "text very long text very\n  long text\n\"true\": 1e-05\n");
	assert_true(doc_eq(parse(str_copy(arena, buffer_str(&out)).at), d));
	buffer_clear(&out);
	assert_true(yaml_print(&out, parse("{\"end\":\"x\\n\\n\"}")));
	assert_str(buffer_str(&out), "end: |+\n  x\n\n");
	buffer_release(&out);
	out = BUFFER_INIT(20);
	assert_false(yaml_print(&out, d));
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
		cmocka_unit_test(scalars_resolve_as_kubectl_resolves_them),
		cmocka_unit_test(structures_become_json),
		cmocka_unit_test(streams_hold_many_documents),
		cmocka_unit_test(duplicates_are_named),
		cmocka_unit_test(errors_say_the_line),
		cmocka_unit_test(bombs_are_defused),
		cmocka_unit_test(prints_as_kubectl_does),
		cmocka_unit_test(prints_nested_and_sorted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
