/* Custom resources: from a definition to a kind that decodes, defaults, validates and prints. */
#include "../unit.h"

#include "doc/json.h"
#include "base/clock.h"
#include "schema/columns.h"
#include "schema/custom.h"
#include "schema/decode.h"
#include "schema/default.h"
#include "schema/openapi_v2.h"
#include "schema/openapi_v3.h"
#include "schema/pattern.h"
#include "schema/served.h"
#include "schema/structural.h"

static struct arena *arena;
static struct schema *schema;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	schema = schema_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	schema_free(schema);
	arena_free(arena);
	return 0;
}

/* JSON with single quotes, which read better in C. */
static const struct doc *parse(const char *text)
{
	char *json = (char *)(uintptr_t)str_c(arena, str_copy(arena, str_of(text)));
	const struct doc *doc = NULL;

	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	if (json_parse(arena, str_of(json), &doc, NULL) != ST_OK)
		fail_msg("no JSON: %s", json);
	return doc;
}

static struct str causes_of(const struct violations *violations)
{
	struct str all = STR("");

	for (u32 i = 0; i < violations->len; i++)
		all = str_format(arena, STR_FMT "%s" STR_FMT ": " STR_FMT, STR_ARG(all),
				 i ? "\n" : "", STR_ARG(violations->at[i].field),
				 STR_ARG(violations->at[i].message));
	return all;
}

static const struct doc *definition(const char *names, const char *version)
{
	return parse(str_format(arena,
				"{'metadata':{'name':'things.example.com'},'spec':{'group':"
				"'example.com','scope':'Namespaced','names':{'plural':'things',"
				"'kind':'Thing'%s},'conversion':{'strategy':'None'},'versions':["
				"{'name':'v1','served':true,'storage':true%s}]}}",
				names, version)
			     .at);
}

/* The kind of a definition whose only version has this schema for `spec`. */
static const struct api_kind *kind_with(const char *spec)
{
	struct str version = str_format(arena,
					",'schema':{'openAPIV3Schema':{'type':'object',"
					"'properties':{'spec':%s}}}",
					spec);

	assert_int_not_equal(schema_register(schema, definition("", version.at)), 0);
	return schema_find_kind(schema, STR("example.com/v1"), STR("Thing"));
}

static struct str causes(const struct api_kind *kind, const char *spec)
{
	struct violations violations = { 0 };
	struct str object = str_format(arena,
				       "{'apiVersion':'example.com/v1','kind':'Thing','metadata':{"
				       "'name':'a','namespace':'d'},'spec':%s}",
				       spec);

	schema_validate(arena, schema, kind, parse(object.at), NULL, NULL, &violations);
	return causes_of(&violations);
}

static void scalars_are_held_to_their_schema(void **state)
{
	(void)state;
	const struct api_kind *kind = kind_with(
		"{'type':'object','properties':{"
		"'a':{'type':'string','minLength':2,'maxLength':4,'pattern':'^[a-z]+$'},"
		"'b':{'type':'integer','minimum':1,'maximum':9,'multipleOf':3},"
		"'c':{'type':'number','minimum':0,'exclusiveMinimum':true},"
		"'d':{'type':'string','enum':['x','y']},'e':{'type':'boolean'},"
		"'f':{'x-kubernetes-int-or-string':true},'g':{'type':'string','nullable':true}}}");

	assert_str(causes(kind, "{'a':'abc','b':6,'c':0.5,'d':'x','e':true,'f':1,'g':null}"), "");
	assert_str(causes(kind, "{'f':'25%'}"), "");
	assert_str(causes(kind, "{'a':'a'}"),
		   "spec.a: Invalid value: \"a\": spec.a in body should be at least 2 chars long");
	assert_str(causes(kind, "{'a':'abcde'}"), "spec.a: Too long: may not be more than 4 bytes");
	assert_str(causes(kind, "{'a':'AB'}"),
		   "spec.a: Invalid value: \"AB\": spec.a in body should match '^[a-z]+$'");
	/* Letters count, not bytes. */
	assert_str(causes(kind, "{'a':'äöüß'}"),
		   "spec.a: Invalid value: \"äöüß\": spec.a in body should match '^[a-z]+$'");
	assert_str(causes(kind, "{'b':0}"),
		   "spec.b: Invalid value: 0: spec.b in body should be greater than or equal to 1");
	assert_str(causes(kind, "{'b':12}"),
		   "spec.b: Invalid value: 12: spec.b in body should be less than or equal to 9");
	assert_str(causes(kind, "{'b':4}"),
		   "spec.b: Invalid value: 4: spec.b in body should be a multiple of 3");
	assert_str(causes(kind, "{'b':1.5}"), "spec.b: Invalid value: \"number\": spec.b in body "
					      "must be of type integer: \"number\"");
	assert_str(causes(kind, "{'c':0}"),
		   "spec.c: Invalid value: 0: spec.c in body should be greater than 0");
	assert_str(causes(kind, "{'d':'z'}"),
		   "spec.d: Unsupported value: \"z\": supported values: \"x\", \"y\"");
	assert_str(causes(kind, "{'e':'true'}"), "spec.e: Invalid value: \"string\": spec.e in "
						 "body must be of type boolean: \"string\"");
	assert_str(causes(kind, "{'f':true}"),
		   "spec.f: Invalid value: \"boolean\": spec.f in body must be of type "
		   "integer,string: \"boolean\"");
}

static void lists_and_objects_are_held_to_their_schema(void **state)
{
	(void)state;
	const struct api_kind *kind = kind_with(
		"{'type':'object','required':['s'],'properties':{"
		"'s':{'type':'array','maxItems':2,'x-kubernetes-list-type':'set','items':{"
		"'type':'string'}},"
		"'m':{'type':'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':["
		"'k'],'items':{'type':'object','required':['k'],'properties':{'k':{'type':"
		"'string'},'v':{'type':'integer'}}}},"
		"'o':{'type':'object','maxProperties':1,'additionalProperties':{'type':"
		"'integer'}}}}");

	assert_str(causes(kind, "{'s':['a','b'],'m':[{'k':'x'},{'k':'y'}],'o':{'a':1}}"), "");
	assert_str(causes(kind, "{}"), "spec.s: Required value");
	assert_str(causes(kind, "{'s':['a','b','c']}"),
		   "spec.s: Too many: 3: must have at most 2 items");
	assert_str(causes(kind, "{'s':['a','a']}"), "spec.s[1]: Duplicate value: \"a\"");
	assert_str(causes(kind, "{'s':[],'m':[{'k':'x'},{'k':'x','v':1}]}"),
		   "spec.m[1]: Duplicate value: {\"k\":\"x\"}");
	assert_str(causes(kind, "{'s':[],'m':[{'v':1}]}"), "spec.m[0].k: Required value");
	assert_str(causes(kind, "{'s':[],'o':{'a':'1'}}"),
		   "spec.o.a: Invalid value: \"string\": spec.o.a in body must be of type integer: "
		   "\"string\"");
	assert_str(causes(kind, "[]"), "spec: Invalid value: \"array\": spec in body must be of "
				       "type object: \"array\"");
}

static void schemas_of_schemas_count_who_agrees(void **state)
{
	(void)state;
	const struct api_kind *kind = kind_with(
		"{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'integer'}},"
		"'oneOf':[{'required':['a']},{'required':['b']}],"
		"'not':{'properties':{'a':{'enum':[7]}},'required':['a']}}");

	assert_str(causes(kind, "{'a':1}"), "");
	assert_str(causes(kind, "{}"),
		   "spec: Invalid value: \"\": \"spec\" must validate one and only one schema "
		   "(oneOf). Found none valid");
	assert_str(causes(kind, "{'a':1,'b':2}"),
		   "spec: Invalid value: \"\": \"spec\" must validate one and only one schema "
		   "(oneOf). Found 2 valid alternatives");
	assert_str(causes(kind, "{'a':7}"),
		   "spec: Invalid value: \"\": \"spec\" must not validate the schema (not)");
}

static void unknown_fields_go_and_are_named(void **state)
{
	(void)state;
	const struct api_kind *kind = kind_with(
		"{'type':'object','properties':{'a':{'type':'object','properties':{'b':{'type':"
		"'integer'}}},'free':{'type':'object','x-kubernetes-preserve-unknown-fields':true,"
		"'properties':{'known':{'type':'object'}}},'inner':{'type':'object',"
		"'x-kubernetes-embedded-resource':true},'list':{'type':'array','items':{'type':"
		"'object'}}}}");
	struct field_problems problems = { 0 };
	struct error error = ERROR_INIT;
	const struct doc *made;

	assert_int_equal(
		schema_decode(arena, schema, kind,
			      parse("{'apiVersion':'example.com/v1','kind':'Thing','metadata':{"
				    "'name':'a'},'other':1,'spec':{'a':{'b':1,'c':2},'free':{'x':{"
				    "'y':1},'known':{'z':1}},'inner':{'apiVersion':'v1','kind':"
				    "'X','metadata':{'name':'q'},'spec':{}},'list':[{},{'u':1}],"
				    "'gone':null}}"),
			      &made, &problems, &error),
		ST_OK);
	assert_str(json_text(arena, doc_key(made, "spec")),
		   "{\"a\":{\"b\":1},\"free\":{\"x\":{\"y\":1},\"known\":{}},\"inner\":{"
		   "\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"q\"}},\"list\":[{"
		   "},{}]}");
	assert_null(doc_key(made, "other"));
	assert_str(field_problems_print(arena, &problems),
		   "unknown field \"other\", unknown field \"spec.a.c\", unknown field "
		   "\"spec.free.known.z\", unknown field \"spec.inner.spec\", unknown field "
		   "\"spec.list[1].u\", unknown field \"spec.gone\"");
}

static void defaults_come_with_their_parents(void **state)
{
	(void)state;
	const struct api_kind *kind = kind_with(
		"{'type':'object','properties':{'a':{'type':'integer','default':3},'o':{'type':"
		"'object','properties':{'x':{'type':'string','default':'deep'}}},'p':{'type':"
		"'object','default':{},'properties':{'y':{'type':'boolean','default':true}}},"
		"'l':{'type':'array','items':{'type':'object','properties':{'n':{'type':'integer',"
		"'default':1}}}},'nil':{'type':'integer','nullable':true,'default':9},"
		"'m':{'type':'object','additionalProperties':{'type':'object','properties':{'k':{"
		"'type':'integer','default':5}}}}}}");
	const struct doc *made =
		schema_default(arena, schema, kind,
			       parse("{'metadata':{},'spec':{'l':[{},{'n':2}],'nil':null,"
				     "'m':{'any':{}}}}"));

	assert_str(json_text(arena, doc_key(made, "spec")),
		   "{\"l\":[{\"n\":1},{\"n\":2}],\"nil\":null,\"m\":{\"any\":{\"k\":5}},\"a\":3,"
		   "\"p\":{\"y\":true}}");
	made = schema_default(arena, schema, kind, parse("{'metadata':{},'spec':{'o':{}}}"));
	assert_str(json_text(arena, doc_at(made, "spec.o")), "{\"x\":\"deep\"}");
}

/* What is wrong with a schema of `spec`. */
static struct str faults(const char *spec)
{
	struct violations violations = { 0 };
	struct str version = str_format(arena,
					",'schema':{'openAPIV3Schema':{'type':'object',"
					"'properties':{'spec':%s}}}",
					spec);

	schema_validate(arena, schema, &api_kinds[KIND_CustomResourceDefinition],
			definition("", version.at), NULL, NULL, &violations);
	return causes_of(&violations);
}

#define AT_SCHEMA "spec.versions[0].schema.openAPIV3Schema.properties[spec]"

static void only_structural_schemas_are_taken(void **state)
{
	(void)state;
	assert_str(faults("{'type':'object'}"), "");
	assert_str(faults("{}"), AT_SCHEMA ".type: Required value: must not be empty for specified "
					   "object fields");
	assert_str(faults("{'type':'text'}"),
		   AT_SCHEMA ".type: Unsupported value: \"text\": supported values: \"array\", "
			     "\"boolean\", \"integer\", \"number\", \"object\", \"string\"");
	assert_str(faults("{'type':'array'}"),
		   AT_SCHEMA ".items: Required value: must be specified");
	assert_str(faults("{'type':'array','items':[{'type':'string'}]}"),
		   AT_SCHEMA ".items: Forbidden: items must be a schema object and not an array");
	assert_str(faults("{'type':'object','properties':{'a':{'type':'string'}},"
			  "'additionalProperties':{'type':'string'}}"),
		   AT_SCHEMA ".additionalProperties: Forbidden: additionalProperties and "
			     "properties are mutual exclusive");
	assert_str(faults("{'type':'string','pattern':'(?=x)'}"),
		   AT_SCHEMA ".pattern: Invalid value: \"(?=x)\": must be a valid regular "
			     "expression, but groups that look ahead or behind, have names or set "
			     "flags are not supported here");
	assert_str(faults("{'type':'array','items':{'type':'object'},'x-kubernetes-list-type':"
			  "'map'}"),
		   AT_SCHEMA ".x-kubernetes-list-map-keys: Required value: must not be empty if "
			     "x-kubernetes-list-type is map");
	assert_str(faults("{'type':'object','$ref':'#/x'}"),
		   AT_SCHEMA ".$ref: Forbidden: $ref is not supported");
}

static void definitions_are_checked(void **state)
{
	(void)state;
	static const char fine[] = ",'schema':{'openAPIV3Schema':{'type':'object'}}";
	const struct api_kind *kind = &api_kinds[KIND_CustomResourceDefinition];
	struct violations violations = { 0 };
	const struct doc *made = definition("", fine);

	schema_validate(arena, schema, kind, made, NULL, NULL, &violations);
	assert_str(causes_of(&violations), "");
	made = doc_set_str(arena, made, "metadata.name", STR("thing.example.com"));
	made = doc_set_str(arena, made, "spec.conversion.strategy", STR("Webhook"));
	made = doc_set_bool(arena, made, "spec.versions.0.storage", false);
	schema_validate(arena, schema, kind, made, NULL, NULL, &violations);
	assert_non_null(strstr(str_c(arena, causes_of(&violations)),
			       "metadata.name: Invalid value: \"thing.example.com\": must be "
			       "spec.names.plural+\".\"+spec.group"));
	assert_non_null(strstr(str_c(arena, causes_of(&violations)),
			       "must have exactly one version marked as storage version"));
	assert_non_null(strstr(str_c(arena, causes_of(&violations)),
			       "conversion by webhook is not supported by this server; use None"));
	violations = (struct violations){ 0 };
	schema_validate(arena, schema, kind, definition("", ""), NULL, NULL, &violations);
	assert_str(causes_of(&violations),
		   "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required");
}

static void a_definition_is_served_as_long_as_it_is_registered(void **state)
{
	(void)state;
	static const char fine[] = ",'schema':{'openAPIV3Schema':{'type':'object'}}";
	kind_id id = schema_register(schema, definition(",'shortNames':['th']", fine)), again;
	const struct api_kind *kind =
		schema_find_resource(schema, STR("example.com"), STR("v1"), STR("things"));

	assert_true(id >= KIND_COUNT);
	assert_ptr_equal(kind, schema_kind(schema, id));
	assert_str(kind->list_kind, "ThingList");
	assert_str(kind->singular, "thing");
	assert_str(kind->shorts[0], "th");
	assert_true(kind->namespaced);
	assert_non_null(served_find(arena, schema, STR("example.com"), STR("v1")));
	again = schema_register(schema, definition(",'singular':'one'", fine));
	assert_int_equal(id, again); /* its objects stay where they are */
	kind = schema_find_kind(schema, STR("example.com/v1"), STR("Thing"));
	assert_str(kind->singular, "one");
	schema_unregister(schema, STR("things.example.com"));
	assert_null(schema_find_kind(schema, STR("example.com/v1"), STR("Thing")));
	assert_null(served_find(arena, schema, STR("example.com"), STR("v1")));
	assert_non_null(schema_kind(schema, id)); /* what is left of it can still be read */
}

static void tables_know_how_lists_merge(void **state)
{
	(void)state;
	const struct api_kind *kind = kind_with(
		"{'type':'object','properties':{'a':{'type':'array','items':{'type':'string'},"
		"'x-kubernetes-list-type':'set'},'b':{'type':'array','items':{'type':'object',"
		"'properties':{'k':{'type':'string'}}},'x-kubernetes-list-type':'map',"
		"'x-kubernetes-list-map-keys':['k']},'c':{'type':'array','items':{'type':"
		"'string'}},'d':{'type':'object','x-kubernetes-map-type':'atomic','properties':{"
		"'x':{'type':'string'}}}}}");
	const struct api_struct *spec = api_field_find(kind->root, STR("spec"))->of;

	assert_int_equal(api_field_find(spec, STR("a"))->list, API_LIST_SET);
	assert_int_equal(api_field_find(spec, STR("b"))->list, API_LIST_MAP);
	assert_str(api_field_find(spec, STR("b"))->list_keys[0], "k");
	assert_int_equal(api_field_find(spec, STR("c"))->list, API_LIST_ATOMIC);
	assert_true(api_field_find(spec, STR("d"))->flags & API_ATOMIC);
	assert_null(api_field_find(spec, STR("e")));
}

static void columns_print_what_stands_there(void **state)
{
	(void)state;
	static const struct api_column text = { .source = STR_INIT(".spec.a"),
						.type = STR_INIT("string") },
				       number = { .source = STR_INIT(".spec.n"),
						  .type = STR_INIT("integer") },
				       list = { .source = STR_INIT(".spec.l[*].x"),
						.type = STR_INIT("string") },
				       date = { .source = STR_INIT(".metadata.creationTimestamp"),
						.type = STR_INIT("date") };
	const struct doc *object =
		parse("{'metadata':{'creationTimestamp':'2023-11-14T22:13:20Z'},'spec':{'a':'b',"
		      "'n':4,'l':[{'x':1},{'x':2}]}}");
	i64 now_ns = (1700000000LL + 90) * NS_PER_S;

	assert_str(doc_str(custom_cell(arena, &text, object, now_ns)), "b");
	assert_int_equal(doc_int_or(custom_cell(arena, &number, object, now_ns), 0), 4);
	assert_str(doc_str(custom_cell(arena, &list, object, now_ns)), "1 2");
	assert_str(doc_str(custom_cell(arena, &date, object, now_ns)), "90s");
	assert_true(doc_is_null(custom_cell(arena, &text, parse("{}"), now_ns)));
}

static bool matches(const char *pattern, const char *text)
{
	return pattern_matches(arena, str_of(pattern), str_of(text));
}

static void patterns_mean_what_they_mean_elsewhere(void **state)
{
	(void)state;
	assert_true(matches("^\\d{2}-\\w+$", "12-ab_"));
	assert_false(matches("^\\d{2}-\\w+$", "1x-ab_"));
	assert_true(matches("b", "abc")); /* anywhere */
	assert_true(matches("^(?:a|b)+?$", "abab"));
	assert_true(matches("^[\\w.-]+$", "a.b-c"));
	assert_true(matches("^[^\\s]+$", "abc"));
	assert_false(matches("^[^\\s]+$", "a c"));
	assert_true(matches("^[\\]x]+$", "x]"));
	assert_true(matches("^[a\\-z]+$", "a-z"));
	assert_false(matches("^[a\\-z]+$", "b"));
	assert_true(matches("^/\\S*$", "/a"));
	assert_true(matches("^\\.\\*\\/$", ".*/"));
	assert_false(matches("^\\D$", "1"));
	assert_false(matches("(", "(")); /* a broken one matches nothing */
}

static void patterns_that_are_not_understood_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "(?<n>a)", "(?!a)", "\\1",	"\\bword", "[a",
					   "\\pL",    "a\\",   "[\\D]", "(",	   "a{2,1}" };
	struct error error = ERROR_INIT;

	for (u32 i = 0; i < ARRAY_LEN(bad); i++) {
		error_clear(&error);
		if (pattern_check(arena, str_of(bad[i]), &error) != ST_BAD_REQUEST)
			fail_msg("taken: %s", bad[i]);
		assert_non_null(strstr(error.message, "must be a valid regular expression, but "));
	}
	assert_int_equal(pattern_check(arena, STR("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), &error),
			 ST_OK);
}

/* The C library would take all the memory there is. */
static void patterns_that_grow_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "a++", "a**", "a{2}{3}", "(a{200}){200}",
					   "((((((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+)+)+)+" };
	struct error error = ERROR_INIT;

	for (u32 i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(pattern_check(arena, str_of(bad[i]), &error), ST_BAD_REQUEST);
	assert_int_equal(pattern_check(arena, STR("^([a-z]{1,63}\\.){1,4}[a-z]{2,20}$"), &error),
			 ST_OK);
	assert_true(matches("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
	assert_false(matches("^(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
}

static void openapi_shows_custom_kinds(void **state)
{
	(void)state;
	struct buffer out = BUFFER_INIT(16 << 20);
	struct error error = ERROR_INIT;

	kind_with("{'type':'object','description':'What is wished.','properties':{'deep':{'type':"
		  "'array','items':{'type':'object','properties':{'mark':{'type':'string'}}}}}}");
	assert_true(openapi_v2_protobuf(&out, schema));
	assert_non_null(memmem(out.at, out.len, "com.example.v1.Thing", 20));
	assert_non_null(memmem(out.at, out.len, "What is wished.", 15));
	assert_non_null(memmem(out.at, out.len, "mark", 4));
	buffer_clear(&out);
	assert_int_equal(openapi_v3_group(&out, schema, STR("apis/example.com/v1"), &error), ST_OK);
	const struct doc *document = NULL;

	assert_int_equal(json_parse(arena, buffer_str(&out), &document, &error), ST_OK);
	assert_str(doc_at_str(doc_get(doc_at(document, "components.schemas"),
				      STR("com.example.v1.Thing")),
			      "properties.spec.description"),
		   "What is wished.");
	buffer_release(&out);
}

#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(scalars_are_held_to_their_schema),
		test(lists_and_objects_are_held_to_their_schema),
		test(schemas_of_schemas_count_who_agrees),
		test(unknown_fields_go_and_are_named),
		test(defaults_come_with_their_parents),
		test(only_structural_schemas_are_taken),
		test(definitions_are_checked),
		test(a_definition_is_served_as_long_as_it_is_registered),
		test(tables_know_how_lists_merge),
		test(columns_print_what_stands_there),
		test(patterns_mean_what_they_mean_elsewhere),
		test(patterns_that_are_not_understood_are_refused),
		test(patterns_that_grow_are_refused),
		test(openapi_shows_custom_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
