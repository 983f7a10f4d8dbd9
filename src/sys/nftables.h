/* nftables by libnftables, loaded when first used. Blocking; for any thread. */
#ifndef SYS_NFTABLES_H
#define SYS_NFTABLES_H

#include "base/error.h"

/* Runs a text in nft's own language as one transaction: all of it or nothing. NUL-terminated. */
MUST_USE enum status nftables_run(const char *text, struct error *error);

#endif
