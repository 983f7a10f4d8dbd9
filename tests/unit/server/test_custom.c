/* Custom resources over HTTP: definitions, their objects, versions, subresources, restarts. */
#include "harness.h"

#define DEFINITIONS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define WIDGETS "/apis/example.com/v1/namespaces/default/widgets"
#define OLD_WIDGETS "/apis/example.com/v1beta1/namespaces/default/widgets"

/* JSON with single quotes, which read better in C. */
static const char *quoted(const char *text)
{
	char *json = (char *)(uintptr_t)str_c(arena, str_copy(arena, str_of(text)));

	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	return json;
}

#define SPEC(spec)                                                                                 \
	"{'type':'object','properties':{'spec':{'type':'object','properties':{" spec "}}}}"
#define V1(schema)                                                                                 \
	"{'name':'v1','served':true,'storage':true,'subresources':{'status':{},'scale':{"          \
	"'specReplicasPath':'.spec.replicas','statusReplicasPath':'.status.replicas'}},"           \
	"'selectableFields':[{'jsonPath':'.spec.color'}],'schema':{'openAPIV3Schema':" schema "}}"
#define DEFINITION(name, names, versions)                                                          \
	"{'apiVersion':'apiextensions.k8s.io/v1','kind':'CustomResourceDefinition','metadata':{"   \
	"'name':'" name ".example.com'},'spec':{'group':'example.com','scope':'Namespaced',"       \
	"'names':{'plural':'" name "'," names "},'versions':[" versions "]}}"
#define COLORED                                                                                    \
	"{'type':'object','properties':{'spec':{'type':'object','properties':{'color':{'type':"    \
	"'string','enum':['red','blue'],'default':'red'},'replicas':{'type':'integer'}}},"         \
	"'status':{'type':'object','properties':{'replicas':{'type':'integer'},'phase':{'type':"   \
	"'string'}}}}}"
#define BETA                                                                                       \
	",{'name':'v1beta1','served':true,'storage':false,'deprecated':true,'schema':{"            \
	"'openAPIV3Schema':{'type':'object','x-kubernetes-preserve-unknown-fields':true}}}"
#define WIDGET(name, spec)                                                                         \
	"{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'" name                 \
	"'},'spec':{" spec "}}"

static const struct doc *post(int code, const char *target, const char *body)
{
	return ask_ok(code, "POST", target, quoted(body));
}

static const struct doc *patch(int code, const char *type, const char *target, const char *body)
{
	sends = type;
	const struct doc *result = ask_ok(code, "PATCH", target, quoted(body));
	sends = NULL;
	return result;
}

#define merge(code, target, body) patch(code, "application/merge-patch+json", target, body)

static const struct doc *define(void)
{
	return post(201, DEFINITIONS, DEFINITION("widgets", "'kind':'Widget'", V1(COLORED) BETA));
}

static const char *condition(const struct doc *definition, const char *type)
{
	doc_each_item(doc_at(definition, "status.conditions"), c) {
		if (str_is(doc_at_str(c, "type"), type))
			return str_format(arena, STR_FMT " " STR_FMT ": " STR_FMT,
					  STR_ARG(doc_at_str(c, "status")),
					  STR_ARG(doc_at_str(c, "reason")),
					  STR_ARG(doc_at_str(c, "message")))
				.at;
	}
	return "";
}

static void a_definition_is_served_at_once(void **state)
{
	(void)state;
	const struct doc *made;

	assert_int_equal(ask("GET", WIDGETS, NULL).code, 404);
	made = define();
	assert_string_equal(condition(made, "NamesAccepted"),
			    "True NoConflicts: no conflicts found");
	assert_string_equal(condition(made, "Established"),
			    "True InitialNamesAccepted: the initial names have been accepted");
	assert_str(doc_at_str(made, "spec.names.listKind"), "WidgetList");
	assert_str(doc_at_str(made, "spec.names.singular"), "widget");
	assert_str(doc_at_str(made, "spec.conversion.strategy"), "None");
	assert_string_equal(text_of(doc_at(made, "status.storedVersions")), "[\"v1\"]");
	made = ask_ok(200, "GET", WIDGETS, NULL);
	assert_str(doc_at_str(made, "kind"), "WidgetList");
	made = post(201, WIDGETS, WIDGET("w", ""));
	assert_str(doc_at_str(made, "spec.color"), "red");
	assert_int_equal(doc_at_int(made, "metadata.generation", 0), 1);
	made = ask_ok(200, "GET", "/apis/example.com/v1", NULL);
	assert_int_equal(doc_len(doc_key(made, "resources")), 3); /* with status and scale */
}

static void bad_objects_are_refused(void **state)
{
	(void)state;
	define();
	ask_fails(422, "Invalid",
		  "Widget.example.com \"w\" is invalid: spec.color: Unsupported value: \"pink\": "
		  "supported values: \"red\", \"blue\"",
		  "POST", WIDGETS, quoted(WIDGET("w", "'color':'pink'")));
	ask_fails(400, "BadRequest",
		  "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: "
		  "unknown field \"spec.colour\"",
		  "POST", WIDGETS "?fieldValidation=Strict", quoted(WIDGET("w", "'colour':'red'")));
	assert_null(doc_at(post(201, WIDGETS, WIDGET("w", "'colour':'red'")), "spec.colour"));
	sends = "application/strategic-merge-patch+json";
	assert_int_equal(ask("PATCH", WIDGETS "/w", "{}").code, 415);
	sends = NULL;
}

static void status_and_scale_are_parts_of_their_own(void **state)
{
	(void)state;
	const struct doc *made;

	define();
	made = post(201, WIDGETS,
		    "{'apiVersion':'example.com/v1','kind':'Widget','metadata':{'name':'w'},'spec':"
		    "{'replicas':2},'status':{'phase':'x'}}");
	assert_null(doc_key(made, "status"));
	made = merge(200, WIDGETS "/w/status",
		     "{'spec':{'replicas':9},'status':{'replicas':1,'phase':'Up'}}");
	assert_int_equal(doc_at_int(made, "spec.replicas", 0), 2);
	assert_str(doc_at_str(made, "status.phase"), "Up");
	assert_int_equal(doc_at_int(made, "metadata.generation", 0), 1);
	made = merge(200, WIDGETS "/w", "{'spec':{'color':'blue'},'status':{'phase':'Down'}}");
	assert_str(doc_at_str(made, "status.phase"), "Up");
	assert_int_equal(doc_at_int(made, "metadata.generation", 0), 2);
	made = ask_ok(200, "GET", WIDGETS "/w/scale", NULL);
	assert_str(doc_at_str(made, "kind"), "Scale");
	assert_int_equal(doc_at_int(made, "spec.replicas", 0), 2);
	assert_int_equal(doc_at_int(made, "status.replicas", 0), 1);
	merge(200, WIDGETS "/w/scale", "{'spec':{'replicas':5}}");
	made = ask_ok(200, "GET", WIDGETS "/w", NULL);
	assert_int_equal(doc_at_int(made, "spec.replicas", 0), 5);
}

static void every_version_shows_the_same_object(void **state)
{
	(void)state;
	struct reply_seen seen;
	struct answer *watch;
	const struct doc *events[4];

	define();
	post(201, WIDGETS, WIDGET("w", ""));
	seen = ask("GET", OLD_WIDGETS "/w", NULL);
	assert_str(doc_at_str(seen.doc, "apiVersion"), "example.com/v1beta1");
	assert_str(doc_at_str(seen.doc, "spec.color"), "red");
	assert_non_null(strstr(seen.headers, "Warning: 299 - \"example.com/v1beta1 Widget is "
					     "deprecated; use example.com/v1 Widget\""));
	watch = ask_open("GET", OLD_WIDGETS "?watch=true&resourceVersion=0", NULL);
	assert_int_equal(take_events(watch, events, 4), 1);
	assert_str(doc_at_str(events[0], "object.apiVersion"), "example.com/v1beta1");
	merge(200, OLD_WIDGETS "/w", "{'spec':{'color':'blue'}}");
	assert_int_equal(take_events(watch, events, 4), 1);
	assert_str(doc_at_str(events[0], "type"), "MODIFIED");
	assert_str(doc_at_str(events[0], "object.apiVersion"), "example.com/v1beta1");
	answer_free(watch);
	seen.doc = ask_ok(200, "GET", WIDGETS "?fieldSelector=spec.color%3Dblue", NULL);
	assert_int_equal(doc_len(doc_key(seen.doc, "items")), 1);
	assert_str(doc_at_str(seen.doc, "items.0.apiVersion"), "example.com/v1");
	seen.doc = ask_ok(200, "GET", WIDGETS "?fieldSelector=spec.color%3Dred", NULL);
	assert_int_equal(doc_len(doc_key(seen.doc, "items")), 0);
	assert_int_equal(ask("GET", WIDGETS "?fieldSelector=spec.other%3Dred", NULL).code, 400);
}

static void a_change_of_the_schema_holds_from_then_on(void **state)
{
	(void)state;
	const struct doc *made;

	define();
	post(201, WIDGETS, WIDGET("w", "'color':'blue'"));
	merge(200, DEFINITIONS "/widgets.example.com",
	      "{'spec':{'versions':[" V1(
		      "{'type':'object','properties':{'spec':{'type':'object','properties':{"
		      "'color':{'type':'string','enum':['red','green']},'size':{'type':'integer',"
		      "'default':4}}}}}") "]}}");
	assert_int_equal(ask("GET", OLD_WIDGETS, NULL).code, 404);
	made = ask_ok(200, "GET", WIDGETS "/w", NULL);
	assert_str(doc_at_str(made, "spec.color"), "blue"); /* what is stored stays */
	ask_ok(422, "POST", WIDGETS, quoted(WIDGET("v", "'color':'blue'")));
	made = post(201, WIDGETS, WIDGET("v", "'color':'green'"));
	assert_int_equal(doc_at_int(made, "spec.size", 0), 4);
	/* What was wrong before the change may stay wrong while it is not touched. */
	made = merge(200, WIDGETS "/w", "{'metadata':{'labels':{'a':'b'}}}");
	assert_str(doc_at_str(made, "metadata.labels.a"), "b");
	sends = "application/merge-patch+json";
	ask_fails(422, "Invalid",
		  "Widget.example.com \"w\" is invalid: spec.color: Unsupported value: \"black\": "
		  "supported values: \"red\", \"green\"",
		  "PATCH", WIDGETS "/w", quoted("{'spec':{'color':'black'}}"));
	sends = NULL;
}

static void names_that_are_taken_wait(void **state)
{
	(void)state;
	const struct doc *made;

	define();
	made = post(201, DEFINITIONS,
		    DEFINITION("gadgets", "'kind':'Widget','listKind':'GadgetList'", V1(COLORED)));
	assert_string_equal(condition(made, "NamesAccepted"),
			    "False KindConflict: \"Widget\" is already in use");
	assert_string_equal(condition(made, "Established"),
			    "False NotAccepted: not all names are accepted");
	assert_int_equal(ask("GET", "/apis/example.com/v1/gadgets", NULL).code, 404);
	/* Another name frees it. */
	merge(200, DEFINITIONS "/gadgets.example.com",
	      "{'spec':{'names':{'kind':'Gadget','singular':'gadget'}}}");
	made = ask_ok(200, "GET", DEFINITIONS "/gadgets.example.com", NULL);
	assert_string_equal(condition(made, "NamesAccepted"),
			    "True NoConflicts: no conflicts found");
	assert_int_equal(ask("GET", "/apis/example.com/v1/gadgets", NULL).code, 200);
}

static void lists_merge_by_their_keys_in_server_side_apply(void **state)
{
	(void)state;
	static const char applied[] =
		"apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {parts: [{"
		"name: %s, many: 1}]}\n";
	const struct doc *made;

	post(201, DEFINITIONS,
	     DEFINITION("widgets", "'kind':'Widget'",
			V1(SPEC("'parts':{'type':'array','x-kubernetes-list-type':'map',"
				"'x-kubernetes-list-map-keys':['name'],'items':{'type':'object',"
				"'properties':{'name':{'type':'string'},'many':{'type':"
				"'integer'}}}}"))));
	patch(201, "application/apply-patch+yaml", WIDGETS "/w?fieldManager=a",
	      str_format(arena, applied, "x").at);
	made = patch(200, "application/apply-patch+yaml", WIDGETS "/w?fieldManager=b",
		     str_format(arena, applied, "z").at);
	assert_string_equal(text_of(doc_at(made, "spec.parts")),
			    "[{\"name\":\"x\",\"many\":1},{\"name\":\"z\",\"many\":1}]");
	made = patch(200, "application/apply-patch+yaml", WIDGETS "/w?fieldManager=a",
		     "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n");
	assert_string_equal(text_of(doc_at(made, "spec.parts")), "[{\"name\":\"z\",\"many\":1}]");
}

static void rules_in_cel_are_refused(void **state)
{
	(void)state;
	ask_fails(422, "Invalid",
		  "CustomResourceDefinition.apiextensions.k8s.io \"widgets.example.com\" is "
		  "invalid: spec.versions[0].schema.openAPIV3Schema.properties[spec]."
		  "x-kubernetes-validations: Forbidden: rules in CEL are not supported by this "
		  "server; leave them out",
		  "POST", DEFINITIONS,
		  quoted(DEFINITION("widgets", "'kind':'Widget'",
				    V1("{'type':'object','properties':{'spec':{'type':'object',"
				       "'x-kubernetes-validations':[{'rule':'self.a > 1'}]}}}"))));
}

static void everything_is_there_again_after_a_restart(void **state)
{
	(void)state;
	static const struct server_config config = { .admin_token = STR_INIT("secret-token") };
	struct error error = ERROR_INIT;
	const struct doc *made;

	define();
	post(201, WIDGETS, WIDGET("w", "'color':'blue'"));
	server_free(server);
	store_free(store);
	schema_free(schema);
	schema = schema_new();
	store = store_new(schema, test_log, &test_clock);
	assert_int_equal(store_open(store, &error), ST_OK);
	server = server_new(&config, store, schema, &test_clock, &dice);
	assert_int_equal(server_bootstrap(server, &error), ST_OK);
	server_set_ready(server, true);
	made = ask_ok(200, "GET", WIDGETS "/w", NULL);
	assert_str(doc_at_str(made, "spec.color"), "blue");
	made = post(201, WIDGETS, WIDGET("v", ""));
	assert_str(doc_at_str(made, "spec.color"), "red");
}

static void objects_go_before_their_definition(void **state)
{
	(void)state;
	const struct doc *made;

	define();
	post(201, WIDGETS, WIDGET("w", ""));
	made = ask_ok(200, "DELETE", DEFINITIONS "/widgets.example.com", NULL);
	made = ask_ok(200, "GET", DEFINITIONS "/widgets.example.com", NULL);
	assert_true(doc_at_str(made, "metadata.deletionTimestamp").len > 0);
	assert_string_equal(condition(made, "Terminating"),
			    "True InstanceDeletionPending: CustomResourceDefinition marked for "
			    "deletion; CustomResource deletion will begin soon");
	ask_fails(405, "MethodNotAllowed",
		  "create not allowed while custom resource definition is terminating", "POST",
		  WIDGETS, quoted(WIDGET("v", "")));
	ask_ok(200, "DELETE", WIDGETS "/w", NULL);
	post(201, DEFINITIONS, DEFINITION("gadgets", "'kind':'Widget'", V1(COLORED)));
	merge(200, DEFINITIONS "/widgets.example.com", "{'metadata':{'finalizers':null}}");
	assert_int_equal(ask("GET", DEFINITIONS "/widgets.example.com", NULL).code, 404);
	assert_int_equal(ask("GET", WIDGETS, NULL).code, 404);
	/* Who waited for the name has it now. */
	server_tick(server);
	made = ask_ok(200, "GET", DEFINITIONS "/gadgets.example.com", NULL);
	assert_string_equal(condition(made, "NamesAccepted"),
			    "True NoConflicts: no conflicts found");
	assert_int_equal(ask("GET", "/apis/example.com/v1/gadgets", NULL).code, 200);
	merge(200, DEFINITIONS "/gadgets.example.com",
	      "{'metadata':{'finalizers':null},'spec':{'names':{'kind':'Gadget','listKind':"
	      "'GadgetList','singular':'gadget'}}}");
	/* The name may come back with another shape. */
	post(201, DEFINITIONS,
	     DEFINITION("widgets", "'kind':'Widget'", V1(SPEC("'n':{'type':'integer'}"))));
	made = ask_ok(200, "GET", WIDGETS, NULL);
	assert_int_equal(doc_len(doc_key(made, "items")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cluster_test(a_definition_is_served_at_once),
		cluster_test(bad_objects_are_refused),
		cluster_test(status_and_scale_are_parts_of_their_own),
		cluster_test(every_version_shows_the_same_object),
		cluster_test(a_change_of_the_schema_holds_from_then_on),
		cluster_test(names_that_are_taken_wait),
		cluster_test(lists_merge_by_their_keys_in_server_side_apply),
		cluster_test(rules_in_cel_are_refused),
		cluster_test(everything_is_there_again_after_a_restart),
		cluster_test(objects_go_before_their_definition),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
