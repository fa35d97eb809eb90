/* spec: image references and the patterns that allow them. */
#include "testing.h"

#include "fault.h"

#include "base/arena.h"
#include "spec/value_image.h"

#define HEX64 "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define A256 A64 A64 A64 A64

static void references_get_one_form(void **state) {
        static const struct {
                const char *text,
                        *full; /* full NULL: refused, with this code and a message that holds `says` */
                const char *code, *says;
        } rows[] = {
                { "nginx", "docker.io/library/nginx:latest", NULL, NULL },
                { "nginx:1.27", "docker.io/library/nginx:1.27", NULL, NULL },
                { "library/nginx", "docker.io/library/nginx:latest", NULL, NULL },
                { "docker.io/nginx", "docker.io/library/nginx:latest", NULL, NULL },
                { "index.docker.io/nginx", "docker.io/library/nginx:latest", NULL, NULL },
                { "docker.io/library/redis:7.4-alpine", "docker.io/library/redis:7.4-alpine", NULL, NULL },
                { "justin308/hivemind-worker:latest", "docker.io/justin308/hivemind-worker:latest", NULL,
                  NULL },
                { "a/b/c/d", "docker.io/a/b/c/d:latest", NULL, NULL },
                { "registry.example.org/team/app:v1", "registry.example.org/team/app:v1", NULL, NULL },
                { "Registry.Example.org/app", "registry.example.org/app:latest", NULL, NULL },
                { "registry.example.org:5000/app", "registry.example.org:5000/app:latest", NULL, NULL },
                { "localhost/app", "localhost/app:latest", NULL, NULL },
                { "localhost:5000/app:1", "localhost:5000/app:1", NULL, NULL },
                { "10.0.0.1:5005/app", "10.0.0.1:5005/app:latest", NULL, NULL },
                { "[2001:db8::1]:5000/app", "[2001:db8::1]:5000/app:latest", NULL, NULL },
                { "[2001:db8::1]/app:2", "[2001:db8::1]/app:2", NULL, NULL },
                { "app@sha256:" HEX64, "docker.io/library/app@sha256:" HEX64, NULL, NULL },
                { "app:1.2@sha256:" HEX64, "docker.io/library/app:1.2@sha256:" HEX64, NULL, NULL },
                { "a_b", "docker.io/library/a_b:latest", NULL, NULL },
                { "a__b", "docker.io/library/a__b:latest", NULL, NULL },
                { "a---b", "docker.io/library/a---b:latest", NULL, NULL },
                { "a.b/c", "a.b/c:latest", NULL, NULL },
                { "0/1", "docker.io/0/1:latest", NULL, NULL },
                { "app:_x", "docker.io/library/app:_x", NULL, NULL },
                { "app:V1", "docker.io/library/app:V1", NULL, NULL },
                { "app:" A64 A64, "docker.io/library/app:" A64 A64, NULL, NULL },
                { "foo.com/" A64 A64 A64 "aaaaaaaaaaaaaaaa", "foo.com/" A64 A64 A64 "aaaaaaaaaaaaaaaa:latest",
                  NULL, NULL },

                { "", NULL, "E0341", "empty" },
                { "Nginx:latest", NULL, "E0341", "repository must be lower case" },
                { "Library/nginx", NULL, "E0341", "repository must be lower case" },
                { "docker.io/library/Nginx", NULL, "E0341", "repository must be lower case" },
                { "nginx:", NULL, "E0341", "nothing follows the ':'" },
                { ":latest", NULL, "E0341", "repository is empty" },
                { "/nginx", NULL, "E0341", "between two '/'" },
                { "nginx/", NULL, "E0341", "between two '/'" },
                { "a//b", NULL, "E0341", "between two '/'" },
                { "docker.io/", NULL, "E0341", "repository is empty" },
                { "-nginx", NULL, "E0341", "lower-case letters and digits" },
                { "nginx-", NULL, "E0341", "lower-case letters and digits" },
                { "a..b", NULL, "E0341", "lower-case letters and digits" },
                { "a___b", NULL, "E0341", "lower-case letters and digits" },
                { "a._b", NULL, "E0341", "lower-case letters and digits" },
                { "ngi nx", NULL, "E0341", "lower-case letters and digits" },
                { " nginx", NULL, "E0341", "lower-case letters and digits" },
                { "nginx\n", NULL, "E0341", "lower-case letters and digits" },
                { "../../etc/passwd", NULL, "E0341", "" },
                { "a/../b", NULL, "E0341", "" },
                { "$(id)", NULL, "E0341", "" },
                { "ng\xc3\xafnx", NULL, "E0341", "" },
                { "nginx:1:2", NULL, "E0341", "" },
                { "nginx:a b", NULL, "E0341", "a tag has" },
                { "nginx:-a", NULL, "E0341", "a tag has" },
                { "nginx:.a", NULL, "E0341", "a tag has" },
                { "nginx:a/b", NULL, "E0341", "" },
                { "nginx:" A64 A64 "a", NULL, "E0341", "at most 128" },
                { "https://docker.io/nginx", NULL, "E0341", "is a URL" },
                { "foo.com:0/app", NULL, "E0341", "HOST:PORT" },
                { "foo.com:65536/app", NULL, "E0341", "HOST:PORT" },
                { "foo.com:/app", NULL, "E0341", "HOST:PORT" },
                { "foo..com/app", NULL, "E0341", "HOST:PORT" },
                { "-foo.com/app", NULL, "E0341", "HOST:PORT" },
                { "user@foo.com/app", NULL, "E0344", "does not start with" },
                { "[::1/app", NULL, "E0341", "HOST:PORT" },
                { "[]/app", NULL, "E0341", "HOST:PORT" },
                { "[zz]/app", NULL, "E0341", "HOST:PORT" },
                { A256, NULL, "E0341", "longer than 255" },
                { HEX64, NULL, "E0341", "is an image id" },
                { "app@", NULL, "E0344", "does not start with" },
                { "app@md5:abc", NULL, "E0344", "does not start with" },
                { "app@sha512:" HEX64 HEX64, NULL, "E0344", "does not start with" },
                { "app@sha256:", NULL, "E0344", "found 0" },
                { "app@sha256:abc", NULL, "E0344", "found 3" },
                { "app@sha256:" HEX64 "a", NULL, "E0344", "found 65" },
                { "app@sha256:2C26B46B68FFC68FF99B453C1D30413413422D706483BFA0F98A5E886266E7AE", NULL,
                  "E0344", "lower-case" },
                { "app@sha256:" HEX64 "@sha256:" HEX64, NULL, "E0344", "character 65" },
                { "@sha256:" HEX64, NULL, "E0341", "repository is empty" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_image_ref ref = {};
                struct hv_fault fault = {};
                int r = hv_value_image(rows[i].text, a, &ref, &fault);

                if ((r == 0) != (rows[i].full != NULL))
                        fail_msg("\"%s\": %s", rows[i].text, r < 0 ? fault.message : "taken");
                if (r == 0) {
                        struct hv_image_ref again = {};

                        assert_string_equal(ref.full, rows[i].full);
                        assert_int_equal(hv_value_image(ref.full, a, &again, NULL), 0);
                        assert_string_equal(again.full, ref.full);
                        continue;
                }
                expect_fault(rows[i].text, &fault, rows[i].code, rows[i].says);
        }
}

static void only_a_tag_that_nobody_wrote_is_implied(void **state) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        struct hv_image_ref ref;

        (void) state;
        assert_int_equal(hv_value_image("nginx", a, &ref, NULL), 0);
        assert_true(ref.tag_implied);
        assert_int_equal(hv_value_image("nginx:latest", a, &ref, NULL), 0);
        assert_false(ref.tag_implied);
        assert_int_equal(hv_value_image("nginx@sha256:" HEX64, a, &ref, NULL), 0);
        assert_false(ref.tag_implied);
        assert_null(ref.tag);
        assert_string_equal(ref.name, "docker.io/library/nginx");
}

static void patterns_allow_what_they_name(void **state) {
        static const struct {
                const char *pattern, *image;
                bool matches;
        } rows[] = {
                { "*", "evil.example/x", true },
                { "docker.io/library/*", "redis:7.4-alpine", true },
                { "docker.io/library/*", "docker.io/library/redis", true },
                { "docker.io/library/*", "redis@sha256:" HEX64, true },
                { "docker.io/library/*", "justin308/hivemind-worker", false },
                { "docker.io/library/*", "evil.example/library/redis", false },
                { "registry.example.org/*", "registry.example.org/a/b/c:1", true },
                { "registry.example.org/*", "registry.example.org:5000/a", false },
                { "registry.example.org/*", "registry.example.org.evil.example/a", false },
                { "*.example.org/*", "a.example.org/x", true },
                { "*.example.org/*", "evil.example/a.example.org/x", false },
                { "*/team/*", "evil.example/x/team/y", false },
                { "docker.io/justin308/hivemind-worker:*", "justin308/hivemind-worker", true },
                { "docker.io/justin308/hivemind-worker:*", "justin308/hivemind-worker:1@sha256:" HEX64,
                  true },
                { "docker.io/justin308/hivemind-worker:*", "justin308/hivemind-worker-evil", false },
                { "docker.io/library/redis", "redis:7.4", true },
                { "docker.io/library/redis", "redis2", false },
                { "docker.io/library/redis:7.*", "redis:7.4-alpine", true },
                { "docker.io/library/redis:7.*", "redis:8.0", false },
                { "docker.io/library/redis:7.4", "redis:7.4@sha256:" HEX64, false },
                { "docker.io/library/redis:2*", "redis@sha256:" HEX64, false },
                { "docker.io/library/*:2*", "redis@sha256:" HEX64, false },
                { "docker.io/library/redis@sha256:2c26*", "redis:any@sha256:" HEX64, true },
                { "docker.io/library/redis@sha256:" HEX64, "redis@sha256:" HEX64, true },
                { "docker.io/library/redis@sha256:ff*", "redis@sha256:" HEX64, false },
                { "docker.io/l*y/*d*s*", "redis", true },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
                struct hv_image_ref ref;

                assert_int_equal(hv_value_image_pattern(rows[i].pattern, NULL), 0);
                assert_int_equal(hv_value_image(rows[i].image, a, &ref, NULL), 0);
                if (hv_image_pattern_matches(rows[i].pattern, &ref) != rows[i].matches)
                        fail_msg("%s against %s", rows[i].pattern, rows[i].image);
        }
}

static void a_pattern_that_can_match_nothing_is_refused(void **state) {
        static const char *const rows[][2] = {
                { "redis", "did you mean \"docker.io/library/redis\"?" },
                { "library/*", "did you mean \"docker.io/library/*\"?" },
                { "", "did you mean \"docker.io/library/*\"?" },
                { "docker.io/", "matched against full names" },
                { "docker.io/a b", "is not a pattern" },
                { "docker.io/[a-z]?", "is not a pattern" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct hv_fault fault = {};

                assert_true(hv_value_image_pattern(rows[i][0], &fault) < 0);
                expect_fault(rows[i][0], &fault, "E0341", rows[i][1]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(references_get_one_form),
                cmocka_unit_test(only_a_tag_that_nobody_wrote_is_implied),
                cmocka_unit_test(patterns_allow_what_they_name),
                cmocka_unit_test(a_pattern_that_can_match_nothing_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
