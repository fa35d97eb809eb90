/* make_golden DIR - writes a ledger with the whole story into DIR/ledger.db, and what it tells into DIR/ledger.txt. Run by
 * test/state/make-ledger.sh for each schema that is released. */
#include <stdio.h>
#include <stdlib.h>

#include "story.h"

#include "base/alloc.h"

int main(int argc, char **argv) {
        _hv_cleanup_(hv_ledger_freep) struct hv_ledger *l = NULL;
        _hv_cleanup_free_ char *text = NULL;
        _hv_cleanup_free_ char *path = argc == 2 ? hv_asprintf("%s/ledger.txt", argv[1]) : NULL;
        struct hv_err err = {};
        FILE *f;
        int r;

        if (!path) {
                fprintf(stderr, "usage: make_golden DIR\n");
                return 64;
        }
        r = hv_ledger_open(argv[1], "golden-node", 1, &l, &err);
        for (unsigned i = 0; r >= 0 && i < n_story_steps; i++)
                r = story_step(l, i, &err);
        if (r < 0) {
                fprintf(stderr, "make_golden: %s\n", err.msg);
                return 1;
        }
        text = story_tell(l);
        f = fopen(path, "we");
        if (!f || fputs(text, f) == EOF || fclose(f) == EOF) {
                perror(path);
                return 1;
        }
        return 0;
}
