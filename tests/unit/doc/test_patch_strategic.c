/* Strategic merge patches on a small pod schema. What is expected here is what kubectl 1.33 prints
 * for `patch --local --type strategic`. */
#include "../unit.h"

#include "base/random.h"
#include "doc/build.h"
#include "doc/json.h"
#include "doc/patch_merge.h"
#include "doc/patch_three_way.h"
#include "quoted.h"

static struct arena *arena;

/* ---- a schema of a few fields */

static const struct test_field {
	const char *of, *name, *type, *merge_key;
	bool merge, retain_keys;
} fields[] = {
	{ "Pod", "metadata", "Meta" },
	{ "Pod", "spec", "Spec" },
	{ "Meta", "finalizers", NULL, NULL, true },
	{ "Meta", "labels", "map" },
	{ "Meta", "ownerReferences", "Owner", "uid", true },
	{ "Spec", "containers", "Container", "name", true },
	{ "Spec", "initContainers", "Container", "name", true },
	{ "Spec", "volumes", "Volume", "name", true, true },
	{ "Spec", "tolerations", "Toleration" },
	{ "Spec", "nodeSelector", "map" },
	{ "Spec", "strategy", "Strategy", NULL, false, true },
	{ "Container", "env", "Env", "name", true },
	{ "Container", "ports", "Port", "containerPort", true },
	{ "Container", "args", NULL },
	{ "Volume", "hostPath", "HostPath" },
	{ "Volume", "emptyDir", "EmptyDir" },
	{ "Strategy", "rollingUpdate", "RollingUpdate" },
};

static bool find_field(const void *type, struct str key, struct patch_field *ret_field)
{
	for (u32 i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(fields[i].of, type) || !str_is(key, fields[i].name))
			continue;
		*ret_field = (struct patch_field){ .type = fields[i].type,
						   .merge_key = str_of(fields[i].merge_key),
						   .merge = fields[i].merge,
						   .retain_keys = fields[i].retain_keys };
		return true;
	}
	return !strcmp(type, "map");
}

static const struct patch_schema schema = { find_field, "Pod" };

static const struct doc *parse(const char *text)
{
	const struct doc *d = NULL;

	if (json_parse(arena, str_of(quoted(arena, text)), &d, NULL) != ST_OK)
		fail_msg("not JSON: %s", text);
	return d;
}

static void same(const struct doc *d, const char *expected)
{
	const char *text = d ? json_text(arena, d).at : "absent";

	if (!d || !doc_eq(d, parse(expected)))
		fail_msg("got      %s\nexpected %s", text, expected);
}

static const char pod[] =
	"{'metadata':{'name':'p','finalizers':['a','b','c'],'labels':{'x':'1','y':'2'}},"
	"'spec':{'containers':[{'name':'web','image':'nginx:1','env':[{'name':'A','value':'1'},"
	"{'name':'B','value':'2'}],'ports':[{'containerPort':80},{'containerPort':443}],"
	"'args':['-a','-b']},{'name':'side','image':'s:1'}],'volumes':[{'name':'v','emptyDir':{}},"
	"{'name':'w','hostPath':{'path':'/x'}}],'tolerations':[{'key':'k','operator':'Exists'}],"
	"'nodeSelector':{'d':'ssd'}}}";

/* ---- applying */

static void patches_apply_as_kubectl_applies_them(void **state)
{
	(void)state;
	static const struct {
		const char *patch, *path, *expected;
	} cases[] = {
		{ "{'spec':{'containers':[{'name':'side','image':'s:2'},{'name':'new'}]}}",
		  "spec.containers",
		  "[{'args':['-a','-b'],'env':[{'name':'A','value':'1'},{'name':'B','value':'2'}],"
		  "'image':'nginx:1','name':'web','ports':[{'containerPort':80},"
		  "{'containerPort':443}]},{'image':'s:2','name':'side'},{'name':'new'}]" },
		{ "{'spec':{'containers':[{'name':'web','env':[{'name':'B','$patch':'delete'},"
		  "{'name':'C','value':'3'}]}]}}",
		  "spec.containers.0.env", "[{'name':'C','value':'3'},{'name':'A','value':'1'}]" },
		{ "{'spec':{'containers':[{'name':'web','ports':[{'containerPort':80,'name':'h'},"
		  "{'$patch':'replace'}]}]}}",
		  "spec.containers.0.ports", "[{'containerPort':80,'name':'h'}]" },
		{ "{'spec':{'containers':[{'name':'web','ports':[{'containerPort':443,"
		  "'protocol':'UDP'}]}]}}",
		  "spec.containers.0.ports",
		  "[{'containerPort':80},{'containerPort':443,'protocol':'UDP'}]" },
		{ "{'spec':{'$setElementOrder/containers':[{'name':'side'},{'name':'web'}],"
		  "'containers':[{'name':'web','$patch':'delete'}]}}",
		  "spec.containers", "[{'image':'s:1','name':'side'}]" },
		{ "{'spec':{'$setElementOrder/containers':[{'name':'new'},{'name':'side'}],"
		  "'containers':[{'name':'new','image':'n'},{'name':'web','$patch':'delete'}]}}",
		  "spec.containers", "[{'name':'new','image':'n'},{'image':'s:1','name':'side'}]" },
		{ "{'metadata':{'$deleteFromPrimitiveList/finalizers':['b'],"
		  "'finalizers':['d','a']}}",
		  "metadata.finalizers", "['d','a','c']" },
		{ "{'metadata':{'$setElementOrder/finalizers':['c','a','d'],'finalizers':['d']}}",
		  "metadata.finalizers", "['b','c','a','d']" },
		{ "{'spec':{'volumes':[{'name':'v','$retainKeys':['name','hostPath'],"
		  "'hostPath':{'path':'/y'}}]}}",
		  "spec.volumes",
		  "[{'hostPath':{'path':'/y'},'name':'v'},{'hostPath':{'path':'/x'},'name':'w'}]" },
		{ "{'spec':{'tolerations':[{'key':'z'}]}}", "spec.tolerations", "[{'key':'z'}]" },
		{ "{'spec':{'nodeSelector':{'d':null,'e':'f'}}}", "spec.nodeSelector",
		  "{'e':'f'}" },
		{ "{'spec':{'nodeSelector':{'$patch':'replace','e':'f'}}}", "spec.nodeSelector",
		  "{'e':'f'}" },
		{ "{'spec':{'nodeSelector':{'$patch':'delete'}}}", "spec.nodeSelector", "{}" },
		{ "{'spec':{'containers':[{'name':'web','args':['-c']}]}}",
		  "spec.containers.0.args", "['-c']" },
		{ "{'spec':{'x':{'a':null,'b':[{'c':null,'d':1}]}}}", "spec.x", "{'b':[{'d':1}]}" },
		/* nothing to delete: kubectl leaves half an item here */
		{ "{'spec':{'initContainers':[{'name':'i','$patch':'delete'},{'name':'j'}]}}",
		  "spec.initContainers", "[{'name':'j'}]" },
		{ "{'metadata':{'$patch':'merge','labels':{'q':'r'}}}", "metadata.labels",
		  "{'x':'1','y':'2','q':'r'}" },
		/* new lists may name one port twice */
		{ "{'spec':{'containers':[{'name':'side','ports':[{'containerPort':53,"
		  "'protocol':'TCP'},{'containerPort':53,'protocol':'UDP'}]}]}}",
		  "spec.containers.1.ports",
		  "[{'containerPort':53,'protocol':'TCP'},"
		  "{'containerPort':53,'protocol':'UDP'}]" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = ERROR_INIT;
		const struct doc *result, *target = parse(pod);

		if (patch_strategic(arena, &schema, target, parse(cases[i].patch), &result,
				    &error) != ST_OK)
			fail_msg("%s: %s", cases[i].patch, error.message);
		same(doc_at(result, cases[i].path), cases[i].expected);
		same(target, pod);
	}
}

static void order_follows_the_patch_then_the_server(void **state)
{
	(void)state;
	static const struct {
		const char *patch, *names;
	} cases[] = {
		{ "{'$setElementOrder/containers':[{'name':'d'},{'name':'a'}]}", "b c d a" },
		{ "{'$setElementOrder/containers':[{'name':'n'},{'name':'c'}],'containers':"
		  "[{'name':'n'}]}",
		  "n a b c d" },
		{ "{'containers':[{'name':'n'},{'name':'a','x':1},{'name':'m'}]}", "n a m b c d" },
		{ "{'$setElementOrder/containers':[{'name':'d'},{'name':'c'},{'name':'b'},"
		  "{'name':'a'}]}",
		  "d c b a" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		const struct doc *target = parse("{'spec':{'containers':[{'name':'a'},{'name':'b'},"
						 "{'name':'c'},{'name':'d'}]}}");
		struct str text = str_format(arena, "{'spec':%s}", cases[i].patch);
		struct buffer names = BUFFER_INIT(100);
		const struct doc *result;

		assert_int_equal(
			patch_strategic(arena, &schema, target, parse(text.at), &result, NULL),
			ST_OK);
		doc_each_item(doc_at(result, "spec.containers"), c) {
			buffer_add_str(&names, doc_at_str(c, "name"));
			buffer_add_char(&names, ' ');
		}
		names.len--;
		assert_str(buffer_str(&names), cases[i].names);
		buffer_release(&names);
	}
}

static void broken_patches_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *patch, *message;
	} cases[] = {
		{ "{'spec':{'volumes':[{'name':'v','$retainKeys':['name'],'hostPath':{}}]}}",
		  "invalid patch format of retainKeys" },
		{ "{'spec':{'containers':[{'image':'n'}]}}",
		  "map: {\"image\":\"n\"} does not contain declared merge key: name" },
		{ "{'spec':{'containers':[{'name':'x','$patch':'bad'}]}}",
		  "unknown patch type: \"bad\" in map: {\"name\":\"x\",\"$patch\":\"bad\"}" },
		{ "{'metadata':{'$patch':1}}", "unknown patch type: 1 in map: {\"$patch\":1}" },
		{ "{'metadata':{'$deleteFromPrimitiveList/finalizers':'b'}}",
		  "invalid patch format of primitive list" },
		{ "{'metadata':{'$setElementOrder/finalizers':'b'}}",
		  "invalid patch format of setElementOrder list" },
		{ "{'metadata':{'finalizers':[1]}}", "list element types are not identical" },
		{ "{'metadata':{'finalizers':[['x']]}}", "lists of lists are not supported" },
		{ "{'spec':{'$setElementOrder/containers':[{'name':'side'},{'name':'web'}],"
		  "'containers':[{'name':'web','image':'w'},{'name':'side','image':'n'}]}}",
		  "The order in patch "
		  "list:\n[{\"name\":\"web\",\"image\":\"w\"},{\"name\":\"side\","
		  "\"image\":\"n\"}]\n doesn't match $setElementOrder list:\n[{\"name\":\"side\"},"
		  "{\"name\":\"web\"}]\n" },
		{ "[]", "a strategic merge patch must be an object" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = ERROR_INIT;
		const struct doc *result;

		assert_int_not_equal(patch_strategic(arena, &schema, parse(pod),
						     parse(cases[i].patch), &result, &error),
				     ST_OK);
		assert_string_equal(error.message, cases[i].message);
	}
}

/* ---- making */

static void two_way_patches_say_what_changed(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *patch;
	} cases[] = {
		{ "{'metadata':{'labels':{'a':'1','b':'2'}}}",
		  "{'metadata':{'labels':{'a':'1','c':'3'}}}",
		  "{'metadata':{'labels':{'c':'3','b':null}}}" },
		{ "{'spec':{'containers':[{'name':'a','image':'1'},{'name':'b'}]}}",
		  "{'spec':{'containers':[{'name':'c'},{'name':'a','image':'2'}]}}",
		  "{'spec':{'containers':[{'name':'c'},{'image':'2','name':'a'},{'name':'b',"
		  "'$patch':'delete'}],'$setElementOrder/"
		  "containers':[{'name':'c'},{'name':'a'}]}}" },
		{ "{'spec':{'containers':[{'name':'a'},{'name':'b'}]}}",
		  "{'spec':{'containers':[{'name':'b'},{'name':'a'}]}}",
		  "{'spec':{'$setElementOrder/containers':[{'name':'b'},{'name':'a'}]}}" },
		{ "{'metadata':{'finalizers':['a','b']}}", "{'metadata':{'finalizers':['c','b']}}",
		  "{'metadata':{'finalizers':['c'],'$deleteFromPrimitiveList/finalizers':['a'],"
		  "'$setElementOrder/finalizers':['c','b']}}" },
		{ "{'spec':{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}}",
		  "{'spec':{'strategy':{'type':'Recreate'}}}",
		  "{'spec':{'strategy':{'type':'Recreate','rollingUpdate':null,"
		  "'$retainKeys':['type']}}}" },
		{ "{'spec':{'volumes':[{'name':'v','emptyDir':{}}]}}",
		  "{'spec':{'volumes':[{'name':'v','hostPath':{'path':'/y'}}]}}",
		  "{'spec':{'volumes':[{'name':'v','hostPath':{'path':'/y'},'emptyDir':null,"
		  "'$retainKeys':['hostPath','name']}],'$setElementOrder/"
		  "volumes':[{'name':'v'}]}}" },
		{ "{'spec':{'tolerations':[{'key':'a'}]}}",
		  "{'spec':{'tolerations':[{'key':'a'},{'key':'b'}]}}",
		  "{'spec':{'tolerations':[{'key':'a'},{'key':'b'}]}}" },
		{ "{'spec':{'containers':[{'name':'a','ports':[{'containerPort':80}]}]}}",
		  "{'spec':{'containers':[{'name':'a','ports':[{'containerPort':8080}]}]}}",
		  "{'spec':{'containers':[{'name':'a','ports':[{'containerPort':8080},"
		  "{'containerPort':80,'$patch':'delete'}],'$setElementOrder/ports':"
		  "[{'containerPort':8080}]}],'$setElementOrder/containers':[{'name':'a'}]}}" },
		{ "{'spec':{'containers':[{'name':'a'}]}}",
		  "{'spec':{'containers':[{'name':'a'}]}}", "{}" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		const struct doc *from = parse(cases[i].from), *to = parse(cases[i].to);
		const struct doc *patch, *result;

		assert_int_equal(patch_strategic_two_way(arena, &schema, from, to, &patch, NULL),
				 ST_OK);
		same(patch, cases[i].patch);
		assert_int_equal(patch_strategic(arena, &schema, from, patch, &result, NULL),
				 ST_OK);
		same(result, cases[i].to);
	}
}

static void three_way_patches_keep_what_others_set(void **state)
{
	(void)state;
	static const struct {
		const char *original, *modified, *current, *patch;
	} cases[] = {
		/* the image changed, a side-car and a label came from elsewhere */
		{ "{'spec':{'containers':[{'name':'a','image':'1'}]}}",
		  "{'spec':{'containers':[{'name':'a','image':'2'}]}}",
		  "{'metadata':{'labels':{'x':'y'}},'spec':{'containers':[{'name':'a','image':'1'},"
		  "{'name':'mesh'}]}}",
		  "{'spec':{'containers':[{'image':'2','name':'a'}],"
		  "'$setElementOrder/containers':[{'name':'a'}]}}" },
		/* a container and a label we applied are gone */
		{ "{'metadata':{'labels':{'k':'1','l':'2'}},'spec':{'containers':[{'name':'a'},"
		  "{'name':'b'}]}}",
		  "{'metadata':{'labels':{'k':'1'}},'spec':{'containers':[{'name':'a'}]}}",
		  "{'metadata':{'labels':{'k':'1','l':'2','m':'3'}},'spec':{'containers':"
		  "[{'name':'a'},{'name':'b'}]}}",
		  "{'metadata':{'labels':{'l':null}},'spec':{'$setElementOrder/containers':"
		  "[{'name':'a'}],'containers':[{'name':'b','$patch':'delete'}]}}" },
		/* someone else changed what we want as it was */
		{ "{'spec':{'nodeSelector':{'d':'ssd'}}}", "{'spec':{'nodeSelector':{'d':'ssd'}}}",
		  "{'spec':{'nodeSelector':{'d':'hdd'}}}",
		  "{'spec':{'nodeSelector':{'d':'ssd'}}}" },
		{ "{'spec':{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':2}}}}",
		  "{'spec':{'strategy':{'type':'Recreate'}}}",
		  "{'spec':{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':2,"
		  "'maxUnavailable':1}}}}",
		  "{'spec':{'strategy':{'type':'Recreate','rollingUpdate':null,"
		  "'$retainKeys':['type']}}}" },
		{ "{'metadata':{'finalizers':['a','b']}}", "{'metadata':{'finalizers':['b','c']}}",
		  "{'metadata':{'finalizers':['a','b','z']}}",
		  "{'metadata':{'$deleteFromPrimitiveList/finalizers':['a'],"
		  "'$setElementOrder/finalizers':['b','c'],'finalizers':['c']}}" },
		{ "{'spec':{'containers':[{'name':'a'}]}}",
		  "{'spec':{'containers':[{'name':'a'}]}}",
		  "{'spec':{'containers':[{'name':'a','image':'filled in'}]}}", "{}" },
		{ "null", "{'spec':{'nodeSelector':{'d':'x'}}}", "{'spec':{'replicas':1}}",
		  "{'spec':{'nodeSelector':{'d':'x'}}}" },
	};

	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct error error = ERROR_INIT;
		const struct doc *patch, *original = parse(cases[i].original);

		if (patch_strategic_three_way(arena, &schema,
					      doc_is_null(original) ? NULL : original,
					      parse(cases[i].modified), parse(cases[i].current),
					      true, &patch, &error) != ST_OK)
			fail_msg("%u: %s", i, error.message);
		same(patch, cases[i].patch);
	}
}

static void conflicts_are_found_when_nothing_may_be_overwritten(void **state)
{
	(void)state;
	const struct doc *original = parse("{'spec':{'nodeSelector':{'d':'1'},'containers':"
					   "[{'name':'a','image':'1'}]}}");
	const struct doc *theirs = parse("{'spec':{'nodeSelector':{'d':'1','e':'1'},'containers':"
					 "[{'name':'a','image':'3'}]}}");
	const struct doc *ours = parse("{'spec':{'nodeSelector':{'d':'1'},'containers':"
				       "[{'name':'a','image':'2'}]}}");
	const struct doc *apart = parse("{'spec':{'nodeSelector':{'d':'2'},'containers':"
					"[{'name':'a','image':'3'}]}}");
	const struct doc *patch;

	assert_int_equal(patch_strategic_three_way(arena, &schema, original, ours, theirs, false,
						   &patch, NULL),
			 ST_CONFLICT);
	assert_int_equal(patch_strategic_three_way(arena, &schema, original, apart, theirs, false,
						   &patch, NULL),
			 ST_OK);
	same(patch, "{'spec':{'nodeSelector':{'d':'2'}}}");
}

static void merge_three_way_works_without_a_schema(void **state)
{
	(void)state;
	const struct doc *original =
		parse("{'metadata':{'name':'n'},'spec':{'a':1,'b':2,'l':[1]}}");
	const struct doc *modified = parse("{'metadata':{'name':'n'},'spec':{'a':3,'l':[1,2],"
					   "'e':{}}}");
	const struct doc *current = parse("{'metadata':{'name':'n','uid':'u'},'spec':{'a':1,'b':2,"
					  "'l':[1],'z':9}}");
	const struct doc *other = parse("{'metadata':{'name':'m'}}"), *patch;
	struct error error = ERROR_INIT;

	assert_int_equal(patch_merge_three_way(arena, original, modified, current, &patch, NULL),
			 ST_OK);
	same(patch, "{'spec':{'b':null,'a':3,'l':[1,2],'e':{}}}");
	same(patch_merge(arena, current, patch),
	     "{'metadata':{'name':'n','uid':'u'},'spec':{'a':3,'l':[1,2],'z':9,'e':{}}}");
	assert_int_equal(patch_merge_three_way(arena, original, other, current, &patch, &error),
			 ST_CONFLICT);
	assert_string_equal(error.message, "At least one of apiVersion, kind and name was changed");
}

/* ---- for random documents: what was applied is what one gets, and nothing of others is lost */

static struct random dice;

static const struct doc *random_list(const char *key, bool nested)
{
	struct build b = build_array(arena);
	u32 start = random_below(&dice, 6), count = random_below(&dice, 5);

	for (u32 i = 0; i < count; i++) {
		u32 n = (start + i * (1 + start % 2 * 4)) %
			6; /* forwards or backwards, no repeats */

		build_open_object(&b, NULL);
		build_str(&b, key, str_format(arena, "n%u", n));
		if (random_chance(&dice, 700))
			build_str(&b, "image", str_format(arena, "%u", random_below(&dice, 3)));
		if (nested && random_chance(&dice, 500))
			build_doc(&b, "env", random_list("name", false));
		if (nested && random_chance(&dice, 300))
			build_doc(&b, "args", random_list("x", false));
		build_close(&b);
	}
	return build_done(&b);
}

static const struct doc *random_pod(void)
{
	struct build b = build_object(arena);

	build_open_object(&b, "metadata");
	build_open_object(&b, "labels");
	for (u32 i = 0; i < 4; i++)
		if (random_chance(&dice, 500))
			build_int(&b, str_format(arena, "l%u", i).at, random_below(&dice, 3));
	build_close(&b);
	build_open_array(&b, "finalizers");
	for (u32 i = 0; i < 5; i++)
		if (random_chance(&dice, 500))
			build_str(&b, NULL, str_format(arena, "f%u", i));
	build_close(&b);
	build_close(&b);
	build_open_object(&b, "spec");
	if (random_chance(&dice, 800))
		build_doc(&b, "containers", random_list("name", true));
	if (random_chance(&dice, 500))
		build_doc(&b, "volumes", random_list("name", false));
	if (random_chance(&dice, 500))
		build_doc(&b, "tolerations", random_list("key", false));
	build_open_object(&b, "strategy");
	build_int(&b, random_chance(&dice, 500) ? "rollingUpdate" : "type", random_below(&dice, 3));
	build_close(&b);
	build_close(&b);
	return build_done(&b);
}

/* Every field of `wanted` stands in `d`; items of merging lists are looked up by name. */
static bool covers(const struct doc *d, const struct doc *wanted)
{
	if (!d)
		return !doc_len(wanted) && wanted->type >= DOC_ARRAY;
	if (wanted->type == DOC_OBJECT) {
		for (u32 i = 0; i < wanted->len; i++)
			if (!covers(doc_get(d, doc_pair_key(wanted, i)), doc_pair_value(wanted, i)))
				return false;
		return true;
	}
	if (wanted->type != DOC_ARRAY)
		return doc_eq(d, wanted);
	doc_each_item(wanted, item) {
		bool found = false;

		doc_each_item(d, other)
			found |= item->type == DOC_OBJECT
					 ? doc_eq(doc_key(item, "name"), doc_key(other, "name")) &&
						   covers(other, item)
					 : doc_eq(item, other);
		if (!found)
			return false;
	}
	return true;
}

static void three_way_gives_what_was_wanted(void **state)
{
	(void)state;
	random_seed(&dice, 42);
	for (u32 round = 0; round < 3000; round++) {
		const struct doc *original = random_pod(), *modified = random_pod();
		const struct doc *current = random_pod(), *patch, *result, *again;
		struct error error = ERROR_INIT;

		if (patch_strategic_three_way(arena, &schema, original, modified, current, true,
					      &patch, &error) != ST_OK ||
		    patch_strategic(arena, &schema, current, patch, &result, &error) != ST_OK)
			fail_msg("round %u: %s", round, error.message);
		if (!covers(result, modified))
			fail_msg("round %u\noriginal %s\nmodified %s\ncurrent  %s\npatch    %s\n"
				 "result   %s",
				 round, json_text(arena, original).at,
				 json_text(arena, modified).at, json_text(arena, current).at,
				 json_text(arena, patch).at, json_text(arena, result).at);
		/* Applying the same again changes nothing. */
		assert_int_equal(patch_strategic_three_way(arena, &schema, modified, modified,
							   result, true, &again, &error),
				 ST_OK);
		assert_int_equal(patch_strategic(arena, &schema, result, again, &again, &error),
				 ST_OK);
		assert_true(doc_eq(again, result));
		assert_int_equal(
			patch_strategic_two_way(arena, &schema, current, modified, &patch, &error),
			ST_OK);
		assert_int_equal(patch_strategic(arena, &schema, current, patch, &result, &error),
				 ST_OK);
		assert_true(covers(result, modified) && covers(modified, result));
		arena_reset(arena);
	}
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
		cmocka_unit_test(patches_apply_as_kubectl_applies_them),
		cmocka_unit_test(order_follows_the_patch_then_the_server),
		cmocka_unit_test(broken_patches_are_refused),
		cmocka_unit_test(two_way_patches_say_what_changed),
		cmocka_unit_test(three_way_patches_keep_what_others_set),
		cmocka_unit_test(conflicts_are_found_when_nothing_may_be_overwritten),
		cmocka_unit_test(merge_three_way_works_without_a_schema),
		cmocka_unit_test(three_way_gives_what_was_wanted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
