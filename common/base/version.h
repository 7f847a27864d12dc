// SPDX-License-Identifier: MIT
/* version - what `git describe` said when the program was built; written by the build. */
#ifndef COMMON_BASE_VERSION_H
#define COMMON_BASE_VERSION_H

extern const char version[];

#endif
