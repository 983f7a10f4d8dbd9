/* How many pods one metric asks for. */
#include <math.h>

#include "controllers/autoscale.h"

/* What stands in for pods that have no number of their own. */
enum stand_in {
	LEFT_OUT,
	AS_NOTHING,
	AS_WANTED, /* all they asked for, or exactly the target */
};

struct measured {
	double ratio; /* 1: just as wanted */
	i64 percent, average;
	u32 len; /* pods counted */
};

static bool counts(const struct sample *sample, enum stand_in missing, enum stand_in unready)
{
	return sample->state == SAMPLE_READY ||
	       (sample->state == SAMPLE_MISSING ? missing : unready) != LEFT_OUT;
}

static i64 value_of(const struct sample *sample, const struct aim *aim, enum stand_in missing)
{
	if (sample->state == SAMPLE_READY)
		return sample->value;
	if (sample->state == SAMPLE_UNREADY || missing != AS_WANTED)
		return 0;
	return aim->percent ? sample->request * MAX((i64)100, aim->target) / 100 : aim->target;
}

/* False: there is nothing to measure by. */
static bool measure(const struct sample *samples, u32 len, const struct aim *aim,
		    enum stand_in missing, enum stand_in unready, struct measured *ret)
{
	i64 total = 0, requested = 0;

	*ret = (struct measured){ 0 };
	for (u32 i = 0; i < len; i++) {
		if (!counts(&samples[i], missing, unready))
			continue;
		total += value_of(&samples[i], aim, missing);
		requested += samples[i].request;
		ret->len++;
	}
	if (!ret->len || (aim->percent && !requested))
		return false;
	ret->average = total / ret->len;
	if (aim->percent)
		ret->percent = (i64)((__int128)total * 100 / requested);
	ret->ratio = (double)(aim->percent ? ret->percent : ret->average) / (double)aim->target;
	return true;
}

static bool near_enough(const struct aim *aim, double ratio)
{
	return 1.0 - aim->tolerance.down <= ratio && ratio <= 1.0 + aim->tolerance.up;
}

enum status autoscale_by_samples(const struct sample *samples, u32 len, i64 current,
				 const struct aim *aim, struct proposal *ret_proposal,
				 struct error *error)
{
	u32 missing = 0, unready = 0;
	struct measured now, then;

	for (u32 i = 0; i < len; i++) {
		missing += samples[i].state == SAMPLE_MISSING;
		unready += samples[i].state == SAMPLE_UNREADY;
	}
	if (missing + unready == len)
		return fail(error, ST_UNAVAILABLE,
			    "did not receive metrics for targeted pods (pods might be unready)");
	if (!measure(samples, len, aim, LEFT_OUT, LEFT_OUT, &now))
		return fail(error, ST_UNAVAILABLE, "no metrics returned matched known pods");

	struct proposal proposal = { current, now.percent, now.average };
	bool grow_past_unready = unready && now.ratio > 1.0;

	if (!grow_past_unready && !missing) {
		if (!near_enough(aim, now.ratio))
			proposal.replicas = (i64)ceil(now.ratio * now.len);
		*ret_proposal = proposal;
		return ST_OK;
	}
	/* Once more, as if those without a number spoke against the change. */
	enum stand_in fill = now.ratio < 1.0			? AS_WANTED
			     : now.ratio > 1.0 || !aim->percent ? AS_NOTHING
								: LEFT_OUT;

	if (!measure(samples, len, aim, fill, grow_past_unready ? AS_NOTHING : LEFT_OUT, &then))
		return fail(error, ST_UNAVAILABLE, "no metrics returned matched known pods");
	i64 replicas = (i64)ceil(then.ratio * then.len);
	bool turned = (now.ratio < 1.0 && then.ratio > 1.0) ||
		      (now.ratio > 1.0 && then.ratio < 1.0) ||
		      (then.ratio < 1.0 && replicas > current) ||
		      (then.ratio > 1.0 && replicas < current);

	if (!near_enough(aim, then.ratio) && !turned)
		proposal.replicas = replicas;
	*ret_proposal = proposal;
	return ST_OK;
}
