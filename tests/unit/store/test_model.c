/*
 * The store against a naive model that keeps every event for ever and finds things by looking at
 * all of them: random writes, commits, failures, crashes, watches and older lists, from a seed.
 * MINKE_SEEDS=n runs more.
 */
#include "store_unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "store/btree.h"

enum { EVENTS_MAX = 8000, WATCHES = 6, SPACES = 3, NAMES = 8, STEPS = 1500 };

struct fact { /* one event, as the model knows it */
	u64 revision;
	u32 kind, space, name, data;
	bool removed, undone;
};

struct looker {
	struct watch *watch;
	u32 kind, space; /* space SPACES: all */
	u64 seen;
};

struct world {
	struct random random;
	struct log *log;
	struct store *store;
	struct fact facts[EVENTS_MAX];
	u32 len;
	struct looker lookers[WATCHES];
	u64 floor;   /* older lists and watches begin here */
	u64 durable; /* never less than before */
};

static u64 current_seed; /* for a debugger: the seed that failed */

static const char *const spaces[] = { "a", "a-b", "b" };
static const char *const name_of[] = { "n0", "n1", "n10", "n2", "web", "web-0", "web-1", "x" };

/* The last fact about a key up to a revision; NULL: nothing was there. */
static const struct fact *fact_at(const struct world *w, u64 revision, u32 kind, u32 space,
				  u32 name)
{
	for (u32 i = w->len; i-- > 0;) {
		const struct fact *f = &w->facts[i];

		if (!f->undone && f->revision <= revision && f->kind == kind &&
		    f->space == space && f->name == name)
			return f->removed ? NULL : f;
	}
	return NULL;
}

static void check_walk(struct world *w, struct store_iter *iter, u64 revision, u32 kind, u32 space)
{
	for (u32 s = 0; s < SPACES; s++)
		for (u32 n = 0; n < NAMES; n++) {
			const struct fact *f = fact_at(w, revision, kind, s, n);

			if (!f || (space < SPACES && s != space))
				continue;
			struct version *v = store_iter_next(iter);

			assert_non_null(v);
			assert_str(v->namespace, spaces[s]);
			assert_str(v->name, name_of[n]);
			assert_int_equal(v->revision, f->revision);
			assert_int_equal(doc_at_int(v->doc, "data", -1), f->data);
		}
	assert_null(store_iter_next(iter));
}

static u32 pick_kind(struct world *w)
{
	return 1 + random_below(&w->random, TEST_KINDS - 1);
}

static struct str space_str(u32 space)
{
	return space < SPACES ? str_of(spaces[space]) : STR_NONE;
}

static void do_write(struct world *w)
{
	u32 kind = pick_kind(w), space = random_below(&w->random, SPACES);
	u32 name = random_below(&w->random, NAMES);
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	bool remove = random_chance(&w->random, 300);
	bool there = fact_at(w, UINT64_MAX, kind, space, name) != NULL;
	struct fact fact = { .kind = kind, .space = space, .name = name, .data = w->len,
			     .removed = remove };
	enum status status;

	if (remove) {
		status = store_remove(w->store, (kind_id)kind, space_str(space),
				      str_of(name_of[name]), NULL, NULL, &error);
		assert_int_equal(status, there ? ST_OK : ST_NOT_FOUND);
	} else {
		const struct doc *doc = test_object(arena, spaces[space], name_of[name], "");

		doc = doc_set_int(arena, doc, "data", w->len);
		status = store_put(w->store, (kind_id)kind, space_str(space),
				   str_of(name_of[name]), doc, NULL, &error);
		assert_int_equal(status, ST_OK);
	}
	arena_free(arena);
	if (status)
		return;
	fact.revision = store_revision(w->store);
	assert_true(!w->len || fact.revision > w->facts[w->len - 1].revision);
	assert_true(w->len < EVENTS_MAX);
	w->facts[w->len++] = fact;
}

static void do_fail(struct world *w)
{
	if (!log_memory_waiting(w->log))
		return;
	u64 durable = store_durable(w->store);

	log_memory_fail(w->log, ST_NO_SPACE);
	for (u32 i = 0; i < w->len; i++)
		if (w->facts[i].revision > durable)
			w->facts[i].undone = true;
	test_now_ns += 2 * NS_PER_S; /* so that writes are taken again */
}

static void look(struct world *w, struct looker *looker)
{
	struct store_event event;

	while (watch_next(looker->watch, &event)) {
		const struct fact *next = NULL;

		for (u32 i = 0; i < w->len && !next; i++) {
			const struct fact *f = &w->facts[i];

			if (!f->undone && f->revision > looker->seen && f->kind == looker->kind &&
			    (looker->space == SPACES || looker->space == f->space))
				next = f;
		}
		assert_non_null(next);
		assert_true(next->revision <= store_durable(w->store));
		assert_int_equal(event.version->revision, next->revision);
		assert_int_equal(event.version->deleted, next->removed);
		assert_int_equal(event.type == EVENT_DELETED, next->removed);
		bool before = fact_at(w, next->revision - 1, next->kind, next->space,
				      next->name) != NULL;

		assert_int_equal(event.type == EVENT_ADDED, !before);
		assert_int_equal(event.previous == NULL, !before);
		looker->seen = next->revision;
	}
	assert_false(watch_expired(looker->watch));
	assert_true(watch_revision(looker->watch) >= looker->seen);
	/* Nothing durable was left out. */
	for (u32 i = 0; i < w->len; i++) {
		const struct fact *f = &w->facts[i];

		assert_false(!f->undone && f->revision > looker->seen &&
			     f->revision <= store_durable(w->store) && f->kind == looker->kind &&
			     (looker->space == SPACES || looker->space == f->space));
	}
}

/* Some watch is read, or closed and opened anew at some durable revision. */
static void do_watch(struct world *w)
{
	struct looker *looker = &w->lookers[random_below(&w->random, WATCHES)];
	struct error error = ERROR_INIT;

	if (looker->watch && random_chance(&w->random, 700)) {
		look(w, looker);
		return;
	}
	watch_close(looker->watch);
	looker->watch = NULL;
	looker->kind = pick_kind(w);
	looker->space = random_below(&w->random, SPACES + 1);
	u64 back = random_below(&w->random, 60), durable = store_durable(w->store);

	looker->seen = durable > back ? durable - back : 0;
	enum status status = watch_open(w->store, (kind_id)looker->kind, space_str(looker->space),
					looker->seen, &looker->watch, &error);

	assert_int_equal(status, looker->seen < w->floor ? ST_EXPIRED : ST_OK);
}

static void do_list(struct world *w)
{
	u32 kind = pick_kind(w), space = random_below(&w->random, SPACES + 1);
	u64 back = random_below(&w->random, 60), revision = store_revision(w->store);
	struct arena *arena = arena_new(0);
	struct error error = ERROR_INIT;
	struct store_iter iter;

	store_iter_start(&iter, w->store, (kind_id)kind, space_str(space), STR_NONE, STR_NONE);
	check_walk(w, &iter, UINT64_MAX, kind, space);
	revision = revision > back ? revision - back : 0;
	enum status status =
		store_iter_start_at(&iter, w->store, (kind_id)kind, space_str(space), STR_NONE,
				    STR_NONE, revision, arena, &error);

	assert_int_equal(status, revision < w->floor ? ST_EXPIRED : ST_OK);
	if (!status)
		check_walk(w, &iter, revision, kind, space);
	arena_free(arena);
}

/* What was durable is there again; lazy kinds may have lost their newest states. */
static void do_crash(struct world *w)
{
	u64 durable = store_durable(w->store), revision = store_revision(w->store);

	for (u32 i = 0; i < WATCHES; i++) {
		watch_close(w->lookers[i].watch);
		w->lookers[i].watch = NULL;
	}
	store_free(w->store);
	log_close(w->log);
	log_memory_hold(w->log, false);
	w->store = test_store(w->log);
	log_memory_hold(w->log, true);
	assert_true(store_revision(w->store) >= durable);
	w->floor = store_revision(w->store);
	for (u32 i = 0; i < w->len; i++)
		if (w->facts[i].revision > durable)
			w->facts[i].undone = true;
	(void)revision;
	for (u32 s = 0; s < SPACES; s++)
		for (u32 n = 0; n < NAMES; n++) {
			struct version *v = store_get(w->store, LEASES, str_of(spaces[s]),
						      str_of(name_of[n]));

			/* The model forgets the lazy kind and believes what came back. */
			for (u32 i = 0; i < w->len; i++)
				if (w->facts[i].kind == LEASES && w->facts[i].space == s &&
				    w->facts[i].name == n)
					w->facts[i].undone = !v ||
							     w->facts[i].revision != v->revision;
		}
	for (u32 kind = 1; kind < TEST_KINDS; kind++) {
		struct store_iter iter;

		store_iter_start(&iter, w->store, (kind_id)kind, STR_NONE, STR_NONE, STR_NONE);
		check_walk(w, &iter, UINT64_MAX, kind, SPACES);
	}
}

static void run_world(u64 seed)
{
	struct world *w = calloc(1, sizeof *w);

	random_seed(&w->random, seed);
	w->log = log_memory_new();
	w->store = test_store(w->log);
	log_memory_hold(w->log, true);
	for (u32 step = 0; step < STEPS; step++) {
		u32 die = random_below(&w->random, 1000);

		if (die < 500)
			do_write(w);
		else if (die < 700)
			log_memory_commit(w->log, 1 + random_below(&w->random, 8));
		else if (die < 850)
			do_watch(w);
		else if (die < 960)
			do_list(w);
		else if (die < 980)
			test_now_ns += 200 * NS_PER_S;
		else if (die < 995)
			do_fail(w);
		else
			do_crash(w);
		assert_true(store_durable(w->store) >= w->durable);
		assert_true(store_durable(w->store) <= store_revision(w->store));
		w->durable = store_durable(w->store);
	}
	for (u32 i = 0; i < WATCHES; i++)
		watch_close(w->lookers[i].watch);
	store_free(w->store);
	log_memory_free(w->log);
	free(w);
}

static void does_what_a_naive_model_does(void **state)
{
	(void)state;
	const char *wish = getenv("MINKE_SEEDS");
	u64 seeds = wish ? strtoull(wish, NULL, 10) : 200;

	for (u64 seed = 1; seed <= seeds; seed++) {
		current_seed = seed;
		run_world(seed);
	}
}

/* ---- the tree alone, with many keys */

enum { KEYS = 4000 };

static struct object *key_object(u32 number)
{
	struct object *object = calloc(1, sizeof *object + 16);

	object->namespace_len = (u16)sprintf(object->key, "ns%u", number % 7);
	object->name_len =
		(u16)sprintf(object->key + object->namespace_len, "%05u", number / 7);
	object->row = number;
	return object;
}

static void check_tree(struct btree *tree, struct object *const *there)
{
	struct btree_cursor cursor = btree_seek(tree, STR_NONE, STR_NONE, true);
	u32 count = 0;

	for (u32 space = 0; space < 7; space++)
		for (u32 number = space; number < KEYS; number += 7) {
			if (!there[number])
				continue;
			assert_ptr_equal(btree_next(&cursor), there[number]);
			count++;
		}
	assert_null(btree_next(&cursor));
	assert_int_equal(count, tree->len);
}

static void keeps_a_large_tree_in_order(void **state)
{
	(void)state;
	struct random random;
	struct btree tree = { 0 };
	struct object **there = calloc(KEYS, sizeof *there);

	random_seed(&random, 7);
	for (u32 step = 0; step < 60000; step++) {
		u32 number = random_below(&random, KEYS);
		/* Phases of growing and of shrinking, down to nothing. */
		bool grow = random_chance(&random, step / 10000 % 2 ? 100 : 900);
		struct object *object = key_object(number);

		if (grow && !there[number]) {
			btree_insert(&tree, there[number] = object);
			object = NULL;
		} else if (!grow) {
			assert_ptr_equal(btree_remove(&tree, object_namespace(object),
						      object_name(object)),
					 there[number]);
			free(there[number]);
			there[number] = NULL;
		} else {
			assert_ptr_equal(btree_find(&tree, object_namespace(object),
						    object_name(object)),
					 there[number]);
		}
		free(object);
		if (step % 1000 == 0)
			check_tree(&tree, there);
	}
	for (u32 number = 0; number < KEYS; number++) {
		if (!there[number])
			continue;
		assert_ptr_equal(btree_remove(&tree, object_namespace(there[number]),
					      object_name(there[number])),
				 there[number]);
		free(there[number]);
	}
	assert_int_equal(tree.len, 0);
	assert_null(tree.root);
	free(there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_what_a_naive_model_does),
		cmocka_unit_test(keeps_a_large_tree_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
