/* What must hold for every table in api/: sentences, numbers, keys, paths that lead somewhere. */
#include "../unit.h"

#include "schema/schema.h"

static bool is_sentence(struct str s)
{
	return s.len > 4 && s.at[s.len - 1] == '.' && s.at[0] != ' ';
}

static void every_struct_field_and_kind_has_a_sentence(void **state)
{
	(void)state;
	for (u16 i = 0; i < api_structs_len; i++) {
		const struct api_struct *s = api_structs[i];

		if (!is_sentence(s->text))
			fail_msg("struct " STR_FMT " has no sentence", STR_ARG(s->name));
		for (u16 j = 0; j < s->len; j++)
			if (!is_sentence(s->fields[j].text))
				fail_msg("field " STR_FMT "." STR_FMT " has no sentence",
					 STR_ARG(s->name), STR_ARG(s->fields[j].name));
	}
	for (u16 i = 1; i < api_kinds_len; i++)
		if (!is_sentence(api_kinds[i].text))
			fail_msg("kind " STR_FMT " has no sentence", STR_ARG(api_kinds[i].kind));
}

static void numbers_and_names_are_unique(void **state)
{
	(void)state;
	for (u16 i = 0; i < api_structs_len; i++) {
		const struct api_struct *s = api_structs[i];

		for (u16 j = 0; j < s->len; j++) {
			const struct api_field *a = &s->fields[j];

			assert_ptr_equal(api_field_find(s, a->name), a);
			for (u16 k = 0; k < j; k++) {
				const struct api_field *b = &s->fields[k];
				bool hoisted = (a->flags | b->flags) & API_HOISTED;

				if (a->number == b->number && !hoisted)
					fail_msg("%u is twice in " STR_FMT, a->number,
						 STR_ARG(s->name));
			}
		}
	}
}

/* A list is merged by keys that its items really have; scalars have none. */
static void keys_of_lists_exist(void **state)
{
	(void)state;
	for (u16 i = 0; i < api_structs_len; i++) {
		for (u16 j = 0; j < api_structs[i]->len; j++) {
			const struct api_field *f = &api_structs[i]->fields[j];

			if (f->patch_key.len) {
				assert_non_null(f->of);
				assert_non_null(api_field_find(f->of, f->patch_key));
			}
			for (u8 k = 0; k < f->list_keys_len; k++)
				assert_non_null(api_field_find(f->of, f->list_keys[k]));
			if (f->list == API_LIST_MAP)
				assert_true(f->list_keys_len > 0);
		}
	}
}

/* Follows a path as field selectors and scale have them. */
static bool path_exists(const struct api_struct *s, struct str path)
{
	while (path.at && s) {
		const struct api_field *f = api_field_find(s, str_cut(&path, '.'));

		if (!f)
			return false;
		if (!path.at)
			return true;
		s = f->of;
	}
	return false;
}

static void paths_of_kinds_lead_somewhere(void **state)
{
	(void)state;
	/* Kubernetes' own odd ones: said by selectors, not by fields. */
	for (u16 i = 1; i < api_kinds_len; i++) {
		const struct api_kind *k = &api_kinds[i];

		for (u8 j = 0; j < k->selects_len; j++) {
			if (str_is(k->selects[j], "source") ||
			    str_is(k->selects[j], "status.successful"))
				continue;
			if (!path_exists(k->root, k->selects[j]))
				fail_msg(STR_FMT " selects by " STR_FMT, STR_ARG(k->kind),
					 STR_ARG(k->selects[j]));
		}
		if (!k->has_scale)
			continue;
		assert_true(path_exists(k->root, str_of(k->scale_replicas)));
		assert_true(path_exists(k->root, str_of(k->scale_status_replicas)));
	}
}

static void every_stored_kind_has_metadata_and_an_age(void **state)
{
	(void)state;
	for (u16 i = 1; i < api_kinds_len; i++) {
		const struct api_kind *k = &api_kinds[i];

		if (!k->plural.len)
			continue;
		assert_non_null(api_field_find(k->root, STR("metadata")));
		if (!(k->verbs & API_VERB_WATCH) || k->id == KIND_PodTemplate ||
		    k->id == KIND_CSIStorageCapacity)
			continue;
		bool has_time = false;
		for (u8 j = 0; j < k->columns_len; j++)
			has_time |= str_is(k->columns[j].type, "age") ||
				    str_is(k->columns[j].type, "date") ||
				    str_is(k->columns[j].name, "Last Seen");
		if (!has_time)
			fail_msg(STR_FMT " has no age", STR_ARG(k->kind));
	}
}

/* The figures the merge of two .api files or a lost line would change first. */
static void the_kinds_of_a_cluster_are_there(void **state)
{
	static const char *const wanted[][3] = {
		{ "", "v1", "pods" },
		{ "", "v1", "nodes" },
		{ "", "v1", "secrets" },
		{ "", "v1", "persistentvolumeclaims" },
		{ "apps", "v1", "deployments" },
		{ "apps", "v1", "statefulsets" },
		{ "batch", "v1", "cronjobs" },
		{ "batch", "v1beta1", "cronjobs" },
		{ "autoscaling", "v1", "horizontalpodautoscalers" },
		{ "autoscaling", "v2", "horizontalpodautoscalers" },
		{ "events.k8s.io", "v1", "events" },
		{ "discovery.k8s.io", "v1", "endpointslices" },
		{ "rbac.authorization.k8s.io", "v1", "clusterroles" },
		{ "networking.k8s.io", "v1", "ingresses" },
		{ "authorization.k8s.io", "v1", "selfsubjectaccessreviews" },
	};
	struct schema *schema = schema_new();

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(wanted); i++)
		if (!schema_find_resource(schema, str_of(wanted[i][0]), str_of(wanted[i][1]),
					  str_of(wanted[i][2])))
			fail_msg("no %s in %s/%s", wanted[i][2], wanted[i][0], wanted[i][1]);
	assert_true(KIND_COUNT > 45);
	assert_true(api_structs_len > 300);
	schema_free(schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_struct_field_and_kind_has_a_sentence),
		cmocka_unit_test(numbers_and_names_are_unique),
		cmocka_unit_test(keys_of_lists_exist),
		cmocka_unit_test(paths_of_kinds_lead_somewhere),
		cmocka_unit_test(every_stored_kind_has_metadata_and_an_age),
		cmocka_unit_test(the_kinds_of_a_cluster_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
