/*
 * The recorder keeps a bounded memory of what was said lately, in a direct-mapped table: a
 * collision costs a second Event object, never a wrong one. Names are made of the object's name and
 * the time, as client-go makes them.
 */
#include "controllers/event.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/timestamp.h"
#include "controllers/plan.h"
#include "doc/build.h"

enum {
	SLOTS = 1024,	/* power of two */
	ALIKE_MAX = 10, /* different texts of one reason before they are combined */
	BURST_MAX = 25, /* events of one component about one object, then one in five minutes */
	REFILL_S = 300,
	WINDOW_S = 600, /* how long texts of one reason count as alike */
	EVENT_NAME_MAX = 253 + 20,
};

struct said { /* one event object */
	u64 hash;
	u32 count;
	u16 name_len, namespace_len;
	char name[EVENT_NAME_MAX], namespace[64];
	i64 first_ns;
};

struct alike { /* one reason about one object, whatever the text */
	u64 hash, last_text;
	u32 texts;
	i64 since_ns;
};

struct budget { /* of one component about one object */
	u64 hash;
	i64 tokens_ns; /* time worth of tokens */
	i64 at_ns;
};

struct recorder {
	struct schema *schema;
	struct store *store;
	const struct clock *clock;
	u64 written;
	i64 last_stamp; /* names never repeat within one process */
	struct said *said[SLOTS];
	struct alike alike[SLOTS];
	struct budget budgets[SLOTS];
};

struct recorder *recorder_new(struct schema *schema, struct store *store, const struct clock *clock)
{
	struct recorder *recorder = calloc(1, sizeof *recorder);
	CHECK(recorder);
	recorder->schema = schema;
	recorder->store = store;
	recorder->clock = clock;
	return recorder;
}

void recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return;
	for (u32 i = 0; i < SLOTS; i++)
		free(recorder->said[i]);
	free(recorder);
}

u64 recorder_written(const struct recorder *recorder)
{
	return recorder->written;
}

/* FNV-1a: not keyed, because which slot is used must be the same on every run of a seed. */
static u64 mix(u64 hash, struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (u8)s.at[i]) * 1099511628211u;
	return (hash ^ 0xff) * 1099511628211u;
}

static u64 mix_object(const char *component, const struct version *about)
{
	return mix(mix(14695981039346656037u, str_of(component)), about->uid);
}

/* True when this object has said too much: a bucket of BURST_MAX, refilled slowly. */
static bool spends_too_much(struct recorder *recorder, u64 hash, i64 now_ns)
{
	struct budget *budget = &recorder->budgets[hash & (SLOTS - 1)];
	const i64 one = REFILL_S * NS_PER_S;
	if (budget->hash != hash)
		*budget = (struct budget){ hash, BURST_MAX * one, now_ns };
	budget->tokens_ns = MIN(budget->tokens_ns + (now_ns - budget->at_ns), BURST_MAX * one);
	budget->at_ns = now_ns;
	if (budget->tokens_ns < one)
		return true;
	budget->tokens_ns -= one;
	return false;
}

/* True when so many texts of this reason came in a short time that they are told as one. */
static bool is_combined(struct recorder *recorder, u64 hash, u64 text, i64 now_ns)
{
	struct alike *alike = &recorder->alike[hash & (SLOTS - 1)];
	if (alike->hash != hash || now_ns - alike->since_ns > WINDOW_S * NS_PER_S)
		*alike = (struct alike){ .hash = hash, .since_ns = now_ns };
	if (alike->last_text != text)
		alike->texts++;
	alike->last_text = text;
	return alike->texts > ALIKE_MAX;
}

static const struct doc *involved(struct recorder *recorder, struct arena *arena,
				  const struct version *about)
{
	const struct api_kind *kind = schema_kind(recorder->schema, about->kind);
	struct build b = build_object(arena);
	build_str(&b, "kind", kind->kind);
	build_str_if(&b, "namespace", about->namespace);
	build_str(&b, "name", about->name);
	build_str(&b, "uid", about->uid);
	build_str(&b, "apiVersion", kind->api_version);
	build_str(&b, "resourceVersion",
		  str_format(arena, "%llu", (unsigned long long)about->revision));
	return build_done(&b);
}

struct news {
	const char *component;
	const struct version *about;
	enum event_level level;
	struct str reason, text;
};

static const struct doc *event_doc(struct recorder *recorder, struct arena *arena,
				   const struct news *news, const struct said *said, i64 now_ns)
{
	struct str now = timestamp_print(arena, now_ns);
	struct build b = build_object(arena);
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Event"));
	build_open_object(&b, "metadata");
	build_str(&b, "name", (struct str){ said->name, said->name_len });
	build_str(&b, "namespace", (struct str){ said->namespace, said->namespace_len });
	build_close(&b);
	build_doc(&b, "involvedObject", involved(recorder, arena, news->about));
	build_str(&b, "reason", news->reason);
	build_str(&b, "message", news->text);
	build_open_object(&b, "source");
	build_str(&b, "component", str_of(news->component));
	build_close(&b);
	build_str(&b, "firstTimestamp", now);
	build_str(&b, "lastTimestamp", now);
	build_int(&b, "count", 1);
	build_str(&b, "type", news->level == EVENT_WARNING ? STR("Warning") : STR("Normal"));
	build_str(&b, "reportingComponent", str_of(news->component));
	build_str(&b, "reportingInstance", STR(""));
	return build_done(&b);
}

static enum status write_event(struct recorder *recorder, const struct writer *writer,
			       struct arena *arena, const char *user, const struct intent *intent)
{
	struct error error = ERROR_INIT;
	struct version *ignored = NULL;
	enum status status = writer->write(writer->self, arena, user, intent, &ignored, &error);
	if (status == ST_OK)
		recorder->written++;
	return status;
}

/* Counts up an event that is still there. False: it is gone, a new one is needed. */
static bool count_up(struct recorder *recorder, const struct writer *writer, struct arena *arena,
		     const struct news *news, struct said *said, i64 now_ns)
{
	struct str namespace = { said->namespace, said->namespace_len };
	struct str name = { said->name, said->name_len };
	struct version *there = store_get(recorder->store, KIND_Event, namespace, name);
	if (!there)
		return false;
	struct build b = build_object(arena);
	build_int(&b, "count", ++said->count);
	build_str(&b, "lastTimestamp", timestamp_print(arena, now_ns));
	build_str(&b, "message", news->text);
	struct intent intent = {
		.type = INTENT_PATCH,
		.any_revision = true,
		.kind = KIND_Event,
		.namespace = namespace,
		.name = name,
		.uid = there->uid,
		.doc = build_done(&b),
	};
	return write_event(recorder, writer, arena, news->component, &intent) == ST_OK;
}

static void write_first(struct recorder *recorder, const struct writer *writer, struct arena *arena,
			const struct news *news, struct said *said, i64 now_ns)
{
	struct str namespace = news->about->namespace.len ? news->about->namespace : STR("default");
	i64 stamp = MAX(now_ns, recorder->last_stamp + 1);
	recorder->last_stamp = stamp;
	said->count = 1;
	said->first_ns = now_ns;
	int name_len = snprintf(said->name, sizeof said->name, STR_FMT ".%llx",
				STR_ARG(str_part(news->about->name, 0, NAME_BYTES_MAX - 18)),
				(unsigned long long)stamp);
	int namespace_len =
		snprintf(said->namespace, sizeof said->namespace, STR_FMT, STR_ARG(namespace));
	said->name_len = (u16)name_len;
	said->namespace_len = (u16)namespace_len;
	struct intent intent = {
		.type = INTENT_CREATE,
		.kind = KIND_Event,
		.namespace = namespace,
		.name = { said->name, said->name_len },
		.doc = event_doc(recorder, arena, news, said, now_ns),
	};
	if (write_event(recorder, writer, arena, news->component, &intent) != ST_OK)
		said->hash = 0;
}

void recorder_event(struct recorder *recorder, const struct writer *writer, struct arena *arena,
		    const char *component, const struct version *about, enum event_level level,
		    struct str reason, struct str text)
{
	i64 now_ns = clock_wall_ns(recorder->clock);
	struct news news = { component, about, level, reason, text };
	u64 object = mix_object(component, about), kind_of = mix(object, reason);
	u64 hash = mix(kind_of, text);

	if (is_combined(recorder, kind_of, hash, now_ns)) {
		hash = mix(kind_of, STR("combined"));
		news.text = str_format(arena, "(combined from similar events): " STR_FMT,
				       STR_ARG(text));
	}
	if (spends_too_much(recorder, object, now_ns))
		return;
	struct said **slot = &recorder->said[hash & (SLOTS - 1)];
	if (!*slot) {
		*slot = calloc(1, sizeof **slot);
		CHECK(*slot);
	}
	if ((*slot)->hash == hash && count_up(recorder, writer, arena, &news, *slot, now_ns))
		return;
	(*slot)->hash = hash;
	write_first(recorder, writer, arena, &news, *slot, now_ns);
}
