/* One text a state; applied when it differs from the last one that was. */
#include "network/host_ports.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/log.h"
#include "network/address.h"
#include "sys/loop.h"
#include "sys/nftables.h"

enum { TEXT_BYTES_MAX = 4 << 20 };

struct host_ports {
	struct loop *loop;
	struct arena *arena; /* for what never changes */
	struct str bridge, pod_cidr;
	char *wanted, *applied, *applying; /* owned; NULL: nothing yet */
	enum status status;
	struct error error;
};

static void say_chains(struct buffer *text, struct str bridge, struct str pod_cidr)
{
	/* Before the Services' chains: a port given to a pod by name comes first. */
	buffer_add_format(text, "chain prerouting {\n"
				"type nat hook prerouting priority -101;\n"
				"fib daddr type local jump ports\n"
				"}\n"
				"chain output {\n"
				"type nat hook output priority -101;\n"
				"fib daddr type local jump ports\n"
				"}\n");
	/* What comes from this node's loopback or its own pods must find its way back. */
	buffer_add_format(text,
			  "chain postrouting {\n"
			  "type nat hook postrouting priority 99;\n"
			  "ct status dnat ip saddr 127.0.0.0/8 oifname \"" STR_FMT "\" masquerade\n"
			  "ct status dnat ip saddr " STR_FMT " oifname \"" STR_FMT "\" masquerade\n"
			  "}\n",
			  STR_ARG(bridge), STR_ARG(pod_cidr), STR_ARG(bridge));
}

struct str host_ports_text(struct arena *arena, struct str bridge, struct str pod_cidr,
			   const struct host_port *ports, u32 len)
{
	struct buffer text = BUFFER_INIT(TEXT_BYTES_MAX);
	u32 address;

	/* Adding what is there is fine, deleting what is not is an error. */
	buffer_add_format(&text,
			  "add table ip " STR_FMT "_ports\ndelete table ip " STR_FMT "_ports\n",
			  STR_ARG(bridge), STR_ARG(bridge));
	if (len) {
		buffer_add_format(&text, "table ip " STR_FMT "_ports {\nchain ports {\n",
				  STR_ARG(bridge));
		for (u32 i = 0; i < len; i++) {
			const struct host_port *port = &ports[i];

			/* All this is validated at the door, but it becomes a program here. */
			if (!address_parse(port->pod_ip, &address) || !port->port ||
			    !port->pod_port)
				continue;
			if (address_parse(port->host_ip, &address) && address)
				buffer_add_format(&text, "ip daddr " STR_FMT " ",
						  STR_ARG(address_text(arena, address)));
			buffer_add_format(&text, "%s dport %u dnat to " STR_FMT ":%u\n",
					  str_is(port->protocol, "UDP") ? "udp" : "tcp", port->port,
					  STR_ARG(port->pod_ip), port->pod_port);
		}
		buffer_add_format(&text, "}\n");
		say_chains(&text, bridge, pod_cidr);
		buffer_add_format(&text, "}\n");
	}
	struct str done = str_copy(arena, buffer_str(&text));

	buffer_release(&text);
	return done;
}

struct host_ports *host_ports_new(struct loop *loop, struct str bridge, struct str pod_cidr)
{
	struct arena *arena = arena_new(0);
	struct host_ports *ports = ARENA_NEW(arena, struct host_ports);

	*ports = (struct host_ports){ .loop = loop,
				      .arena = arena,
				      .bridge = str_copy(arena, bridge),
				      .pod_cidr = str_copy(arena, pod_cidr) };
	return ports;
}

static void apply_work(void *self)
{
	struct host_ports *ports = self;

	ports->error = ERROR_INIT;
	ports->status = nftables_run(ports->applying, &ports->error);
}

static void apply(struct host_ports *ports);

static void apply_done(void *self)
{
	struct host_ports *ports = self;

	if (ports->status != ST_OK)
		log_warn("network", "hostPort: %s", ports->error.message);
	free(ports->applied);
	ports->applied = ports->applying;
	ports->applying = NULL;
	apply(ports);
}

static void apply(struct host_ports *ports)
{
	if (ports->applying || !ports->wanted)
		return;
	if (!ports->applied || strcmp(ports->applied, ports->wanted) != 0) {
		ports->applying = strdup(ports->wanted);
		CHECK(ports->applying);
		loop_work(ports->loop, apply_work, apply_done, ports);
	}
}

void host_ports_set(struct host_ports *ports, const struct host_port *list, u32 len)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str text = host_ports_text(arena, ports->bridge, ports->pod_cidr, list, len);

	free(ports->wanted);
	ports->wanted = strdup(str_c(arena, text));
	CHECK(ports->wanted);
	apply(ports);
}

void host_ports_free(struct host_ports *ports)
{
	if (!ports)
		return;
	free(ports->wanted);
	ports->wanted = NULL;
	while (ports->applying) /* a short one */
		loop_run_once(ports->loop, true);
	free(ports->applied);
	arena_free(ports->arena);
}

enum status host_ports_purge(struct str bridge, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct error why = ERROR_INIT;
	struct str text = host_ports_text(arena, bridge, STR_NONE, NULL, 0);
	enum status status = nftables_run(str_c(arena, text), &why);

	/* Without the library there were never any rules. */
	return status == ST_OK || status == ST_UNAVAILABLE ? ST_OK
							   : fail(error, status, "%s", why.message);
}
