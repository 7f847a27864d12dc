// SPDX-License-Identifier: MIT
#include "common/http/http_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *symbol;
    size_t offset;
} calls[] = {
#define ROW(name) {"MHD_" #name, offsetof(struct http_library, name)},
    HTTP_LIBRARY_CALLS(ROW)
#undef ROW
};

const struct http_library *http_library_load(struct err_text *why)
{
    static struct http_library library;
    static bool loaded;
    void *file = loaded ? NULL : dlopen("libmicrohttpd.so.12", RTLD_NOW | RTLD_LOCAL);

    if (loaded)
        return &library;
    if (!file) {
        err_set(why, ERR_ABSENT, "libmicrohttpd (Debian: libmicrohttpd12): %s", dlerror());
        return NULL;
    }
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        void *call = dlsym(file, calls[i].symbol);

        if (!call) {
            err_set(why, ERR_ABSENT, "libmicrohttpd: %s", dlerror());
            return NULL;
        }
        memcpy((char *)&library + calls[i].offset, &call, sizeof call);
    }
    loaded = true;
    return &library;
}
