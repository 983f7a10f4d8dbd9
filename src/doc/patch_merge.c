/* RFC 7386, section 2, in one walk. */
#include "doc/patch_merge.h"

#include "doc/object.h"

const struct doc *patch_merge(struct arena *arena, const struct doc *target,
			      const struct doc *patch)
{
	if (!doc_is(patch, DOC_OBJECT))
		return patch;
	struct object_edit edit = object_edit(arena, target);

	for (u32 i = 0; i < patch->len; i++) {
		struct str key = doc_pair_key(patch, i);
		const struct doc *value = doc_pair_value(patch, i);

		if (value->type == DOC_NULL)
			object_edit_set(&edit, key, NULL);
		else if (value->type == DOC_OBJECT) /* also sheds the nulls of a new object */
			object_edit_set(&edit, key,
					patch_merge(arena, object_edit_get(&edit, key), value));
		else
			object_edit_set(&edit, key, value);
	}
	return object_edit_done(&edit);
}
