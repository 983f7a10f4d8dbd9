/* A ring of short notes: cheap enough to be kept in every run. */
#include "sim/story.h"

#include <stdio.h>
#include <string.h>

static void copy(char *to, size_t size, struct str from)
{
	size_t len = from.len < size - 1 ? from.len : size - 1;
	if (len)
		memcpy(to, from.at, len);
	to[len] = 0;
}

void story_add(struct story *story, u64 step, i64 mono_ns, const char *who, const char *what,
	       const char *kind, struct str name)
{
	struct note *last = &story->notes[(story->len - 1) % STORY_NOTES];
	if (story->len && last->what == what && last->kind == kind && last->step == step &&
	    str_is(str_of(last->who), who) && !name.len) {
		last->times++;
		return;
	}
	struct note *note = &story->notes[story->len++ % STORY_NOTES];
	note->mono_ns = mono_ns;
	note->step = step;
	note->what = what;
	note->kind = kind;
	note->times = 1;
	copy(note->who, sizeof note->who, str_of(who));
	copy(note->name, sizeof note->name, name);
}

void story_print(const struct story *story)
{
	u64 from = story->len > STORY_NOTES ? story->len - STORY_NOTES : 0;
	for (u64 i = from; i < story->len; i++) {
		const struct note *note = &story->notes[i % STORY_NOTES];
		printf("  %10.3f s  step %-5llu %-24s %s %s %s\n", (double)note->mono_ns / 1e9,
		       (unsigned long long)note->step, note->who, note->what, note->kind,
		       note->name);
	}
}
