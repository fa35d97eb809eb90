/* fuzz.h - what a fuzz target is: one function, called with any bytes, that returns or aborts.
 *
 * With -DHV_FUZZ=ON (preset `fuzz`, clang) libFuzzer drives it; elsewhere replay.c calls it with every file of the corpus
 * and with mutations of them, so that gcc's sanitizers see them in every run of the tests.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. Stays in every build, unlike assert(). */
#define FUZZ_CHECK(what)                                                                  \
        do {                                                                              \
                if (!(what)) {                                                            \
                        (void) fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what); \
                        abort();                                                          \
                }                                                                         \
        } while (0)
