/* Names in, records out; and the bytes around them. */
#include "../unit.h"
#include "base/buffer.h"
#include "doc/json.h"
#include "network/dns_wire.h"

static const struct dns_facts facts = {
	.domain = STR_INIT("cluster.local"),
	.cluster = { 0x0af40000, 16 },
	.services = { 0x0a600000, 16 },
};

static struct service_view view;

static const struct doc *parse(struct arena *arena, const char *text)
{
	struct buffer copy = BUFFER_INIT(1 << 20);
	const struct doc *doc = NULL;
	struct error error = ERROR_INIT;

	for (; *text; text++)
		buffer_add_char(&copy, *text == '\'' ? '"' : *text);
	if (json_parse(arena, str_copy(arena, buffer_str(&copy)), &doc, &error) != ST_OK)
		fail_msg("%s", error.message);
	buffer_release(&copy);
	return doc;
}

static void fill(struct arena *arena)
{
	static const char *const services[] = {
		"{'metadata':{'namespace':'default','name':'web'},'spec':{'clusterIP':'10.96.3.4',"
		"'ports':[{'name':'http','port':80}]}}",
		"{'metadata':{'namespace':'default','name':'db'},'spec':{'clusterIP':'None','ports'"
		":[{'name':'sql','port':5432}]}}",
		"{'metadata':{'namespace':'default','name':'away'},'spec':{'type':'ExternalName',"
		"'externalName':'Example.com.'}}",
		"{'metadata':{'namespace':'default','name':'round'},'spec':{'type':'ExternalName',"
		"'externalName':'round.default.svc.cluster.local'}}",
	};

	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		service_view_put_service(&view, parse(arena, services[i]));
	service_view_put_slice(
		&view,
		parse(arena, "{'metadata':{'namespace':'default','name':'db-1','labels':{"
			     "'kubernetes.io/service-name':'db'}},'addressType':'IPv4','ports':[{"
			     "'name':'sql','port':5432}],'endpoints':[{'addresses':['10.244.0.5'],"
			     "'hostname':'db-0'},{'addresses':['10.244.0.6']},{'addresses':["
			     "'10.244.0.7'],'conditions':{'ready':false}}]}"));
}

/* "code name type data; …" */
static struct str ask(struct arena *arena, const char *name, enum dns_type type)
{
	struct dns_answer answer;
	struct buffer out = BUFFER_INIT(65536);

	if (!dns_answer(arena, &facts, &view, str_of(name), type, 0, &answer))
		return STR("elsewhere");
	buffer_add_format(&out, "%d", answer.code);
	for (u32 i = 0; i < answer.answers.len; i++) {
		const struct dns_record *r = &answer.answers.at[i];

		if (r->type == DNS_A)
			buffer_add_format(&out, " " STR_FMT,
					  STR_ARG(address_text(arena, r->address)));
		else
			buffer_add_format(&out, " " STR_FMT ":%u", STR_ARG(r->target), r->port);
	}
	if (answer.elsewhere.len)
		buffer_add_format(&out, " then " STR_FMT, STR_ARG(answer.elsewhere));
	struct str text = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return text;
}

static void names_of_services(void **state)
{
	struct arena *arena = *state;

	assert_str(ask(arena, "web.default.svc.cluster.local", DNS_A), "0 10.96.3.4");
	assert_str(ask(arena, "web.default.svc.cluster.local", DNS_AAAA), "0");
	assert_str(ask(arena, "none.default.svc.cluster.local", DNS_A), "3");
	assert_str(ask(arena, "web.other.svc.cluster.local", DNS_A), "3");
	assert_str(ask(arena, "default.svc.cluster.local", DNS_A), "0");
	assert_str(ask(arena, "cluster.local", DNS_A), "0");
	assert_str(ask(arena, "web.cluster.local", DNS_A), "3");
	assert_str(ask(arena, "example.com", DNS_A), "elsewhere");
	assert_str(ask(arena, "notcluster.local", DNS_A), "elsewhere");
	assert_str(ask(arena, "_http._tcp.web.default.svc.cluster.local", DNS_SRV),
		   "0 web.default.svc.cluster.local:80");
	assert_str(ask(arena, "_http._udp.web.default.svc.cluster.local", DNS_SRV), "3");
}

static void headless_names_lead_to_pods(void **state)
{
	struct arena *arena = *state;

	assert_str(ask(arena, "db.default.svc.cluster.local", DNS_A), "0 10.244.0.5 10.244.0.6");
	assert_str(ask(arena, "db-0.db.default.svc.cluster.local", DNS_A), "0 10.244.0.5");
	assert_str(ask(arena, "10-244-0-6.db.default.svc.cluster.local", DNS_A), "0 10.244.0.6");
	assert_str(ask(arena, "10-244-0-7.db.default.svc.cluster.local", DNS_A), "3");
	assert_str(ask(arena, "_sql._tcp.db.default.svc.cluster.local", DNS_SRV),
		   "0 db-0.db.default.svc.cluster.local:5432 "
		   "10-244-0-6.db.default.svc.cluster.local:5432");
	assert_str(ask(arena, "10-244-0-5.default.pod.cluster.local", DNS_A), "0 10.244.0.5");
	assert_str(ask(arena, "10-244-0.default.pod.cluster.local", DNS_A), "3");
}

static void addresses_lead_back(void **state)
{
	struct arena *arena = *state;

	assert_str(ask(arena, "4.3.96.10.in-addr.arpa", DNS_PTR),
		   "0 web.default.svc.cluster.local:0");
	assert_str(ask(arena, "5.0.244.10.in-addr.arpa", DNS_PTR),
		   "0 db-0.db.default.svc.cluster.local:0");
	assert_str(ask(arena, "9.9.96.10.in-addr.arpa", DNS_PTR), "3");
	assert_str(ask(arena, "1.1.1.1.in-addr.arpa", DNS_PTR), "elsewhere");
}

static void aliases_are_followed_but_not_for_ever(void **state)
{
	struct arena *arena = *state;

	assert_str(ask(arena, "away.default.svc.cluster.local", DNS_A),
		   "0 example.com:0 then example.com");
	assert_true(str_starts(ask(arena, "round.default.svc.cluster.local", DNS_A), STR("0 ")));
}

static struct str wire_query(struct arena *arena, const char *name)
{
	return dns_query_write(arena, 0x1234, str_of(name), DNS_A);
}

static void a_question_is_read_and_answered(void **state)
{
	struct arena *arena = *state;
	struct dns_query query;
	struct dns_answer answer;
	enum dns_code code;

	assert_int_equal(dns_query_read(arena, wire_query(arena, "WEB.default.svc.cluster.local"),
					&query, &code),
			 ST_OK);
	assert_str(query.name, "web.default.svc.cluster.local");
	assert_int_equal(query.id, 0x1234);
	assert_true(dns_answer(arena, &facts, &view, query.name, query.type, 0, &answer));
	struct str bytes = dns_answer_write(arena, &query, &answer, facts.domain, query.room);

	assert_memory_equal(bytes.at, "\x12\x34\x85\x80\0\1\0\1\0\0\0\0\3WEB", 16);
	assert_memory_equal(bytes.at + bytes.len - 16, "\xc0\x0c\0\1\0\1\0\0\0\5\0\4\x0a\x60\3\4",
			    16);
	struct dns_answer read = { 0 };

	assert_true(dns_addresses_read(arena, bytes, query.name, DNS_A, &read));
	assert_int_equal(read.answers.len, 1);
	assert_int_equal(read.answers.at[0].address, 0x0a600304);
	/* Too small a room: cut, so that the asker comes again by TCP. */
	bytes = dns_answer_write(arena, &query, &answer, facts.domain, 50);
	assert_true(bytes.at[2] & 2);
	assert_int_equal(bytes.at[7], 0);
}

static void broken_questions_are_refused(void **state)
{
	struct arena *arena = *state;
	struct str good = wire_query(arena, "a.b");
	struct dns_query query;
	enum dns_code code;

	for (size_t len = 0; len < good.len; len++)
		assert_int_equal(dns_query_read(arena, str_part(good, 0, len), &query, &code),
				 ST_BAD_REQUEST);
	char *answer = arena_copy(arena, good.at, good.len);

	answer[2] |= (char)0x80;
	assert_int_equal(dns_query_read(arena, (struct str){ answer, good.len }, &query, &code),
			 ST_BAD_REQUEST);
	assert_int_equal(code, DNS_OK); /* no reply at all */
	char *pointer = arena_copy(arena, good.at, good.len);

	pointer[12] = (char)0xc0;
	assert_int_equal(dns_query_read(arena, (struct str){ pointer, good.len }, &query, &code),
			 ST_BAD_REQUEST);
	assert_int_equal(code, DNS_BAD_FORMAT);
	for (size_t len = 0; len < good.len; len++) {
		struct dns_answer none = { 0 };

		assert_false(dns_addresses_read(arena, str_part(good, 0, len), STR("a.b"), DNS_A,
						&none));
	}
}

static int setup(void **state)
{
	*state = arena_new(0);
	fill(*state);
	return 0;
}

static int teardown(void **state)
{
	service_view_release(&view);
	arena_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_services),
		cmocka_unit_test(headless_names_lead_to_pods),
		cmocka_unit_test(addresses_lead_back),
		cmocka_unit_test(aliases_are_followed_but_not_for_ever),
		cmocka_unit_test(a_question_is_read_and_answered),
		cmocka_unit_test(broken_questions_are_refused),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
