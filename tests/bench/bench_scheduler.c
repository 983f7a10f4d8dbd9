/*
 * The scheduler on thousands of nodes, in one process, without disk or sockets: the cases of
 * upstream's scheduler_perf, and beside each figure the threshold that upstream's own CI asks for.
 * Only processor time inside scheduler_step() counts: deciding, and writing the bindings and events
 * through the server's verbs. The share spent deciding is told apart.
 *
 *	bench_scheduler [CASE…]	(default: all)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/random.h"
#include "controllers/event.h"
#include "controllers/plan.h"
#include "doc/json.h"
#include "scheduler/scheduler.h"
#include "server/server.h"
#include "server/verbs.h"

enum churn {
	CHURN_NONE,
	CHURN_MIXED,	     /* a node, a Service, a hopeless pod, made anew all the time */
	CHURN_UNSCHEDULABLE, /* more and more hopeless pods */
	CHURN_PREEMPTING,    /* now and then a pod that takes others' room */
};

struct workload {
	const char *name;
	u32 threshold; /* of upstream, pods a second */
	u32 wanted;    /* ours */
	u32 nodes, zones, init, measured;
	const char *init_spec, *init_labels, *spec, *labels;
	enum churn churn;
};

#define SMALL "'resources':{'requests':{'cpu':'100m','memory':'500Mi'}}"
#define CONTAINER(resources) "'containers':[{'name':'pause','image':'pause:3.9'," resources "}]"
#define PLAIN CONTAINER(SMALL)
#define TERM(color, key)                                                                           \
	"{'labelSelector':{'matchLabels':{'color':'" color "'}},'topologyKey':'" key               \
	"','namespaces':['sched-0','sched-1']}"
#define TERM_NS(color, key)                                                                        \
	"{'labelSelector':{'matchLabels':{'color':'" color "'}},'topologyKey':'" key               \
	"','namespaceSelector':{'matchLabels':{'team':'devops'}}}"
#define REQUIRED(kind, term)                                                                       \
	"'affinity':{'" kind "':{'requiredDuringSchedulingIgnoredDuringExecution':[" term          \
	"]}}," PLAIN
#define PREFERRED(kind, term)                                                                      \
	"'affinity':{'" kind "':{'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':1,'" \
	"podAffinityTerm':" term "}]}}," PLAIN
#define SPREAD(when)                                                                               \
	"'topologySpreadConstraints':[{'maxSkew':5,'topologyKey':'" ZONE                           \
	"','whenUnsatisfiable':'" when                                                             \
	"','labelSelector':{'matchLabels':{'color':'blue'}}}]," PLAIN
#define ZONE "topology.kubernetes.io/zone"
#define HOST "kubernetes.io/hostname"
#define BLUE "'color':'blue'"
#define GREEN "'color':'green'"
#define RED "'color':'red'"
#define YELLOW "'color':'yellow'"
#define BIG CONTAINER("'resources':{'requests':{'cpu':'900m','memory':'500Mi'}}")
#define VIP                                                                                        \
	CONTAINER("'resources':{'requests':{'cpu':'3','memory':'500Mi'}}")                         \
	",'priorityClassName':'vip'"
#define HOPELESS                                                                                   \
	CONTAINER("'resources':{'requests':{'cpu':'9','memory':'500Mi'}}")                         \
	",'priorityClassName':'vip'"

static const struct workload workloads[] = {
	{ "SchedulingBasic", 680, 20000, 5000, 0, 1000, 10000, PLAIN, "", PLAIN, "", 0 },
	{ "SchedulingBasic 50000", 810, 20000, 5000, 0, 5000, 50000, PLAIN, "", PLAIN, "", 0 },
	{ "TopologySpreading", 460, 0, 5000, 3, 5000, 5000, PLAIN, "", SPREAD("DoNotSchedule"),
	  BLUE, 0 },
	{ "PreferredTopologySpreading", 340, 0, 5000, 3, 5000, 5000, PLAIN, "",
	  SPREAD("ScheduleAnyway"), BLUE, 0 },
	{ "SchedulingPodAntiAffinity", 60, 0, 5000, 0, 1000, 2000,
	  REQUIRED("podAntiAffinity", TERM("green", HOST)), GREEN,
	  REQUIRED("podAntiAffinity", TERM("green", HOST)), GREEN, 0 },
	{ "SchedulingPodMatchingAntiAffinity", 595, 0, 5000, 0, 1000, 4000,
	  REQUIRED("podAntiAffinity", TERM("green", HOST)), GREEN, PLAIN, GREEN, 0 },
	{ "SchedulingPodAffinity", 35, 0, 5000, 1, 5000, 5000,
	  REQUIRED("podAffinity", TERM("blue", ZONE)), BLUE,
	  REQUIRED("podAffinity", TERM("blue", ZONE)), BLUE, 0 },
	{ "SchedulingPreferredPodAffinity", 90, 0, 5000, 0, 5000, 5000,
	  PREFERRED("podAffinity", TERM("red", HOST)), RED,
	  PREFERRED("podAffinity", TERM("red", HOST)), RED, 0 },
	{ "SchedulingPreferredPodAntiAffinity", 90, 0, 5000, 0, 5000, 5000,
	  PREFERRED("podAntiAffinity", TERM("yellow", HOST)), YELLOW,
	  PREFERRED("podAntiAffinity", TERM("yellow", HOST)), YELLOW, 0 },
	{ "SchedulingNodeAffinity", 220, 0, 5000, 1, 5000, 10000, PLAIN, "",
	  "'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecution':{"
	  "'nodeSelectorTerms':[{'matchExpressions':[{'key':'" ZONE
	  "','operator':'In','values':['zone-0','zone-9']}]}]}}}," PLAIN,
	  "", 0 },
	{ "RequiredPodAntiAffinityWithNSSelector", 24, 0, 6000, 0, 4000, 2000,
	  REQUIRED("podAntiAffinity", TERM_NS("green", HOST)), GREEN,
	  REQUIRED("podAntiAffinity", TERM_NS("green", HOST)), GREEN, 0 },
	{ "PreferredAntiAffinityWithNSSelector", 55, 0, 5000, 0, 4000, 2000,
	  PREFERRED("podAntiAffinity", TERM_NS("yellow", HOST)), YELLOW,
	  PREFERRED("podAntiAffinity", TERM_NS("yellow", HOST)), YELLOW, 0 },
	{ "RequiredPodAffinityWithNSSelector", 35, 0, 5000, 1, 5000, 2000,
	  REQUIRED("podAffinity", TERM_NS("blue", ZONE)), BLUE,
	  REQUIRED("podAffinity", TERM_NS("blue", ZONE)), BLUE, 0 },
	{ "PreferredAffinityWithNSSelector", 90, 0, 5000, 0, 5000, 5000,
	  PREFERRED("podAffinity", TERM_NS("red", HOST)), RED,
	  PREFERRED("podAffinity", TERM_NS("red", HOST)), RED, 0 },
	{ "Unschedulable 20kInit", 600, 0, 5000, 0, 20000, 10000, PLAIN, "", PLAIN, "",
	  CHURN_UNSCHEDULABLE },
	{ "SchedulingWithMixedChurn", 710, 0, 5000, 0, 0, 10000, PLAIN, "", PLAIN, "",
	  CHURN_MIXED },
	{ "PreemptionAsync", 570, 0, 5000, 0, 20000, 5000, BIG, "", PLAIN, "", CHURN_PREEMPTING },
	{ "PreemptionBasic", 0, 500, 1000, 0, 4000, 1000, BIG, "", VIP, "", 0 },
};

struct bench {
	struct arena *arena;
	struct schema *schema;
	struct store *store;
	struct server *server;
	struct scheduler *scheduler;
	struct recorder *recorder;
	struct writer inner;
	struct random random;
	struct clock clock;
	i64 now_ns, writing_ns;
	u32 made;
};

static i64 bench_now(void *self)
{
	return ((struct bench *)self)->now_ns;
}

/* Of this process: the machine may have other work to do. */
static i64 spent_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static enum status timed_write(void *self, struct arena *arena, const char *user,
			       const struct intent *intent, struct version **ret,
			       struct error *error)
{
	struct bench *b = self;
	i64 start = spent_ns();
	enum status status = b->inner.write(b->inner.self, arena, user, intent, ret, error);
	b->writing_ns += spent_ns() - start;
	return status;
}

static void create(struct bench *b, kind_id kind, const char *ns, const char *text, bool status_too)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct error error = ERROR_INIT;
	struct outcome outcome = { 0 };
	const struct doc *doc = NULL;
	char *json = (char *)str_c(arena, str_of(text));
	for (char *p = json; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	struct call call = { .server = b->server,
			     .arena = arena,
			     .field_manager = STR("bench"),
			     .validation = VALIDATION_IGNORE };
	const struct api_kind *api = schema_kind(b->schema, kind);
	CHECK(json_parse(arena, str_of(json), &doc, &error) == ST_OK);
	if (verb_create(&call, api, str_of(ns), STR_NONE, STR_NONE, doc, &outcome, &error) !=
	    ST_OK) {
		fprintf(stderr, "%s\n%s\n", error.message, text);
		exit(1);
	}
	if (status_too)
		CHECK(verb_patch(&call, api, str_of(ns), doc_at_str(doc, "metadata.name"),
				 STR("status"), PATCH_MERGE, false, doc, &outcome,
				 &error) == ST_OK);
}

static void delete (struct bench *b, kind_id kind, struct str ns, struct str name)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct error error = ERROR_INIT;
	struct outcome outcome = { 0 };
	struct call call = { .server = b->server, .arena = arena };
	struct delete_options options = { .grace_s = 0 };
	if (verb_delete(&call, schema_kind(b->schema, kind), ns, name, &options, &outcome,
			&error) != ST_OK)
		fprintf(stderr, "%s\n", error.message);
}

static void make_node(struct bench *b, u32 number, u32 zones)
{
	char zone[64] = "", text[512];
	if (zones)
		snprintf(zone, sizeof zone, ",'" ZONE "':'zone-%u'", number % zones);
	snprintf(text, sizeof text,
		 "{'metadata':{'name':'node-%u','labels':{'" HOST
		 "':'node-%u'%s}},'status':{'allocatable':{'cpu':'4','memory':'32Gi','pods':'110'}"
		 "}}",
		 number, number, zone);
	create(b, KIND_Node, "", text, true);
}

static void make_pod(struct bench *b, const char *ns, const char *spec, const char *labels)
{
	char text[2048];
	snprintf(text, sizeof text, "{'metadata':{'name':'pod-%u','labels':{%s}},'spec':{%s}}",
		 b->made++, labels, spec);
	create(b, KIND_Pod, ns, text, false);
}

/* Evicted pods go at once, as if their nodes had been quick. */
static void end_leaving(struct bench *b, u32 preempted_before)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	VEC(struct version *) gone = { 0 };
	struct store_iter iter;
	if (scheduler_counts(b->scheduler).preempted == preempted_before)
		return;
	store_iter_start(&iter, b->store, KIND_Pod, STR_NONE, STR_NONE, STR_NONE);
	for (struct version *pod; (pod = store_iter_next(&iter));)
		if (object_deleting(pod->doc)) {
			version_hold(arena, pod);
			VEC_PUSH(arena, &gone, pod);
		}
	for (u32 i = 0; i < gone.len; i++)
		delete (b, KIND_Pod, gone.at[i]->namespace, gone.at[i]->name);
}

static void churn(struct bench *b, enum churn kind, u32 round)
{
	char text[256];
	if (kind == CHURN_UNSCHEDULABLE)
		make_pod(b, "default", HOPELESS, "");
	if (kind == CHURN_PREEMPTING)
		make_pod(b, "default", VIP, "");
	if (kind != CHURN_MIXED)
		return;
	if (round) {
		delete (b, KIND_Service, STR("default"), STR("churn"));
		delete (b, KIND_Node, STR_NONE, STR("node-99999"));
		snprintf(text, sizeof text, "pod-%u", b->made - 1);
		delete (b, KIND_Pod, STR("churn"), str_of(text));
	}
	create(b, KIND_Service, "default",
	       "{'metadata':{'name':'churn'},'spec':{'selector':{'app':'foo'},'ports':[{'port':80}]"
	       "}}",
	       false);
	make_node(b, 99999, 0);
	make_pod(b, "churn", HOPELESS, "");
}

static struct bench *bench_new(const struct workload *w)
{
	static const char *const namespaces[] = { "sched-0", "sched-1", "churn" };
	struct bench *b = calloc(1, sizeof *b);
	struct server_config config = { 0 };
	struct error error = ERROR_INIT;
	char text[256];
	CHECK(b);
	b->arena = arena_new(0);
	b->now_ns = 1767225600 * NS_PER_S;
	b->clock = (struct clock){ bench_now, bench_now, b };
	random_seed(&b->random, 1);
	b->schema = schema_new();
	b->store = store_new(b->schema, NULL, &b->clock);
	CHECK(store_open(b->store, &error) == ST_OK);
	b->server = server_new(&config, b->store, b->schema, &b->clock, &b->random);
	CHECK(server_bootstrap(b->server, &error) == ST_OK);
	b->inner = writer_for_server(b->server);
	b->recorder = recorder_new(b->schema, b->store, &b->clock);
	struct writer writer = { timed_write, b };
	b->scheduler = scheduler_new(b->store, b->schema, &b->clock, writer, b->recorder);
	for (u32 i = 0; i < ARRAY_LEN(namespaces); i++) {
		snprintf(text, sizeof text, "{'metadata':{'name':'%s','labels':{'team':'devops'}}}",
			 namespaces[i]);
		create(b, KIND_Namespace, "", text, false);
	}
	static const char *const accounts[] = { "default", "sched-0", "sched-1", "churn" };
	for (u32 i = 0; i < ARRAY_LEN(accounts); i++)
		create(b, KIND_ServiceAccount, accounts[i], "{'metadata':{'name':'default'}}",
		       false);
	create(b, KIND_PriorityClass, "", "{'metadata':{'name':'vip'},'value':10}", false);
	for (u32 i = 0; i < w->nodes; i++)
		make_node(b, i, w->zones);
	return b;
}

static void bench_free(struct bench *b)
{
	scheduler_free(b->scheduler);
	recorder_free(b->recorder);
	server_free(b->server);
	store_free(b->store);
	schema_free(b->schema);
	arena_free(b->arena);
	free(b);
}

/* Steps until `bound` pods are bound; the time spent in the scheduler. */
static i64 place_all(struct bench *b, u64 bound, enum churn kind)
{
	i64 spent = 0;
	u32 idle = 0;
	for (u32 round = 0; scheduler_counts(b->scheduler).bound < bound && idle < 100; round++) {
		struct scheduler_counts before = scheduler_counts(b->scheduler);
		if (kind && round % 2 == 0)
			churn(b, kind, round);
		i64 start = spent_ns();
		scheduler_step(b->scheduler, 200);
		spent += spent_ns() - start;
		bool nothing = scheduler_counts(b->scheduler).bound == before.bound;
		end_leaving(b, (u32)before.preempted);
		idle = nothing ? idle + 1 : 0;
		b->now_ns += nothing ? NS_PER_S : NS_PER_S / 100;
	}
	return spent;
}

static bool run(const struct workload *w)
{
	struct bench *b = bench_new(w);
	for (u32 i = 0; i < w->init; i++)
		make_pod(b, "sched-0", w->init_spec, w->init_labels);
	place_all(b, w->init, CHURN_NONE);
	for (u32 i = 0; i < w->measured; i++)
		make_pod(b, "sched-1", w->spec, w->labels);
	struct scheduler_counts before = scheduler_counts(b->scheduler);
	b->writing_ns = 0;
	i64 spent = place_all(b, before.bound + w->measured, w->churn);
	struct scheduler_counts after = scheduler_counts(b->scheduler);
	double placed = (double)(after.bound - before.bound);
	double all = placed * 1e9 / (double)spent;
	double deciding = placed * 1e9 / (double)(spent - b->writing_ns);
	u32 wanted = w->wanted ? w->wanted : 10 * w->threshold;
	bool good = deciding >= wanted && after.bound - before.bound >= w->measured;
	printf("%-38s %7.0f pods/s deciding, %6.0f with writes; upstream %4u, target %6u%s\n",
	       w->name, deciding, all, w->threshold, wanted, good ? "" : "  MISSED");
	if (after.bound - before.bound < w->measured)
		printf("    only %.0f of %u were placed\n", placed, w->measured);
	fflush(stdout);
	bench_free(b);
	return good;
}

int main(int argc, char **argv)
{
	u32 missed = 0;
	for (u32 i = 0; i < ARRAY_LEN(workloads); i++) {
		bool chosen = argc < 2;
		for (int k = 1; k < argc; k++)
			chosen |= strcmp(argv[k], workloads[i].name) == 0;
		if (chosen)
			missed += !run(&workloads[i]);
	}
	return missed ? 1 : 0;
}
