/* https://kubernetes.io/docs/concepts/services-networking/dns-pod-service */
#include "node/pod_etc.h"

#include "base/buffer.h"

enum { HOSTNAME_MAX = 63, SEARCHES_MAX = 32, NAMESERVERS_MAX = 3 };

static struct str short_name(const struct doc *pod)
{
	struct str name = doc_str_or(doc_at(pod, "spec.hostname"), STR_NONE);

	if (!name.len)
		name = doc_at_str(pod, "metadata.name");
	name = str_part(name, 0, HOSTNAME_MAX);
	while (name.len && (name.at[name.len - 1] == '-' || name.at[name.len - 1] == '.'))
		name.len--;
	return name;
}

static struct str full_name(struct arena *arena, const struct doc *pod, struct str domain)
{
	struct str subdomain = doc_at_str(pod, "spec.subdomain");

	if (!subdomain.len)
		return STR_NONE;
	return str_format(arena, STR_FMT "." STR_FMT "." STR_FMT ".svc." STR_FMT,
			  STR_ARG(short_name(pod)), STR_ARG(subdomain),
			  STR_ARG(doc_at_str(pod, "metadata.namespace")), STR_ARG(domain));
}

struct str pod_hostname(struct arena *arena, const struct doc *pod, bool qualified,
			struct str cluster_domain)
{
	struct str full = full_name(arena, pod, cluster_domain);

	return qualified && full.len && full.len <= 64 ? full : str_copy(arena, short_name(pod));
}

static struct str finish(struct arena *arena, struct buffer *out)
{
	struct str text = str_copy(arena, buffer_str(out));

	buffer_release(out);
	return text;
}

struct str pod_hosts_text(struct arena *arena, const struct doc *pod, struct str ip,
			  struct str cluster_domain, struct str node_hosts)
{
	struct buffer out = BUFFER_INIT(1 << 20);
	struct str full = full_name(arena, pod, cluster_domain), name = short_name(pod);

	if (doc_at_bool(pod, "spec.hostNetwork", false)) {
		buffer_add_format(&out, "# Kubernetes-managed hosts file (host network).\n" STR_FMT,
				  STR_ARG(node_hosts));
	} else {
		buffer_add_format(&out, "# Kubernetes-managed hosts file.\n"
					"127.0.0.1\tlocalhost\n"
					"::1\tlocalhost ip6-localhost ip6-loopback\n"
					"fe00::0\tip6-localnet\n"
					"fe00::0\tip6-mcastprefix\n"
					"fe00::1\tip6-allnodes\n"
					"fe00::2\tip6-allrouters\n");
		buffer_add_format(&out, STR_FMT "\t" STR_FMT "%s" STR_FMT "\n", STR_ARG(ip),
				  STR_ARG(full.len ? full : name), full.len ? "\t" : "",
				  STR_ARG(full.len ? name : STR_NONE));
	}
	const struct doc *aliases = doc_at(pod, "spec.hostAliases");

	if (doc_len(aliases))
		buffer_add_format(&out, "\n# Entries added by HostAliases.\n");
	doc_each_item(aliases, alias) {
		buffer_add_str(&out, doc_at_str(alias, "ip"));
		doc_each_item(doc_key(alias, "hostnames"), host)
			buffer_add_format(&out, "\t" STR_FMT, STR_ARG(doc_str(host)));
		buffer_add_char(&out, '\n');
	}
	return finish(arena, &out);
}

/* ---- resolv.conf */

struct resolv {
	struct arena *arena;
	VEC(struct str) servers, searches, options;
};

static void add_once(struct arena *arena, struct resolv *r, int list, struct str word)
{
	struct str **at = list == 0 ? &r->servers.at : list == 1 ? &r->searches.at : &r->options.at;
	u32 len = list == 0 ? r->servers.len : list == 1 ? r->searches.len : r->options.len;

	for (u32 i = 0; i < len; i++)
		if (str_eq((*at)[i], word))
			return;
	if (list == 0)
		VEC_PUSH(arena, &r->servers, word);
	else if (list == 1)
		VEC_PUSH(arena, &r->searches, word);
	else
		VEC_PUSH(arena, &r->options, word);
}

static struct str next_word(struct str *line)
{
	*line = str_trim(*line);
	size_t len = 0;

	while (len < line->len && line->at[len] != ' ' && line->at[len] != '\t')
		len++;
	struct str word = str_part(*line, 0, len);

	*line = str_from(*line, len);
	return word;
}

static void read_node(struct resolv *r, struct str text, bool servers)
{
	while (text.at) {
		struct str line = str_cut(&text, '\n'), key = next_word(&line), word;

		while ((word = next_word(&line)).len) {
			if (str_is(key, "nameserver") && servers)
				add_once(r->arena, r, 0, word);
			else if (str_is(key, "search"))
				add_once(r->arena, r, 1, word);
			else if (str_is(key, "options") && servers)
				add_once(r->arena, r, 2, word);
		}
	}
}

static void add_cluster(struct resolv *r, const struct doc *pod, const struct pod_dns *dns)
{
	struct arena *arena = r->arena;

	add_once(arena, r, 0, dns->cluster_dns);
	add_once(arena, r, 1,
		 str_format(arena, STR_FMT ".svc." STR_FMT,
			    STR_ARG(doc_at_str(pod, "metadata.namespace")),
			    STR_ARG(dns->cluster_domain)));
	add_once(arena, r, 1, str_format(arena, "svc." STR_FMT, STR_ARG(dns->cluster_domain)));
	add_once(arena, r, 1, dns->cluster_domain);
	read_node(r, dns->node_resolv, false);
	add_once(arena, r, 2, STR("ndots:5"));
}

static void add_config(struct resolv *r, const struct doc *config)
{
	doc_each_item(doc_key(config, "nameservers"), server)
		add_once(r->arena, r, 0, doc_str(server));
	doc_each_item(doc_key(config, "searches"), search)
		add_once(r->arena, r, 1, doc_str(search));
	doc_each_item(doc_key(config, "options"), option) {
		struct str name = doc_at_str(option, "name"), value = doc_at_str(option, "value");

		/* The pod's word replaces ours. */
		for (u32 i = 0; i < r->options.len; i++) {
			struct str rest = r->options.at[i];

			if (str_eq(str_cut(&rest, ':'), name))
				r->options.at[i--] = r->options.at[--r->options.len];
		}
		add_once(r->arena, r, 2,
			 value.len ? str_format(r->arena, STR_FMT ":" STR_FMT, STR_ARG(name),
						STR_ARG(value))
				   : name);
	}
}

struct str pod_resolv_text(struct arena *arena, const struct doc *pod, const struct pod_dns *dns)
{
	struct resolv r = { .arena = arena };
	struct str policy = doc_str_or(doc_at(pod, "spec.dnsPolicy"), STR("ClusterFirst"));
	bool host = doc_at_bool(pod, "spec.hostNetwork", false);
	bool cluster = str_is(policy, "ClusterFirstWithHostNet") ||
		       (str_is(policy, "ClusterFirst") && !host);
	struct buffer out = BUFFER_INIT(64 << 10);

	if (cluster && dns->cluster_dns.len)
		add_cluster(&r, pod, dns);
	else if (!str_is(policy, "None"))
		read_node(&r, dns->node_resolv, true);
	add_config(&r, doc_at(pod, "spec.dnsConfig"));
	if (r.searches.len)
		buffer_add_format(
			&out, "search " STR_FMT "\n",
			STR_ARG(str_join(arena, r.searches.at,
					 MIN(r.searches.len, (u32)SEARCHES_MAX), STR(" "))));
	for (u32 i = 0; i < r.servers.len && i < NAMESERVERS_MAX; i++)
		buffer_add_format(&out, "nameserver " STR_FMT "\n", STR_ARG(r.servers.at[i]));
	if (r.options.len)
		buffer_add_format(&out, "options " STR_FMT "\n",
				  STR_ARG(str_join(arena, r.options.at, r.options.len, STR(" "))));
	return finish(arena, &out);
}
