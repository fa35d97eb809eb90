/* corpus.h - the folders of test/spec: documents with one mistake each, what is said about them, and the same
 * documents mended.
 *
 * A folder is named after the code, with a variant where a code has several ways to come about: E0301-reversed.
 *
 *      about           first line: title of the section in docs/errors.md; the rest its text (one folder a code)
 *      bad.yaml        a primary file called node.yaml; or bad/, then node.yaml in it is the primary file and the others,
 *                      in the order of their names, are drop-ins
 *      fixed.yaml      the same, mended (or fixed/)
 *      expect          all that is said about bad.yaml: `file:line:col: severity[code]: path: message`, then hints
 *      bad.env         NAME=VALUE lines: the environment, for ${NAME} and the documented variables; and fixed.env
 *      name            what the primary file is called in place of node.yaml
 *      elsewhere       in place of all others but `about`: the test that shows this code, which needs more than texts
 *      facts           what is known about the machine, one fact a line:
 *                      file PATH error ENOENT | file PATH mode 0644 | file PATH writable-by NAME
 *                      cpus 4 | memory 32Gi | disk 400Gi | gpus 0 | route 10.0.0.0/8 | state /srv/agent
 */
#pragma once

#include "base/buf.h"
#include "base/vec.h"
#include "spec/load.h"

#define CORPUS_DIR HV_SOURCE_DIR "/test/spec"

struct corpus_list {
        char **v;
        size_t n, cap;
};

/* Names of the folders of the corpus that hold documents, sorted. */
void corpus_folders(struct corpus_list *ret);

/* Names of the entries of a folder, sorted, without dot files; empty when there is no such folder. */
void corpus_list_dir(const char *path, struct corpus_list *ret);
void corpus_list_done(struct corpus_list *l);

/* The text of a file, terminated; NULL when there is none. Caller frees. */
char *corpus_read(const char *path, size_t *ret_len);

/* The shipped task types, read once. */
size_t corpus_types(const struct hv_spec_file **ret);

/* Loads `which` ("bad" or "fixed") of a folder and adds what is said to `ret`, in the form of `expect`. Returns the
 * number of errors. */
size_t corpus_judge(const char *folder, const char *which, struct hv_buf *ret);

/* The same, and what came of it: a reference, or NULL. */
size_t corpus_load(const char *folder, const char *which, struct hv_buf *ret,
                   struct hv_desired **ret_desired);
