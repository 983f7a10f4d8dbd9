/* libarchive, loaded when first used: only the child that unpacks images ever needs it. */
#ifndef NODE_ARCHIVE_H
#define NODE_ARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

#define ARCHIVE_FUNCTIONS(X)                                                                       \
	X(archive_read_new)                                                                        \
	X(archive_read_free)                                                                       \
	X(archive_read_open)                                                                       \
	X(archive_read_open2)                                                                      \
	X(archive_read_support_filter_gzip)                                                        \
	X(archive_read_support_filter_zstd)                                                        \
	X(archive_read_support_filter_bzip2)                                                       \
	X(archive_read_support_filter_xz)                                                          \
	X(archive_read_support_format_raw)                                                         \
	X(archive_read_support_format_empty)                                                       \
	X(archive_read_support_format_tar)                                                         \
	X(archive_read_next_header)                                                                \
	X(archive_read_data)                                                                       \
	X(archive_read_data_block)                                                                 \
	X(archive_read_data_skip)                                                                  \
	X(archive_error_string)                                                                    \
	X(archive_set_error)                                                                       \
	X(archive_entry_pathname_utf8)                                                             \
	X(archive_entry_pathname)                                                                  \
	X(archive_entry_hardlink_utf8)                                                             \
	X(archive_entry_hardlink)                                                                  \
	X(archive_entry_symlink_utf8)                                                              \
	X(archive_entry_symlink)                                                                   \
	X(archive_entry_filetype)                                                                  \
	X(archive_entry_perm)                                                                      \
	X(archive_entry_uid)                                                                       \
	X(archive_entry_gid)                                                                       \
	X(archive_entry_mtime)                                                                     \
	X(archive_entry_mtime_nsec)                                                                \
	X(archive_entry_size)                                                                      \
	X(archive_entry_rdevmajor)                                                                 \
	X(archive_entry_rdevminor)                                                                 \
	X(archive_entry_xattr_reset)                                                               \
	X(archive_entry_xattr_next)

struct archive_library {
#define X(name) __typeof__(&(name)) name;
	ARCHIVE_FUNCTIONS(X)
#undef X
};

/* Loads it at the first call. ST_UNAVAILABLE: not installed. */
MUST_USE enum status archive_load(const struct archive_library **ret_library, struct error *error);

#endif
