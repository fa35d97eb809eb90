/* The journal's catalog explains every event, and nothing else (api/hivelet.catalog against log/events.h). */
#include "testing.h"

#include <ctype.h>
#include <systemd/sd-messages.h>

#include "base/alloc.h"
#include "base/map.h"
#include "log/log.h"

#define CATALOG HV_SOURCE_DIR "/api/hivelet.catalog"

struct entry {
        char subject[1024];
        size_t text_lines;
        size_t fields; /* Defined-By, Documentation */
        enum hv_event event;
};

static enum hv_event event_of(const char *message_id) {
        for (enum hv_event e = HV_EVENT_NONE + 1; e < HV_EVENT_COUNT; e++)
                if (hv_streq(hv_event_message_id(e), message_id))
                        return e;
        return HV_EVENT_NONE;
}

static struct hv_map *read_catalog(void) {
        struct hv_map *entries = hv_map_new(free);
        struct entry *now = NULL;
        char line[1024], id[64];
        FILE *f = fopen(CATALOG, "re");

        if (!f)
                fail_msg("%s cannot be read", CATALOG);
        while (fgets(line, sizeof line, f)) {
                line[strcspn(line, "\n")] = '\0';
                if (sscanf(line, "-- %63s", id) == 1) {
                        if (hv_map_get(entries, id))
                                fail_msg("%s stands twice in the catalog", id);
                        now = HV_NEW(struct entry);
                        now->event = event_of(id);
                        hv_map_put(entries, id, now);
                } else if (now && hv_has_prefix(line, "Subject: ")) {
                        (void) snprintf(now->subject, sizeof now->subject, "%s", line + strlen("Subject: "));
                } else if (now && (hv_streq(line, "Defined-By: hivelet") ||
                                   hv_has_prefix(line, "Documentation: man:"))) {
                        now->fields++;
                } else if (now && *line) {
                        now->text_lines++;
                }
        }
        (void) fclose(f);
        return entries;
}

static void test_catalog_and_events_agree(void **state) {
        _hv_cleanup_(hv_map_freep) struct hv_map *entries = read_catalog();
        const char *id;
        struct entry *e;

        (void) state;
        for (enum hv_event ev = HV_EVENT_NONE + 1; ev < HV_EVENT_COUNT; ev++) {
                e = hv_map_get(entries, hv_event_message_id(ev));
                if (!e)
                        fail_msg("%s (%s) is not in the catalog", hv_event_name(ev), hv_event_message_id(ev));
                if (!*e->subject || !e->text_lines || e->fields != 2)
                        fail_msg("%s: the catalog's entry needs Subject, Defined-By, Documentation and text",
                                 hv_event_name(ev));
        }
        for (size_t it = 0; hv_map_next(entries, &it, &id, (void **) &e);)
                if (e->event == HV_EVENT_NONE)
                        fail_msg("%s of the catalog is no event", id);
}

static void test_table(void **state) {
        _hv_cleanup_(hv_map_freep) struct hv_map *ids = hv_map_new(NULL), *names = hv_map_new(NULL);

        (void) state;
        for (enum hv_event e = HV_EVENT_NONE + 1; e < HV_EVENT_COUNT; e++) {
                const char *id = hv_event_message_id(e), *name = hv_event_name(e);

                if (strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32)
                        fail_msg("%s: \"%s\" is not 32 lower-case hex digits", name, id);
                if (hv_map_get(ids, id))
                        fail_msg("%s has the MESSAGE_ID of %s", name, (char *) hv_map_get(ids, id));
                if (hv_map_get(names, name))
                        fail_msg("two events are called %s", name);
                if (!isupper((unsigned char) name[0]) || hv_event_level(e) < LOG_CRIT ||
                    hv_event_level(e) > LOG_INFO || hv_str_empty(hv_event_meaning(e)))
                        fail_msg("%s: needs a name in CamelCase, a level and a meaning", name);
                assert_int_equal(hv_event_from_name(name), e);
                hv_map_put(ids, id, (void *) name);
                hv_map_put(names, name, (void *) id);
        }
        assert_int_equal(hv_event_from_name("NoSuchEvent"), HV_EVENT_NONE);
        assert_null(hv_event_name(HV_EVENT_NONE));
        assert_null(hv_event_message_id(HV_EVENT_COUNT));
}

/* systemd's own: the header spells each as SD_ID128_MAKE_STR(aa,bb,...). */
static void test_ids_are_not_systemds(void **state) {
        FILE *f = fopen("/usr/include/systemd/sd-messages.h", "re");
        char line[1024];
        size_t n = 0;

        (void) state;
        assert_non_null(f);
        while (fgets(line, sizeof line, f)) {
                char *p = strstr(line, "SD_ID128_MAKE_STR("), id[33] = "";

                if (!p)
                        continue;
                p += strlen("SD_ID128_MAKE_STR(");
                for (size_t k = 0; k < 32 && *p && *p != ')'; p++)
                        if (*p != ',')
                                id[k++] = *p;
                if (strlen(id) != 32)
                        continue;
                n++;
                if (event_of(id) != HV_EVENT_NONE)
                        fail_msg("%s has a MESSAGE_ID of systemd's", hv_event_name(event_of(id)));
        }
        (void) fclose(f);
        assert_true(n > 50);
        assert_string_equal(SD_MESSAGE_COREDUMP_STR, "fc2e22bc6ee647b6b90729ab34a250b1");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_catalog_and_events_agree),
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_ids_are_not_systemds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
