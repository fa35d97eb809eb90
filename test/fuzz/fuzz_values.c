/* fuzz_values.c - parsers of single values. The first byte chooses one, the rest is the text. A refusal has a code and one
 * printable line; what is taken has a normal form that is taken again and means the same. */
#include "fuzz.h"

#include <string.h>

#include "base/arena.h"
#include "base/duration.h"
#include "base/quantity.h"
#include "base/text.h"
#include "spec/value_cron.h"
#include "spec/value_image.h"
#include "spec/value_name.h"
#include "spec/value_net.h"
#include "spec/value_path.h"
#include "spec/value_process.h"
#include "spec/value_time.h"
#include "spec/value_url.h"

static void check_fault(const struct hv_fault *fault) {
        FUZZ_CHECK(strlen(fault->code) == 5 && fault->code[0] == 'E');
        FUZZ_CHECK(*fault->message);
        for (const unsigned char *p = (const unsigned char *) fault->message; *p; p++)
                FUZZ_CHECK(*p >= 0x20 && *p != 0x7f);
}

static void duration(const char *text) {
        char form[HV_DURATION_SIZE];
        uint64_t us, again;

        (void) hv_duration_suggest(text, form);
        if (hv_duration_parse(text, &us) != HV_PARSE_OK)
                return;
        hv_duration_format(us, form);
        FUZZ_CHECK(hv_duration_parse(form, &again) == HV_PARSE_OK && again == us);
}

static void quantity(const char *text) {
        char form[HV_QUANTITY_SIZE], guess[2 * HV_QUANTITY_SIZE];
        uint64_t v, again;

        (void) hv_quantity_suggest_bytes(text, guess);
        (void) hv_quantity_suggest_cpu(text, guess);
        if (hv_quantity_parse_bytes(text, &v) == HV_PARSE_OK) {
                hv_quantity_format_bytes(v, form);
                FUZZ_CHECK(hv_quantity_parse_bytes(form, &again) == HV_PARSE_OK && again == v);
        }
        if (hv_quantity_parse_cpu(text, &v) == HV_PARSE_OK) {
                hv_quantity_format_cpu(v, form);
                FUZZ_CHECK(hv_quantity_parse_cpu(form, &again) == HV_PARSE_OK && again == v);
        }
}

static int image(const char *text, struct hv_arena *a, struct hv_fault *fault) {
        struct hv_image_ref ref, again;
        int r = hv_value_image(text, a, &ref, fault);

        if (r == 0) {
                FUZZ_CHECK(hv_value_image(ref.full, a, &again, NULL) == 0 &&
                           strcmp(again.full, ref.full) == 0);
                FUZZ_CHECK(hv_image_pattern_matches("*", &ref));
                FUZZ_CHECK(hv_image_pattern_matches(ref.name, &ref));
        }
        return r;
}

static int pattern(const char *text, struct hv_arena *a, struct hv_fault *fault) {
        struct hv_image_ref ref;

        FUZZ_CHECK(hv_value_image("docker.io/library/nginx:1.27@sha256:"
                                  "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
                                  a, &ref, NULL) == 0);
        (void) hv_image_pattern_matches(text, &ref);
        return hv_value_image_pattern(text, fault);
}

static int cidr(const char *text, struct hv_fault *fault) {
        char form[HV_ADDRESS_SIZE];
        struct hv_cidr c, again;
        int r = hv_value_cidr(text, &c, fault);

        if (r == 0) {
                FUZZ_CHECK(hv_value_cidr(hv_cidr_format(&c, form), &again, NULL) == 0 &&
                           hv_cidr_equal(&c, &again));
                FUZZ_CHECK(hv_cidr_contains(&c, &c.address) && hv_cidr_overlaps(&c, &again));
        }
        return r;
}

static int absolute_path(const char *text, struct hv_arena *a, struct hv_fault *fault) {
        const char *path, *again;
        int r = hv_value_absolute_path(text, a, &path, fault);

        if (r == 0) {
                FUZZ_CHECK(hv_value_absolute_path(path, a, &again, NULL) == 0 && strcmp(path, again) == 0);
                FUZZ_CHECK(!strstr(path, "//") && !strstr(path, "/../") && hv_path_is_below(path, "/"));
                /* No spelling of a path is judged more mildly than its normal form. */
                if (hv_value_host_path_allowed(path, NULL, NULL) < 0)
                        FUZZ_CHECK(hv_value_host_path_allowed(text, NULL, NULL) < 0);
        } else
                (void) hv_value_host_path_allowed(text, NULL, NULL);
        return r;
}

static int cron(const char *text, struct hv_fault *fault) {
        struct hv_cron c;
        int r = hv_value_cron(text, &c, fault);
        bool any = false;

        if (r < 0)
                return r;
        FUZZ_CHECK(c.minutes >> 60 == 0 && c.hours >> 24 == 0 && c.months >> 13 == 0 && c.weekdays >> 7 == 0);
        FUZZ_CHECK(c.minutes && c.hours);
        for (unsigned day = 1; day <= 31 && !any; day++)
                for (unsigned at = 0; at < 12 * 7 && !any; at++)
                        any = hv_cron_matches(&c, (unsigned) __builtin_ctzll(c.minutes),
                                              (unsigned) __builtin_ctz(c.hours), day, at % 12 + 1, at / 12);
        FUZZ_CHECK(any);
        return 0;
}

static int other_value(uint8_t which, const char *text, struct hv_arena *a, struct hv_fault *fault) {
        struct hv_endpoint endpoint;
        struct hv_port_range range;
        struct hv_address address;
        struct hv_window window;
        struct hv_user user;
        struct hv_url url;
        enum hv_bind bind;
        const char *name;

        switch (which) {
        case 8:
                return hv_value_endpoint(text, "E0326", a, &endpoint, fault);
        case 9:
                return hv_value_host(text, fault);
        case 10:
                return hv_value_port_range(text, &range, fault);
        case 11:
                return hv_value_bind(text, &bind, &address, fault);
        case 12:
                return hv_value_window(text, a, &window, fault);
        case 13:
                return hv_value_url(text, HV_URL_HTTPS | HV_URL_HTTP | HV_URL_FILE, a, &url, fault);
        case 14:
                return hv_value_signal(text, &name, fault);
        case 15:
                return hv_value_capability(text, &name, fault);
        case 16:
                return hv_value_user(text, &user, fault);
        case 17:
                return hv_value_wg_key(text, "public key", NULL, fault);
        case 18:
                return hv_value_relative_path(text, "E0451", "workspace", false, a, &name, fault);
        case 19:
                return hv_value_label_key(text, fault);
        case 20:
                return hv_value_interface(text, fault);
        case 21:
                return hv_value_http_path(text, fault);
        case 22:
                return hv_value_zone(text, fault);
        default:
                return hv_value_env_name(text, fault);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *a = hv_arena_new();
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_fault fault = {};
        uint8_t which;
        char *text;
        int r = 0;

        if (size == 0)
                return 0;
        which = (uint8_t) (*data - 'a'); /* letters choose, so that the corpus can be read */
        text = strndup((const char *) data + 1, size - 1);
        FUZZ_CHECK(strlen(hv_text_quote(text, quoted)) < HV_TEXT_QUOTE_SIZE);
        switch (which) {
        case 0:
                duration(text);
                break;
        case 1:
                quantity(text);
                break;
        case 2:
                r = image(text, a, &fault);
                break;
        case 3:
                r = pattern(text, a, &fault);
                break;
        case 4:
                r = cidr(text, &fault);
                break;
        case 5:
                r = absolute_path(text, a, &fault);
                break;
        case 6:
                r = cron(text, &fault);
                break;
        default:
                r = other_value(which, text, a, &fault);
                break;
        }
        if (r < 0)
                check_fault(&fault);
        free(text);
        return 0;
}
