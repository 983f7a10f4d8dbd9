/* Who a container runs as: names looked up in the passwd and group files of its own image. */
#ifndef NODE_PASSWD_H
#define NODE_PASSWD_H

#include "base/error.h"
#include "base/str.h"

enum { PASSWD_GROUPS_MAX = 64 };

struct passwd_user {
	i64 uid, gid;
	u32 groups[PASSWD_GROUPS_MAX]; /* further groups the user is listed in */
	u32 groups_len;
};

/* `user`: "", "1000", "nginx", "1000:1000", "nginx:www" (image-spec config.User). uid and gid >= 0
 * come from the pod and win. ST_NOT_FOUND: `unable to find user x: no matching entries in passwd
 * file`. */
MUST_USE enum status passwd_resolve(struct str passwd, struct str group, struct str user, i64 uid,
				    i64 gid, struct passwd_user *ret_user, struct error *error);

#endif
