// SPDX-License-Identifier: MIT
/* address - the form of an address to listen on, for the tables of settings. Any thread. */
#ifndef COMMON_SERVICE_ADDRESS_H
#define COMMON_SERVICE_ADDRESS_H

#include "common/base/buf.h"

/* As a check of a configuration table: HOST:PORT or [IPV6]:PORT, or empty (which is up to the
 * program). 0, or ERR_INVALID with what is expected appended. Looks nothing up. */
int address_check(const char *text, struct buf *expected);

#endif
