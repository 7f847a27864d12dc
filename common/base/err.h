// SPDX-License-Identifier: MIT
/*
 * err - the error codes of the project, and the text that goes with one failure.
 *
 * A fallible function returns 0 or one of these (all negative). Where a person will want to know
 * more than the code says, the function also takes a `struct err_text *why` (NULL: not wanted) and
 * fills it. Nothing here logs: who handles the error decides that.
 */
#ifndef COMMON_BASE_ERR_H
#define COMMON_BASE_ERR_H

enum err {
    ERR_NOMEM = -1,    /* memory could not be had */
    ERR_INVALID = -2,  /* what the caller, a user or a peer gave is not acceptable */
    ERR_TIMEOUT = -3,  /* a deadline passed */
    ERR_CLOSED = -4,   /* the peer ended the connection */
    ERR_IO = -5,       /* the system refused a read, a write or a connect */
    ERR_PROTOCOL = -6, /* the peer sent what the protocol does not allow here */
    ERR_REFUSED = -7,  /* the peer understood and said no (`-ERR ...`) */
    ERR_FULL = -8,     /* a bounded queue has no room */
    ERR_STOPPED = -9,  /* the part that was asked is stopping or has stopped */
    ERR_ABSENT = -10,  /* what was asked for is not there */
};

/* Room for one sentence; longer text is cut. */
struct err_text {
    char text[256];
};

/* Formats the sentence into `why` (may be NULL) and returns `code`, so a failure is one line. */
__attribute__((format(printf, 3, 4))) int err_set(struct err_text *why, int code, const char *fmt,
                                                  ...);

#endif
