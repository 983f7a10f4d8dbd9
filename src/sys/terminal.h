/* The terminal a command line sits at: raw mode, its size, and giving it back as it was. */
#ifndef SYS_TERMINAL_H
#define SYS_TERMINAL_H

#include "base/types.h"

bool terminal_is(int fd);
/* False when `fd` is no terminal. */
bool terminal_size(int fd, u32 *ret_width, u32 *ret_height);
/* Keys come one by one, unechoed, until terminal_restore(), which a failing process runs too. */
bool terminal_raw(int fd);
void terminal_restore(void);

#endif
