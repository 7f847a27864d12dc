// SPDX-License-Identifier: MIT
/*
 * replay - runs a fuzz target once over each file given, so that `make check` covers the corpus
 * with any compiler. Exit 0: all ran; a target that finds a fault aborts.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX_BYTES = 1 << 20 };

static int replay(const char *path)
{
    static uint8_t input[INPUT_MAX_BYTES];
    FILE *file = fopen(path, "rb");
    uint8_t *exact;
    size_t size;

    if (!file) {
        perror(path);
        return -1;
    }
    size = fread(input, 1, sizeof input, file);
    fclose(file);
    /* In a block of just this size a read behind the end shows under asan. */
    exact = malloc(size ? size : 1);
    if (!exact)
        return -1;
    memcpy(exact, input, size);
    printf("%s\n", path); /* the last line before a crash names the file */
    fflush(stdout);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;

    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]) != 0;
    if (argc < 2)
        fprintf(stderr, "usage: %s FILE...\n", argv[0]);
    return failed;
}
