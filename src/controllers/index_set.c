/* Sets of indexes as ranges; the text form is that of status.completedIndexes. */
#include "controllers/index_set.h"

#include "base/buffer.h"

static void add_range(struct arena *arena, struct index_set *set, i64 first, i64 last)
{
	if (set->ranges.len && set->ranges.at[set->ranges.len - 1].last + 1 >= first) {
		struct index_range *end = &set->ranges.at[set->ranges.len - 1];
		end->last = MAX(end->last, last);
		return;
	}
	VEC_PUSH(arena, &set->ranges, (struct index_range){ first, last });
}

struct index_set index_set_parse(struct arena *arena, struct str text, i64 limit)
{
	struct index_set set = { 0 };
	while (text.at && text.len) {
		struct str rest = str_cut(&text, ','), low = str_cut(&rest, '-');
		i64 first, last;
		if (!str_to_i64(low, &first))
			continue;
		last = first;
		if (rest.at && !str_to_i64(rest, &last))
			continue;
		last = MIN(last, limit - 1);
		if (first >= 0 && first <= last)
			add_range(arena, &set, first, last);
	}
	return set;
}

struct str index_set_print(struct arena *arena, const struct index_set *set)
{
	struct buffer text = BUFFER_INIT(1 << 20);
	for (u32 i = 0; i < set->ranges.len; i++) {
		struct index_range range = set->ranges.at[i];
		buffer_add_format(&text, "%s%lld", i ? "," : "", (long long)range.first);
		/* Two neighbours are written one by one, as upstream does. */
		if (range.last > range.first)
			buffer_add_format(&text, "%s%lld", range.last > range.first + 1 ? "-" : ",",
					  (long long)range.last);
	}
	struct str printed = str_copy(arena, buffer_str(&text));
	buffer_release(&text);
	return printed;
}

/* The first range that does not end before `index`. */
static u32 find(const struct index_set *set, i64 index)
{
	u32 low = 0, high = set->ranges.len;
	while (low < high) {
		u32 middle = low + (high - low) / 2;
		if (set->ranges.at[middle].last < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool index_set_has(const struct index_set *set, i64 index)
{
	u32 at = find(set, index);
	return at < set->ranges.len && set->ranges.at[at].first <= index;
}

void index_set_add(struct arena *arena, struct index_set *set, i64 index)
{
	if (index_set_has(set, index))
		return;
	u32 at = find(set, index);
	struct index_range *ranges = set->ranges.at;
	bool joins_left = at > 0 && ranges[at - 1].last + 1 == index;
	bool joins_right = at < set->ranges.len && ranges[at].first == index + 1;
	if (joins_left && joins_right) {
		ranges[at - 1].last = ranges[at].last;
		memmove(ranges + at, ranges + at + 1, (--set->ranges.len - at) * sizeof *ranges);
	} else if (joins_left) {
		ranges[at - 1].last = index;
	} else if (joins_right) {
		ranges[at].first = index;
	} else {
		VEC_PUSH(arena, &set->ranges, (struct index_range){ 0 });
		ranges = set->ranges.at;
		memmove(ranges + at + 1, ranges + at, (set->ranges.len - 1 - at) * sizeof *ranges);
		ranges[at] = (struct index_range){ index, index };
	}
}

i64 index_set_total(const struct index_set *set)
{
	i64 total = 0;
	for (u32 i = 0; i < set->ranges.len; i++)
		total += set->ranges.at[i].last - set->ranges.at[i].first + 1;
	return total;
}

i64 index_set_common(const struct index_set *a, const struct index_set *b)
{
	i64 common = 0;
	for (u32 i = 0, k = 0; i < a->ranges.len && k < b->ranges.len;) {
		struct index_range left = a->ranges.at[i], right = b->ranges.at[k];
		i64 first = MAX(left.first, right.first), last = MIN(left.last, right.last);
		if (first <= last)
			common += last - first + 1;
		if (left.last < right.last)
			i++;
		else
			k++;
	}
	return common;
}
