/* name:password:uid:gid:…  and  name:password:gid:member,member */
#include "node/passwd.h"

struct line {
	struct str name, members;
	i64 id, gid;
};

static bool next_line(struct str *rest, struct line *line)
{
	while (rest->at) {
		struct str text = str_cut(rest, '\n');

		*line = (struct line){ .gid = -1 };
		line->name = str_cut(&text, ':');
		if (!text.at)
			continue;
		str_cut(&text, ':');
		if (!text.at || !str_to_i64(str_cut(&text, ':'), &line->id))
			continue;
		line->members = str_cut(&text, ':'); /* of a group; a user's gid otherwise */
		if (!str_to_i64(line->members, &line->gid))
			line->gid = -1;
		return true;
	}
	return false;
}

static bool find_line(struct str file, struct str name, i64 id, struct line *ret_line)
{
	struct line line;

	while (next_line(&file, &line))
		if (id >= 0 ? line.id == id : str_eq(line.name, name)) {
			*ret_line = line;
			return true;
		}
	return false;
}

static bool has_member(struct str members, struct str name)
{
	while (members.at)
		if (str_eq(str_cut(&members, ','), name))
			return name.len > 0;
	return false;
}

enum status passwd_resolve(struct str passwd, struct str group, struct str user, i64 uid, i64 gid,
			   struct passwd_user *ret_user, struct error *error)
{
	struct str group_name = user, user_name = str_cut(&group_name, ':');
	struct passwd_user found = { .uid = uid, .gid = gid };
	struct line line = { .gid = -1 };
	bool known;

	if (found.uid < 0 && user_name.len == 0)
		found.uid = 0;
	if (found.uid < 0 && !str_to_i64(user_name, &found.uid)) {
		if (!find_line(passwd, user_name, -1, &line))
			return fail(error, ST_NOT_FOUND,
				    "unable to find user " STR_FMT
				    ": no matching entries in passwd file",
				    STR_ARG(user_name));
		found.uid = line.id;
	}
	known = find_line(passwd, STR_NONE, found.uid, &line);
	if (found.gid < 0 && uid < 0 && group_name.len && !str_to_i64(group_name, &found.gid)) {
		struct line wanted;

		if (!find_line(group, group_name, -1, &wanted))
			return fail(error, ST_NOT_FOUND,
				    "unable to find group " STR_FMT
				    ": no matching entries in group file",
				    STR_ARG(group_name));
		found.gid = wanted.id;
	}
	if (found.gid < 0)
		found.gid = known && line.gid >= 0 ? line.gid : 0;

	struct line entry;

	while (known && next_line(&group, &entry))
		if (entry.id != found.gid && has_member(entry.members, line.name) &&
		    found.groups_len < PASSWD_GROUPS_MAX)
			found.groups[found.groups_len++] = (u32)entry.id;
	*ret_user = found;
	return ST_OK;
}
