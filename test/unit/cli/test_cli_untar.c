/* What hivectl cp unpacks: honest archives, and those that want out. */
#include "testing.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "cli/untar.h"

struct entry {
        unsigned type;           /* AE_IF*; 0: a hard link */
        const char *name, *text; /* text: content, or where a link leads to */
        unsigned mode;
};

/* DIR/in is unpacked into; DIR/outside and what is in it must stay as it is. */
struct place {
        char dir[40], text[100];
        int in;
};

static void write_file(const char *path, const char *text) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_true(fputs(text, f) >= 0);
        assert_int_equal(fclose(f), 0);
}

static const char *at(struct place *p, const char *name) {
        (void) snprintf(p->text, sizeof p->text, "%s/%s", p->dir, name);
        return p->text;
}

static int set_up(void **state) {
        struct place *p = HV_NEW(struct place);

        strcpy(p->dir, "/tmp/hv-untar-XXXXXX");
        assert_non_null(mkdtemp(p->dir));
        assert_int_equal(mkdir(at(p, "in"), 0755), 0);
        assert_int_equal(mkdir(at(p, "outside"), 0755), 0);
        write_file(at(p, "outside/file"), "untouched");
        p->in = open(at(p, "in"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(p->in >= 0);
        *state = p;
        return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw) {
        (void) st;
        (void) type;
        (void) ftw;
        return remove(path);
}

static int tear_down(void **state) {
        struct place *p = *state;

        (void) close(p->in);
        assert_int_equal(nftw(p->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
        free(p);
        return 0;
}

/* ---- archives ---- */

static la_ssize_t add_bytes(struct archive *a, void *userdata, const void *data, size_t len) {
        (void) a;
        hv_buf_add(userdata, data, len);
        return (la_ssize_t) len;
}

static void pack(const struct entry *entries, struct hv_buf *ret) {
        struct archive *a = archive_write_new();

        (void) archive_write_set_format_pax_restricted(a);
        assert_int_equal(archive_write_open(a, ret, NULL, add_bytes, NULL), ARCHIVE_OK);
        for (const struct entry *e = entries; e->name; e++) {
                struct archive_entry *entry = archive_entry_new();
                bool has_content = e->type == AE_IFREG && e->text;

                archive_entry_set_pathname(entry, e->name);
                archive_entry_set_mode(entry, (e->type ? e->type : AE_IFREG) | (e->mode ? e->mode : 0644));
                archive_entry_set_mtime(entry, 1000000000, 0);
                if (e->type == AE_IFLNK)
                        archive_entry_set_symlink(entry, e->text);
                if (e->type == 0)
                        archive_entry_set_hardlink(entry, e->text);
                archive_entry_set_size(entry, has_content ? (la_int64_t) strlen(e->text) : 0);
                assert_true(archive_write_header(a, entry) >= ARCHIVE_WARN); /* of a name that is no UTF-8 */
                if (has_content)
                        assert_int_equal(archive_write_data(a, e->text, strlen(e->text)), strlen(e->text));
                archive_entry_free(entry);
        }
        assert_int_equal(archive_write_close(a), ARCHIVE_OK);
        (void) archive_write_free(a);
}

struct source {
        const struct hv_buf *tar;
        size_t given, cut_at; /* cut_at: the connection breaks there; 0: never */
        unsigned n_left_out;
};

static ssize_t give(void *userdata, const void **ret) {
        struct source *s = userdata;
        size_t n = HV_MIN(s->tar->len - s->given, 512);

        if (s->cut_at && s->given + n > s->cut_at)
                return -EPIPE;
        *ret = s->tar->data + s->given;
        s->given += n;
        return (ssize_t) n;
}

static void left_out(void *userdata, const char *path, const char *why) {
        struct source *s = userdata;

        assert_true(*path && *why);
        s->n_left_out++;
}

static int unpack_as(struct place *p, const char *name, struct source *s, struct hv_err *err) {
        const struct hv_untar u = {
                .read = give, .left_out = left_out, .userdata = s, .dir_fd = p->in, .name = name
        };

        return hv_untar(&u, err);
}

static int unpack(struct place *p, const char *name, const struct entry *entries, struct hv_err *err) {
        _hv_cleanup_(hv_buf_done) struct hv_buf tar = {};

        pack(entries, &tar);
        return unpack_as(p, name, &(struct source){ .tar = &tar }, err);
}

static void assert_holds(struct place *p, const char *name, const char *text) {
        char got[64] = "";
        FILE *f = fopen(at(p, name), "re");

        if (!f)
                fail_msg("%s: %s", name, strerror(errno));
        got[fread(got, 1, sizeof got - 1, f)] = '\0';
        (void) fclose(f);
        assert_string_equal(got, text);
}

static unsigned mode_of(struct place *p, const char *name) {
        struct stat st;

        if (lstat(at(p, name), &st) < 0)
                fail_msg("%s: %s", name, strerror(errno));
        return st.st_mode & 07777;
}

/* ---- honest ones ---- */

static void a_tree_comes_as_it_was(void **state) {
        static const struct entry tree[] = {
                { AE_IFDIR, "etc/", NULL, 0755 },
                { AE_IFDIR, "etc/closed", NULL, 0500 },
                { AE_IFREG, "etc/closed/file", "one", 0640 },
                { AE_IFREG, "etc/run\\me \xff", "two", 04755 }, /* any bytes are a name; no setuid */
                { AE_IFLNK, "etc/link", "/nowhere/../at all" },
                { 0, "etc/again", "etc/closed/file" },
                { AE_IFREG, "etc/below/without/folder", "", 0600 },
                {},
        };
        struct place *p = *state;
        struct hv_err err = {};
        struct stat one, again;
        char target[64] = "";

        if (unpack(p, "new", tree, &err) < 0)
                fail_msg("%s", err.msg);
        assert_holds(p, "in/new/closed/file", "one");
        assert_int_equal(mode_of(p, "in/new/closed/file"), 0640);
        assert_int_equal(mode_of(p, "in/new/closed"), 0500);
        assert_int_equal(mode_of(p, "in/new/run\\me \xff"), 0755);
        assert_true(readlink(at(p, "in/new/link"), target, sizeof target - 1) > 0);
        assert_string_equal(target, "/nowhere/../at all");
        assert_int_equal(stat(at(p, "in/new/closed/file"), &one), 0);
        assert_int_equal(stat(at(p, "in/new/again"), &again), 0);
        assert_int_equal(one.st_ino, again.st_ino);
        assert_int_equal(one.st_mtim.tv_sec, 1000000000);
        assert_int_equal(mode_of(p, "in/new/below/without/folder"), 0600);
        /* Again, over what is there; and right into the folder. */
        if (unpack(p, "new", tree, &err) < 0 || unpack(p, NULL, tree, &err) < 0)
                fail_msg("%s", err.msg);
        assert_holds(p, "in/closed/file", "one");
}

static void a_file_gets_its_name(void **state) {
        static const struct entry file[] = { { AE_IFREG, "hosts", "localhost", 0600 }, {} };
        struct place *p = *state;
        struct hv_err err = {};

        write_file(at(p, "in/mine"), "what was there before, and was longer");
        assert_int_equal(unpack(p, "mine", file, &err), 0);
        assert_holds(p, "in/mine", "localhost");
        assert_int_equal(unpack(p, NULL, file, &err), -EBADMSG);
}

static void what_is_no_file_is_left_out(void **state) {
        static const struct entry odd[] = {
                { AE_IFDIR, "dev", NULL, 0755 },  { AE_IFCHR, "dev/null", NULL, 0666 },
                { AE_IFBLK, "dev/sda", NULL },    { AE_IFIFO, "dev/fifo", NULL },
                { AE_IFREG, "dev/file", "here" }, {},
        };
        _hv_cleanup_(hv_buf_done) struct hv_buf tar = {};
        struct source s = { .tar = &tar };
        struct place *p = *state;
        struct hv_err err = {};

        pack(odd, &tar);
        assert_int_equal(unpack_as(p, "dev", &s, &err), 0);
        assert_int_equal(s.n_left_out, 3);
        assert_int_equal(access(at(p, "in/dev/null"), F_OK), -1);
        assert_holds(p, "in/dev/file", "here");
}

/* ---- hostile ones ---- */

static void whoever_wants_out_is_refused(void **state) {
        static const struct {
                const char *what;
                struct entry entries[5];
                const char *says;
        } rows[] = {
                { "absolute", { { AE_IFREG, "/tmp/hv-untar-evil", "x" } }, "absolute" },
                { "absolute behind others",
                  { { AE_IFDIR, "a" }, { AE_IFREG, "/tmp/hv-untar-evil", "x" } },
                  "absolute" },
                { "dots first", { { AE_IFREG, "../outside/file", "x" } }, "\"..\"" },
                { "dots behind the root", { { AE_IFREG, "a/../../outside/file", "x" } }, "\"..\"" },
                { "dots alone", { { AE_IFDIR, ".." } }, "\"..\"" },
                { "dots at the end", { { AE_IFDIR, "a/.." } }, "\"..\"" },
                { "a dot", { { AE_IFREG, "./a", "x" } }, "normal form" },
                { "nothing between slashes", { { AE_IFREG, "a//b", "x" } }, "normal form" },
                { "another root", { { AE_IFDIR, "a" }, { AE_IFREG, "b", "x" } }, "as the others" },
                { "a root that begins the same",
                  { { AE_IFDIR, "a" }, { AE_IFREG, "ab/c", "x" } },
                  "as the others" },
                { "through its own link",
                  { { AE_IFDIR, "a" }, { AE_IFLNK, "a/l", "../../outside" }, { AE_IFREG, "a/l/file", "x" } },
                  "no directory" },
                { "through its own absolute link",
                  { { AE_IFDIR, "a" }, { AE_IFLNK, "a/l", "/tmp" }, { AE_IFREG, "a/l/hv-untar-evil", "x" } },
                  "no directory" },
                { "a folder through its own link",
                  { { AE_IFDIR, "a" }, { AE_IFLNK, "a/l", "../../outside" }, { AE_IFDIR, "a/l/new" } },
                  "no directory" },
                { "a folder that is its own link",
                  { { AE_IFDIR, "a" }, { AE_IFLNK, "a/l", "../../outside" }, { AE_IFDIR, "a/l" } },
                  "no directory" },
                { "the root is a link",
                  { { AE_IFLNK, "a", "../outside" }, { AE_IFREG, "a/file", "x" } },
                  "no directory" },
                { "a link through a link",
                  { { AE_IFDIR, "a" }, { AE_IFLNK, "a/l", "../../outside" }, { AE_IFLNK, "a/l/file", "x" } },
                  "no directory" },
                { "a hard link out", { { AE_IFDIR, "a" }, { 0, "a/h", "../outside/file" } }, "\"..\"" },
                { "a hard link to an absolute name",
                  { { AE_IFDIR, "a" }, { 0, "a/h", "/etc/passwd" } },
                  "absolute" },
                { "a hard link through a link",
                  { { AE_IFDIR, "a" }, { AE_IFLNK, "a/l", "../../outside" }, { 0, "a/h", "a/l/file" } },
                  "no file of the archive" },
                { "a hard link to a link",
                  { { AE_IFDIR, "a" }, { AE_IFLNK, "a/l", "../../outside/file" }, { 0, "a/h", "a/l" } },
                  "no file of the archive" },
                { "a hard link to a folder",
                  { { AE_IFDIR, "a" }, { 0, "a/h", "a" } },
                  "no file of the archive" },
                { "below a file",
                  { { AE_IFDIR, "a" }, { AE_IFREG, "a/f", "x" }, { AE_IFREG, "a/f/g", "x" } },
                  "no directory" },
                { "in place of a folder",
                  { { AE_IFDIR, "a" }, { AE_IFDIR, "a/d" }, { AE_IFREG, "a/d", "x" } },
                  "replace a directory" },
                { "a link in place of a folder",
                  { { AE_IFDIR, "a" }, { AE_IFDIR, "a/d" }, { AE_IFLNK, "a/d", "/tmp" } },
                  "replace a directory" },
        };
        struct place *p = *state;

        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++)
                for (unsigned k = 0; k < 2; k++) { /* under a name, and right into the folder */
                        char name[24];
                        struct hv_err err = {};
                        int r;

                        (void) snprintf(name, sizeof name, "n%zu", i);
                        r = unpack(p, k == 0 ? name : NULL, rows[i].entries, &err);
                        if (r != -EBADMSG || (k == 0 && !strstr(err.msg, rows[i].says)))
                                fail_msg("%s: %d %s", rows[i].what, r, err.msg);
                        assert_holds(p, "outside/file", "untouched");
                        assert_int_equal(access(at(p, "outside/new"), F_OK), -1);
                        assert_int_equal(access("/tmp/hv-untar-evil", F_OK), -1);
                        /* What the first of a pair left must not stand in the way of the next. */
                        (void) close(p->in);
                        assert_int_equal(nftw(at(p, "in"), remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
                        assert_int_equal(mkdir(at(p, "in"), 0755), 0);
                        p->in = open(at(p, "in"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                }
}

/* Links that were there before are no way out either; a file is replaced, and what it led to stays. */
static void what_was_there_is_not_written_through(void **state) {
        static const struct entry below[] = { { AE_IFDIR, "a" }, { AE_IFREG, "a/l/file", "x" }, {} },
                                  over[] = { { AE_IFDIR, "a" }, { AE_IFREG, "a/f", "mine" }, {} };
        struct place *p = *state;
        struct hv_err err = {};

        assert_int_equal(mkdir(at(p, "in/a"), 0755), 0);
        assert_int_equal(symlinkat("../../outside", p->in, "a/l"), 0);
        assert_int_equal(symlinkat("../../outside/file", p->in, "a/f"), 0);
        assert_int_equal(unpack(p, "a", below, &err), -EBADMSG);
        assert_int_equal(unpack(p, "a", over, &err), 0);
        assert_holds(p, "in/a/f", "mine");
        assert_holds(p, "outside/file", "untouched");
        assert_int_equal(mkfifoat(p->in, "a/fifo", 0600), 0);
        assert_int_equal(unpack(p, "a", (const struct entry[]){ { AE_IFREG, "a/fifo", "x" }, {} }, &err),
                         -EBADMSG);
}

/* A few bytes that say they are more than any disk holds. */
static void holes_are_refused(void **state) {
        _hv_cleanup_(hv_buf_done) struct hv_buf tar = {};
        struct archive *a = archive_write_new();
        struct archive_entry *e = archive_entry_new();
        struct place *p = *state;
        struct hv_err err = {};

        (void) archive_write_set_format_pax(a);
        assert_int_equal(archive_write_open(a, &tar, NULL, add_bytes, NULL), ARCHIVE_OK);
        archive_entry_set_pathname(e, "bomb");
        archive_entry_set_mode(e, AE_IFREG | 0644);
        archive_entry_set_size(e, INT64_C(1) << 40);
        archive_entry_sparse_add_entry(e, (INT64_C(1) << 40) - 4, 4);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        (void) archive_write_data(a, "boom", 4);
        archive_entry_free(e);
        (void) archive_write_free(a);
        assert_int_equal(unpack_as(p, "bomb", &(struct source){ .tar = &tar }, &err), -EBADMSG);
        assert_non_null(strstr(err.msg, "sparse"));
}

static void what_is_cut_is_no_success(void **state) {
        static const struct entry tree[] = { { AE_IFDIR, "a", NULL, 0755 },
                                             { AE_IFREG, "a/f", "twelve bytes" },
                                             { AE_IFREG, "a/g", "twelve bytes" },
                                             {} };
        _hv_cleanup_(hv_buf_done) struct hv_buf tar = {};
        struct place *p = *state;
        struct hv_err err = {};

        pack(tree, &tar);
        for (size_t cut = 1; cut < 2600; cut += 512)
                assert_true(unpack_as(p, "a", &(struct source){ .tar = &tar, .cut_at = cut }, &err) < 0);
        tar.len = 512 + 100;
        assert_true(unpack_as(p, "b", &(struct source){ .tar = &tar }, &err) < 0);
        tar.len = 0;
        assert_true(unpack_as(p, "c", &(struct source){ .tar = &tar }, &err) < 0);
        hv_buf_puts(&tar, "this is no tar at all, and never was one");
        assert_true(unpack_as(p, "d", &(struct source){ .tar = &tar }, &err) < 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(a_tree_comes_as_it_was),
                TEST(a_file_gets_its_name),
                TEST(what_is_no_file_is_left_out),
                TEST(whoever_wants_out_is_refused),
                TEST(what_was_there_is_not_written_through),
                TEST(holes_are_refused),
                TEST(what_is_cut_is_no_success),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
