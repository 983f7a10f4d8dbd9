/* Secrets that keep a service account's token without an end. */
#include "cluster.h"

#include "base/base64.h"

static struct cluster *c;

static enum status sign(void *self, struct arena *arena, const struct doc *claims,
			struct str *ret_token, struct error *error)
{
	(void)self;
	(void)error;
	*ret_token = str_format(arena, "signed:" STR_FMT, STR_ARG(json_text(arena, claims)));
	return ST_OK;
}

static int up(void **state)
{
	(void)state;
	c = cluster_new((struct cluster_wish){ .tokens = { .sign = sign } });
	return 0;
}

static int down(void **state)
{
	(void)state;
	cluster_free(c);
	return 0;
}

static void keep_token(const char *account)
{
	char json[512];

	snprintf(json, sizeof json,
		 "{'metadata':{'name':'t','annotations':{'kubernetes.io/service-account.name':"
		 "'%s'}},'type':'kubernetes.io/service-account-token'}",
		 account);
	cluster_create(c, KIND_Secret, json);
	cluster_run(c, 1);
}

static struct str data(const char *key)
{
	struct version *v = cluster_get(c, KIND_Secret, "t");
	struct str bytes = STR_NONE;

	assert_non_null(v);
	assert_true(base64_decode(c->arena, doc_str(doc_get(doc_key(v->doc, "data"), str_of(key))),
				  &bytes));
	return bytes;
}

static void it_is_filled(void **state)
{
	(void)state;
	keep_token("default");
	assert_true(
		str_starts(data("token"), STR("signed:{\"iss\":\"kubernetes/serviceaccount\"")));
	assert_true(str_is(data("namespace"), "default"));
	assert_true(str_is(data("ca.crt"), "-----BEGIN CERTIFICATE-----"));
	struct version *account = cluster_get(c, KIND_ServiceAccount, "default");
	struct version *secret = cluster_get(c, KIND_Secret, "t");

	assert_true(str_eq(doc_str(doc_get(doc_at(secret->doc, "metadata.annotations"),
					   STR("kubernetes.io/service-account.uid"))),
			   account->uid));
}

static void what_is_taken_out_comes_back(void **state)
{
	(void)state;
	keep_token("default");
	cluster_patch(c, KIND_Secret, "t", "{'data':{'token':null,'namespace':'eA=='}}");
	cluster_run(c, 1);
	assert_true(str_starts(data("token"), STR("signed:")));
	assert_true(str_is(data("namespace"), "default"));
}

static void it_goes_with_its_account(void **state)
{
	(void)state;
	cluster_create(c, KIND_ServiceAccount, "{'metadata':{'name':'robot'}}");
	keep_token("robot");
	assert_true(data("token").len > 0);
	cluster_delete(c, KIND_ServiceAccount, "robot", PROPAGATION_DEFAULT);
	cluster_run(c, 1);
	assert_null(cluster_get(c, KIND_Secret, "t"));
}

static void one_without_an_account_does_not_stay(void **state)
{
	(void)state;
	keep_token("nobody");
	assert_null(cluster_get(c, KIND_Secret, "t"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
		TEST(it_is_filled),
		TEST(what_is_taken_out_comes_back),
		TEST(it_goes_with_its_account),
		TEST(one_without_an_account_does_not_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
