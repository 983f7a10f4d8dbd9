/* The rules that lead ports of the node to pods. */
#include "../unit.h"

#include <string.h>

#include "network/host_ports.h"

static void each_port_is_a_rule(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	const struct host_port ports[] = {
		{ STR_INIT("TCP"), STR_INIT(""), 80, STR_INIT("10.244.0.5"), 8080 },
		{ STR_INIT("UDP"), STR_INIT("192.0.2.1"), 53, STR_INIT("10.244.0.6"), 5353 },
		{ STR_INIT("TCP"), STR_INIT("0.0.0.0"), 81, STR_INIT("10.244.0.7"), 81 },
		{ STR_INIT("TCP"), STR_INIT(""), 82, STR_INIT("; flush ruleset"), 82 },
	};
	const char *text = str_c(arena, host_ports_text(arena, STR("minke0"), STR("10.244.0.0/24"),
							ports, ARRAY_LEN(ports)));

	assert_non_null(strstr(text, "\ntcp dport 80 dnat to 10.244.0.5:8080\n"));
	assert_non_null(
		strstr(text, "\nip daddr 192.0.2.1 udp dport 53 dnat to 10.244.0.6:5353\n"));
	assert_non_null(strstr(text, "\ntcp dport 81 dnat to 10.244.0.7:81\n"));
	assert_null(strstr(text, "flush"));
	arena_free(arena);
}

static void without_ports_the_table_goes(void **state)
{
	(void)state;
	struct arena *arena = arena_new(0);
	const char *text =
		str_c(arena, host_ports_text(arena, STR("minke0"), STR("10.244.0.0/24"), NULL, 0));

	assert_string_equal(text, "add table ip minke0_ports\ndelete table ip minke0_ports\n");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_port_is_a_rule),
		cmocka_unit_test(without_ports_the_table_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
