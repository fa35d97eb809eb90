#include "exposition.h"

#include "testing.h"

#include <ctype.h>
#include <math.h>

#include "base/alloc.h"
#include "base/map.h"

struct reader {
        struct hv_map *families; /* names that were begun */
        struct hv_map *series;
        char family[128], type[32];
        bool open_metrics, has_help;
        double last_bucket;
        char last_bucket_of[256];
        double infinite;
};

static bool is_name(const char *s, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (!isalpha((unsigned char) s[i]) && s[i] != '_' && s[i] != ':' &&
                    (i == 0 || !isdigit((unsigned char) s[i])))
                        return false;
        return n > 0;
}

static void begin_family(struct reader *r, const char *line, bool is_help) {
        char name[128], rest[400];

        if (sscanf(line, is_help ? "# HELP %127s %399[^\n]" : "# TYPE %127s %399[^\n]", name, rest) != 2)
                fail_msg("no text or type: %s", line);
        assert_true(is_name(name, strlen(name)));
        if (is_help) {
                if (hv_map_get(r->families, name))
                        fail_msg("family %s comes twice", name);
                hv_map_put(r->families, name, r);
                (void) snprintf(r->family, sizeof r->family, "%s", name);
                r->has_help = true;
                r->type[0] = '\0';
                return;
        }
        if (!r->has_help || strcmp(r->family, name) != 0)
                fail_msg("TYPE of %s does not follow its HELP", name);
        (void) snprintf(r->type, sizeof r->type, "%.31s", rest);
        r->has_help = false;
        if (strcmp(r->type, "counter") != 0 && strcmp(r->type, "gauge") != 0 &&
            strcmp(r->type, "histogram") != 0 && !(r->open_metrics && strcmp(r->type, "info") == 0))
                fail_msg("%s: no such type: %s", name, r->type);
}

/* Does a sample of this name belong to the family that was begun? */
static bool belongs(const struct reader *r, const char *name) {
        static const char *const histogram[] = { "_bucket", "_sum", "_count", NULL };
        size_t n = strlen(r->family);

        if (strncmp(name, r->family, n) != 0)
                return false;
        if (strcmp(r->type, "histogram") == 0) {
                for (size_t i = 0; histogram[i]; i++)
                        if (strcmp(name + n, histogram[i]) == 0)
                                return true;
                return false;
        }
        if (strcmp(r->type, "counter") == 0 && !r->open_metrics)
                return name[n] == '\0' && n > 6 && strcmp(name + n - 6, "_total") == 0;
        if (strcmp(r->type, "counter") == 0)
                return strcmp(name + n, "_total") == 0;
        if (strcmp(r->type, "info") == 0)
                return strcmp(name + n, "_info") == 0;
        return name[n] == '\0';
}

/* Copies the labels without `le`; gives le's value. Fails on what is no label set. */
static const char *read_labels(const char *p, char *others, size_t size, char *le, size_t le_size) {
        size_t n = 0;

        le[0] = others[0] = '\0';
        if (*p != '{')
                return p;
        p++;
        while (*p != '}') {
                const char *name = p, *value;
                size_t len = strcspn(p, "=");

                assert_true(is_name(name, len) && name[len] == '=' && name[len + 1] == '"');
                value = p = name + len + 2;
                while (*p != '"') {
                        assert_true((unsigned char) *p >= 0x20);
                        if (*p == '\\') {
                                assert_non_null(strchr("\\\"n", p[1]));
                                p++;
                        }
                        p++;
                }
                if (len == 2 && strncmp(name, "le", 2) == 0)
                        (void) snprintf(le, le_size, "%.*s", (int) (p - value), value);
                else
                        n += (size_t) snprintf(others + n, size - n, "%.*s,", (int) (p + 1 - name), name);
                p++;
                assert_true(*p == ',' || *p == '}');
                p += *p == ',';
        }
        return p + 1;
}

static void check_bucket(struct reader *r, const char *name, const char *others, const char *le,
                         double value) {
        char key[512];

        (void) snprintf(key, sizeof key, "%.200s|%.300s", r->family, others);
        if (strstr(name, "_bucket")) {
                assert_true(*le != '\0');
                if (strcmp(key, r->last_bucket_of) != 0)
                        r->last_bucket = 0;
                (void) snprintf(r->last_bucket_of, sizeof r->last_bucket_of, "%.255s", key);
                if (value < r->last_bucket)
                        fail_msg("%s: buckets fall", r->family);
                r->last_bucket = value;
                r->infinite = strcmp(le, "+Inf") == 0 ? value : -1;
        } else if (strstr(name, "_count") && value != r->infinite)
                fail_msg("%s: +Inf is %g, count is %g", r->family, r->infinite, value);
        else if (strstr(name, "_sum"))
                assert_true(r->infinite >= 0);
}

static void read_sample(struct reader *r, const char *line) {
        char name[128], others[512], le[32], series[700], *end;
        size_t len = strcspn(line, "{ ");
        const char *p;
        double value;

        assert_true(is_name(line, len) && len < sizeof name);
        (void) snprintf(name, sizeof name, "%.*s", (int) len, line);
        p = read_labels(line + len, others, sizeof others, le, sizeof le);
        if (!belongs(r, name))
                fail_msg("%s is not of the family %s (%s)", name, r->family, r->type);
        (void) snprintf(series, sizeof series, "%s|%s|%s", name, others, le);
        if (hv_map_get(r->series, series))
                fail_msg("series twice: %s", series);
        hv_map_put(r->series, series, r);
        assert_true(*p == ' ');
        value = strtod(p + 1, &end);
        if (end == p + 1 || *end != '\0' || !isfinite(value) || (value < 0 && strcmp(r->type, "gauge") != 0))
                fail_msg("no value: %s", line);
        if (strcmp(r->type, "histogram") == 0)
                check_bucket(r, name, others, le, value);
}

void exposition_check(const char *text, bool open_metrics) {
        struct reader r = { .families = hv_map_new(NULL),
                            .series = hv_map_new(NULL),
                            .open_metrics = open_metrics };
        char *copy = hv_strdup(text);
        bool ended = false;

        assert_true(*text && text[strlen(text) - 1] == '\n');
        for (char *line = copy, *end; *line; line = end + 1) {
                end = strchr(line, '\n');
                *end = '\0';
                assert_false(ended);
                if (strcmp(line, "# EOF") == 0)
                        ended = true;
                else if (strncmp(line, "# HELP ", 7) == 0)
                        begin_family(&r, line, true);
                else if (strncmp(line, "# TYPE ", 7) == 0)
                        begin_family(&r, line, false);
                else
                        read_sample(&r, line);
        }
        assert_true(ended == open_metrics);
        hv_map_free(r.families);
        hv_map_free(r.series);
        free(copy);
}

static const char *find(const char *text, const char *series) {
        size_t len = strlen(series);

        for (const char *p = text; (p = strstr(p, series)); p++) {
                if ((p == text || p[-1] == '\n') && p[len] == ' ')
                        return p + len + 1;
        }
        return NULL;
}

bool exposition_has(const char *text, const char *series) {
        return find(text, series) != NULL;
}

double exposition_value(const char *text, const char *series) {
        const char *value = find(text, series);

        if (!value)
                fail_msg("no series %s in:\n%s", series, text);
        return value ? strtod(value, NULL) : -1;
}
