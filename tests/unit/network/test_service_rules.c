/* Services and slices as JSON in, nft's language out. */
#include "../unit.h"
#include "base/buffer.h"
#include "doc/json.h"
#include "network/service_rules.h"

static const struct service_facts facts = {
	.table = STR_INIT("minke0"),
	.bridge = STR_INIT("minke0"),
	.node_name = STR_INIT("n1"),
	.pods = { 0x0af40000, 24 },
	.cluster = { 0x0af40000, 16 },
	.services = { 0x0a600000, 16 },
	.bridge_filtered = true,
};

static const struct doc *parse(struct arena *arena, const char *text)
{
	struct buffer copy = BUFFER_INIT(1 << 20);
	const struct doc *doc = NULL;
	struct error error = ERROR_INIT;

	/* 'single quotes' keep the tests legible */
	for (; *text; text++)
		buffer_add_char(&copy, *text == '\'' ? '"' : *text);
	if (json_parse(arena, str_copy(arena, buffer_str(&copy)), &doc, &error) != ST_OK)
		fail_msg("%s", error.message);
	buffer_release(&copy);
	return doc;
}

static const char web[] = "{'metadata':{'namespace':'default','name':'web'},'spec':{'clusterIP':"
			  "'10.96.3.4','ports':[{'name':'http','port':80,'protocol':'TCP'}]}}";

/* A slice of `service` at port 8080 with these endpoints. */
static const struct doc *slice(struct arena *arena, const char *service, const char *endpoints)
{
	struct str text = str_format(
		arena,
		"{'metadata':{'namespace':'default','name':'%s-1','labels':{'kubernetes.io/"
		"service-name':'%s'}},'addressType':'IPv4','ports':[{'name':'http','port':8080,"
		"'protocol':'TCP'}],'endpoints':[%s]}",
		service, service, endpoints);

	return parse(arena, text.at);
}

#define READY(ip) "{'addresses':['" ip "'],'conditions':{'ready':true},'nodeName':'n1'}"

static struct str change(struct arena *arena, struct service_view *view,
			 struct service_rules **rules)
{
	struct service_rules *old = *rules;

	*rules = service_rules_make(arena, &facts, view);
	return service_rules_change(arena, &facts, old, *rules);
}

static void a_service_is_a_chain_and_a_door(void **state)
{
	struct arena *arena = *state;
	struct service_view view = { 0 };
	struct service_rules *rules = NULL;

	change(arena, &view, &rules);
	service_view_put_service(&view, parse(arena, web));
	service_view_put_slice(&view,
			       slice(arena, "web", READY("10.244.0.6") "," READY("10.244.0.5")));
	assert_str(change(arena, &view, &rules),
		   "add chain ip minke0 svc/default/web/tcp/80\n"
		   "add rule ip minke0 svc/default/web/tcp/80 meta l4proto tcp dnat ip to numgen "
		   "random mod 2 map { 0 : 10.244.0.5 . 8080, 1 : 10.244.0.6 . 8080 }\n"
		   "add element ip minke0 services { 10.96.3.4 . tcp . 80 : goto "
		   "svc/default/web/tcp/80 }\n"
		   "add element ip minke0 hairpins { 10.244.0.5 . 10.244.0.5, 10.244.0.6 . "
		   "10.244.0.6 }\n");
	assert_str(change(arena, &view, &rules), "");
	/* One goes: its chain is rewritten, nothing else. */
	service_view_put_slice(&view, slice(arena, "web", READY("10.244.0.5")));
	assert_str(change(arena, &view, &rules),
		   "delete element ip minke0 hairpins { 10.244.0.6 . 10.244.0.6 }\n"
		   "flush chain ip minke0 svc/default/web/tcp/80\n"
		   "add rule ip minke0 svc/default/web/tcp/80 meta l4proto tcp dnat ip to "
		   "10.244.0.5:8080\n");
	service_view_drop_service(&view, parse(arena, web));
	assert_str(change(arena, &view, &rules),
		   "delete element ip minke0 services { 10.96.3.4 . tcp . 80 }\n"
		   "delete element ip minke0 hairpins { 10.244.0.5 . 10.244.0.5 }\n"
		   "flush chain ip minke0 svc/default/web/tcp/80\n"
		   "delete chain ip minke0 svc/default/web/tcp/80\n");
	service_view_release(&view);
}

static void only_ready_endpoints_unless_all_leave(void **state)
{
	struct arena *arena = *state;
	struct service_view view = { 0 };
	struct service_rules *rules = NULL;
	const char *leaving = "{'addresses':['10.244.0.9'],'conditions':{'ready':false,'serving':"
			      "true,'terminating':true}}";

	service_view_put_service(&view, parse(arena, web));
	service_view_put_slice(
		&view,
		slice(arena, "web", str_format(arena, "%s,%s", READY("10.244.0.5"), leaving).at));
	struct str text = change(arena, &view, &rules);

	assert_true(str_find(text, STR("10.244.0.5:8080")) > 0);
	assert_true(str_find(text, STR("10.244.0.9")) < 0);
	service_view_put_slice(&view, slice(arena, "web", leaving));
	text = change(arena, &view, &rules);
	assert_true(str_find(text, STR("10.244.0.9:8080")) > 0);
	service_view_release(&view);
}

static void nobody_serves_so_nothing_leads_there(void **state)
{
	struct arena *arena = *state;
	struct service_view view = { 0 };
	struct service_rules *rules = NULL;

	change(arena, &view, &rules);
	service_view_put_service(
		&view, parse(arena, "{'metadata':{'namespace':'default','name':'e'},'spec':{"
				    "'clusterIP':'10.96.3.4','externalIPs':['192.0.2.1'],'ports':"
				    "[{'port':80,'nodePort':30080}]}}"));
	assert_str(change(arena, &view, &rules),
		   "add element ip minke0 refused { 192.0.2.1 . tcp . 80 }\n");
	service_view_release(&view);
}

static void affinity_remembers_clients(void **state)
{
	struct arena *arena = *state;
	struct service_view view = { 0 };
	struct service_rules *rules = NULL;

	change(arena, &view, &rules);
	service_view_put_service(
		&view, parse(arena, "{'metadata':{'namespace':'default','name':'web'},'spec':{"
				    "'clusterIP':'10.96.3.4','sessionAffinity':'ClientIP','ports':"
				    "[{'name':'http','port':80}]}}"));
	service_view_put_slice(&view, slice(arena, "web", READY("10.244.0.5")));
	assert_str(
		change(arena, &view, &rules),
		"add set ip minke0 from/svc/default/web/tcp/80/10.244.0.5/8080 { type ipv4_addr; "
		"flags dynamic,timeout; size 65536; }\n"
		"add chain ip minke0 svc/default/web/tcp/80\n"
		"add chain ip minke0 to/svc/default/web/tcp/80/10.244.0.5/8080\n"
		"add rule ip minke0 svc/default/web/tcp/80 ip saddr "
		"@from/svc/default/web/tcp/80/10.244.0.5/8080 goto "
		"to/svc/default/web/tcp/80/10.244.0.5/8080\n"
		"add rule ip minke0 svc/default/web/tcp/80 numgen random mod 1 vmap { 0 : goto "
		"to/svc/default/web/tcp/80/10.244.0.5/8080 }\n"
		"add rule ip minke0 to/svc/default/web/tcp/80/10.244.0.5/8080 update "
		"@from/svc/default/web/tcp/80/10.244.0.5/8080 { ip saddr timeout 10800s }\n"
		"add rule ip minke0 to/svc/default/web/tcp/80/10.244.0.5/8080 meta l4proto tcp "
		"dnat ip to 10.244.0.5:8080\n"
		"add element ip minke0 services { 10.96.3.4 . tcp . 80 : goto "
		"svc/default/web/tcp/80 }\n"
		"add element ip minke0 hairpins { 10.244.0.5 . 10.244.0.5 }\n");
	service_view_release(&view);
}

static void strangers_see_only_who_is_here(void **state)
{
	struct arena *arena = *state;
	struct service_view view = { 0 };
	struct service_rules *rules = NULL;

	change(arena, &view, &rules);
	service_view_put_service(
		&view,
		parse(arena, "{'metadata':{'namespace':'default','name':'web'},'spec':{"
			     "'clusterIP':'10.96.3.4','externalTrafficPolicy':'Local','ports':"
			     "[{'name':'http','port':80,'nodePort':30080}]}}"));
	service_view_put_slice(
		&view, slice(arena, "web",
			     READY("10.244.0.5") ",{'addresses':['10.244.1.5'],'nodeName':'n2'}"));
	struct str text = change(arena, &view, &rules);

	assert_true(str_find(text, STR("add rule ip minke0 ext/default/web/tcp/80 ip saddr "
				       "10.244.0.0/16 goto svc/default/web/tcp/80\n")) > 0);
	assert_true(str_find(text, STR("add rule ip minke0 ext/default/web/tcp/80 meta l4proto tcp "
				       "dnat ip to 10.244.0.5:8080\n")) > 0);
	assert_true(str_find(text,
			     STR("node_ports { tcp . 30080 : goto ext/default/web/tcp/80 }")) > 0);
	service_view_release(&view);
}

static void what_is_no_address_is_left_out(void **state)
{
	struct arena *arena = *state;
	struct service_view view = { 0 };
	struct service_rules *rules = NULL;

	change(arena, &view, &rules);
	service_view_put_service(
		&view, parse(arena, "{'metadata':{'namespace':'default','name':'web'},'spec':{"
				    "'clusterIP':'10.96.3.4','externalIPs':['} flush ruleset'],"
				    "'ports':[{'name':'http','port':80}]}}"));
	service_view_put_service(
		&view,
		parse(arena, "{'metadata':{'namespace':'default','name':'a b'},'spec':{"
			     "'clusterIP':'10.96.3.5','ports':[{'name':'http','port':80}]}}"));
	service_view_put_slice(&view, slice(arena, "web", READY("1.2.3.4; flush ruleset")));
	assert_str(change(arena, &view, &rules), "");
	service_view_release(&view);
}

static void udp_that_lost_its_end_is_named(void **state)
{
	struct arena *arena = *state;
	struct service_view view = { 0 };
	const char *dns = "{'metadata':{'namespace':'default','name':'d-1','labels':{'kubernetes."
			  "io/service-name':'d'}},'addressType':'IPv4','ports':[{'port':53,"
			  "'protocol':'UDP'}],'endpoints':[{'addresses':['10.244.0.7']}]}";

	service_view_put_service(
		&view, parse(arena, "{'metadata':{'namespace':'default','name':'d'},'spec':{"
				    "'clusterIP':'10.96.3.4','ports':[{'port':53,'protocol':"
				    "'UDP'}]}}"));
	service_view_put_slice(&view, parse(arena, dns));
	struct service_rules *old = service_rules_make(arena, &facts, &view);

	service_view_drop_slice(&view, parse(arena, dns));
	struct address_list gone =
		service_rules_gone(arena, old, service_rules_make(arena, &facts, &view));

	assert_int_equal(gone.len, 1);
	assert_int_equal(gone.at[0], 0x0af40007);
	service_view_release(&view);
}

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_service_is_a_chain_and_a_door),
		cmocka_unit_test(only_ready_endpoints_unless_all_leave),
		cmocka_unit_test(nobody_serves_so_nothing_leads_there),
		cmocka_unit_test(affinity_remembers_clients),
		cmocka_unit_test(strangers_see_only_who_is_here),
		cmocka_unit_test(what_is_no_address_is_left_out),
		cmocka_unit_test(udp_that_lost_its_end_is_named),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
