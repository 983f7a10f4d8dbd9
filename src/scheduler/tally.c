/* Counting; the least count over all domains is kept by a histogram, in constant time. */
#include "scheduler/tally.h"

#include <stdlib.h>

#include "base/check.h"

enum { CAP_FIRST = 16 };

static void *fit(void *array, u32 *cap, u32 at, size_t size)
{
	u32 now = *cap ? *cap : CAP_FIRST;
	if (at < *cap)
		return array;
	while (now <= at)
		now *= 2;
	array = realloc(array, now * size);
	CHECK(array);
	memset((char *)array + *cap * size, 0, (now - *cap) * size);
	*cap = now;
	return array;
}

struct tally *tally_new(struct str key, const struct tally *wish)
{
	struct arena *arena = arena_new(1024);
	struct tally *tally = ARENA_NEW(arena, struct tally);
	*tally = *wish;
	tally->arena = arena;
	tally->key = str_copy(arena, key);
	tally->scopes = ARENA_ARRAY(arena, struct scope, wish->scopes_len);
	for (u32 i = 0; i < wish->scopes_len; i++)
		tally->scopes[i] = scope_copy(arena, &wish->scopes[i]);
	struct eligibility *e = &tally->eligible;
	e->selector = e->selector ? doc_copy(arena, e->selector) : NULL;
	e->affinity = e->affinity ? doc_copy(arena, e->affinity) : NULL;
	e->tolerations = e->tolerations ? doc_copy(arena, e->tolerations) : NULL;
	tally->picky = e->selector || e->affinity || e->honours_taints || e->needs_len;
	return tally;
}

void tally_free(struct tally *tally)
{
	free(tally->ok);
	free(tally->counts);
	free(tally->nodes);
	free(tally->how_many);
	arena_free(tally->arena);
}

/* Room for a domain in both arrays, which share their size. */
static void fit_domain(struct tally *tally, u32 domain)
{
	u32 cap = tally->cap;
	tally->counts = fit(tally->counts, &cap, domain, sizeof(u32));
	tally->nodes = fit(tally->nodes, &tally->cap, domain, sizeof(u32));
}

static void histogram_add(struct tally *tally, u32 count)
{
	tally->how_many = fit(tally->how_many, &tally->how_many_cap, count, sizeof(u32));
	tally->how_many[count]++;
	if (tally->domains == 1 || count < tally->least)
		tally->least = count;
}

static void histogram_remove(struct tally *tally, u32 count)
{
	CHECK(tally->how_many[count]);
	tally->how_many[count]--;
	if (count != tally->least || !tally->domains)
		return;
	while (!tally->how_many[tally->least] && tally->least + 1 < tally->how_many_cap)
		tally->least++;
}

void tally_node(struct tally *tally, u32 slot, bool eligible, int sign)
{
	u32 domain = topology_of(tally->topology, slot);
	if (tally->picky) {
		tally->ok = fit(tally->ok, &tally->ok_cap, slot, 1);
		if (sign < 0)
			eligible = tally->ok[slot];
		tally->ok[slot] = sign > 0 && eligible;
	}
	if (!domain || (tally->picky && !eligible))
		return;
	fit_domain(tally, domain - 1);
	u32 *nodes = &tally->nodes[domain - 1], count = tally->counts[domain - 1];
	*nodes += (u32)sign;
	if (sign > 0 && *nodes == 1) {
		tally->domains++;
		histogram_add(tally, count);
	} else if (sign < 0 && *nodes == 0) {
		tally->domains--;
		histogram_remove(tally, count);
	}
}

void tally_pod(struct tally *tally, u32 slot, int sign)
{
	u32 domain = topology_of(tally->topology, slot);
	if (!domain || !tally_looks_at(tally, slot))
		return;
	CHECK(domain <= tally->cap);
	u32 before = tally->counts[domain - 1], now = before + (u32)sign;
	CHECK(sign > 0 || before);
	tally->counts[domain - 1] = now;
	tally->total += (u64)(i64)sign;
	histogram_add(tally, now); /* first in, so that the least is never looked for in vain */
	histogram_remove(tally, before);
}

/* ---- bonds */

struct bond *bond_new(struct str key, const struct bond *wish)
{
	struct arena *arena = arena_new(1024);
	struct bond *bond = ARENA_NEW(arena, struct bond);
	*bond = *wish;
	bond->arena = arena;
	bond->key = str_copy(arena, key);
	bond->scope = scope_copy(arena, &wish->scope);
	return bond;
}

void bond_free(struct bond *bond)
{
	free(bond->counts);
	arena_free(bond->arena);
}

void bond_pod(struct bond *bond, u32 slot, int sign)
{
	u32 domain = topology_of(bond->topology, slot);
	if (!domain)
		return;
	bond->counts = fit(bond->counts, &bond->cap, domain - 1, sizeof(u32));
	CHECK(sign > 0 || bond->counts[domain - 1]);
	bond->counts[domain - 1] += (u32)sign;
	bond->total += (u64)(i64)sign;
}
