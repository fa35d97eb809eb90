/* replay.c - runs a fuzz target without libFuzzer.
 *
 *      replay_X [--mutate N] [--dict FILE] PATH...
 *
 * Calls the target with every file below the paths, then with N mutations of them. A mutation's number is its seed: the
 * same program, corpus and N do the same again. A crash prints the file, or the seed, it happened at. */
#include "fuzz.h"

#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/vec.h"

#define INPUT_MAX ((size_t) 1 << 21)
#define MUTATED_MAX ((size_t) 1 << 14) /* big files are replayed, and not mutated */

struct input {
        char *path;
        uint8_t *data;
        size_t size;
};

static HV_VEC(struct input) inputs;
static HV_VEC(char *) words;
static char where[512];

/* Of the sanitizers' run-time library; absent in other builds. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

static void say_where(void) {
        (void) !write(STDERR_FILENO, where, strlen(where));
}

static void on_abort(int number) {
        say_where();
        (void) signal(number, SIG_DFL);
        (void) raise(number);
}

static int read_input(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        struct input in = {};
        FILE *f;

        (void) ftw;
        if (type != FTW_F || (size_t) st->st_size > INPUT_MAX)
                return 0;
        f = fopen(path, "re");
        if (!f)
                return 1;
        in.path = hv_strdup(path);
        in.data = hv_malloc((size_t) st->st_size + 1);
        in.size = fread(in.data, 1, (size_t) st->st_size, f);
        (void) fclose(f);
        hv_vec_push(&inputs, in);
        return 0;
}

/* A libFuzzer dictionary: lines with "..." hold a word; \xNN, \\ and \" are the escapes. */
static bool read_words(const char *path) {
        FILE *f = fopen(path, "re");
        char line[256];

        if (!f)
                return false;
        while (fgets(line, sizeof line, f)) {
                char *from = strchr(line, '"'), *to = from, word[256];
                size_t n = 0;

                if (*line == '#' || !from)
                        continue;
                for (to = from + 1; *to && *to != '"'; to++) {
                        unsigned value;

                        if (*to == '\\' && to[1] == 'x' && sscanf(to + 2, "%2x", &value) == 1) {
                                word[n++] = (char) value;
                                to += 3;
                        } else
                                word[n++] = *to == '\\' && to[1] ? *++to : *to;
                }
                word[n] = '\0';
                hv_vec_push(&words, hv_strdup(word));
        }
        (void) fclose(f);
        return true;
}

struct text {
        uint8_t *data;
        size_t size, cap;
};

/* Puts n bytes in place of `removed` bytes at `at`. */
static void splice(struct text *t, size_t at, size_t removed, const void *bytes, size_t n) {
        if (t->size - removed + n > t->cap)
                return;
        memmove(t->data + at + n, t->data + at + removed, t->size - at - removed);
        memcpy(t->data + at, bytes, n);
        t->size += n - removed;
}

/* 1..most, and never more than there is. */
static size_t piece(struct hv_rng *rng, size_t most, size_t available) {
        size_t n = 1 + hv_rng_below(rng, most);

        return HV_MIN(n, available);
}

static void mutate(struct text *t, struct hv_rng *rng) {
        const struct input *other = &inputs.v[hv_rng_below(rng, inputs.n)];
        size_t at = hv_rng_below(rng, t->size + 1), rest = t->size - at;
        size_t some = piece(rng, 16, rest);
        uint8_t byte = (uint8_t) hv_rng_next(rng), copy[256];
        const char *word;
        size_t from, n;

        switch (hv_rng_below(rng, 7)) {
        case 0:
                splice(t, at, HV_MIN(rest, 1u), &byte, 1);
                break;
        case 1:
                splice(t, at, some, "", 0);
                break;
        case 2:
                splice(t, at, 0, &byte, 1);
                break;
        case 3:
                word = words.n ? words.v[hv_rng_below(rng, words.n)] : "\n";
                splice(t, at, hv_rng_below(rng, 2) ? some : 0, word, strlen(word));
                break;
        case 4: /* a piece of itself, elsewhere */
                n = piece(rng, sizeof copy, rest);
                memcpy(copy, t->data + at, n);
                splice(t, hv_rng_below(rng, t->size + 1), 0, copy, n);
                break;
        case 5: /* a piece of another */
                from = hv_rng_below(rng, other->size + 1);
                n = piece(rng, 128, other->size - from);
                splice(t, at, some, other->data + from, n);
                break;
        default: /* cut off, as a writer that was interrupted */
                t->size = at;
                break;
        }
}

static void run_mutation(uint64_t seed) {
        static uint8_t room[MUTATED_MAX];
        struct hv_rng rng = { seed };
        const struct input *in = &inputs.v[hv_rng_below(&rng, inputs.n)];
        struct text t = { room, 0, sizeof room };

        if (in->size > sizeof room)
                return;
        memcpy(room, in->data, in->size);
        t.size = in->size;
        for (uint64_t n = 1 + hv_rng_below(&rng, 4); n > 0; n--)
                mutate(&t, &rng);
        (void) snprintf(where, sizeof where, "mutation %llu, of %s\n", (unsigned long long) seed, in->path);
        (void) LLVMFuzzerTestOneInput(t.data, t.size);
}

int main(int argc, char **argv) {
        unsigned long long n_mutations = 0;

        (void) signal(SIGABRT, on_abort);
        if (__sanitizer_set_death_callback)
                __sanitizer_set_death_callback(say_where);
        for (int i = 1; i < argc; i++) {
                if (strcmp(argv[i], "--mutate") == 0 && i + 1 < argc)
                        n_mutations = strtoull(argv[++i], NULL, 10);
                else if (strcmp(argv[i], "--dict") == 0 && i + 1 < argc) {
                        if (!read_words(argv[++i])) {
                                (void) fprintf(stderr, "cannot read %s\n", argv[i]);
                                return 2;
                        }
                } else if (nftw(argv[i], read_input, 8, FTW_PHYS) != 0) {
                        (void) fprintf(stderr, "cannot read %s\n", argv[i]);
                        return 2;
                }
        }
        if (inputs.n == 0) {
                (void) fprintf(stderr, "no input\n");
                return 2;
        }
        for (size_t i = 0; i < inputs.n; i++) {
                (void) snprintf(where, sizeof where, "file %s\n", inputs.v[i].path);
                (void) LLVMFuzzerTestOneInput(inputs.v[i].data, inputs.v[i].size);
        }
        for (unsigned long long seed = 0; seed < n_mutations; seed++)
                run_mutation(seed);
        (void) printf("%zu files, %llu mutations\n", inputs.n, n_mutations);
        for (size_t i = 0; i < inputs.n; i++) {
                free(inputs.v[i].path);
                free(inputs.v[i].data);
        }
        for (size_t i = 0; i < words.n; i++)
                free(words.v[i]);
        hv_vec_done(&inputs);
        hv_vec_done(&words);
        return 0;
}
