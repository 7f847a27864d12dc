// SPDX-License-Identifier: MIT
/* jid - job ids: 24 hex characters, 48 bits of wall-clock milliseconds, then 48 random bits. Their
 * order is the order of their making, which keeps a store's index local. Any thread. */
#ifndef COMMON_FAKTORY_JID_H
#define COMMON_FAKTORY_JID_H

enum { JID_CHARS = 24 };

void jid_make(char out[JID_CHARS + 1]);

#endif
