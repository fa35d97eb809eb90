/* base/quantity.c - see quantity.h. */
#include "base/quantity.h"

#include <stdio.h>
#include <strings.h>

struct unit {
        const char *name;
        uint64_t factor;
};

/* From large to small, binary before decimal: the order in which a format is tried. */
static const struct unit byte_units[] = {
        { "Ei", UINT64_C(1) << 60 },
        { "Pi", UINT64_C(1) << 50 },
        { "Ti", UINT64_C(1) << 40 },
        { "Gi", UINT64_C(1) << 30 },
        { "Mi", UINT64_C(1) << 20 },
        { "Ki", UINT64_C(1) << 10 },
        { "E", UINT64_C(1000000000000000000) },
        { "P", UINT64_C(1000000000000000) },
        { "T", UINT64_C(1000000000000) },
        { "G", UINT64_C(1000000000) },
        { "M", UINT64_C(1000000) },
        { "k", UINT64_C(1000) },
        { "", 1 },
};

/* "e3", "E+9": the exponent of ten as a factor; 0 when it is no exponent or does not fit. */
static uint64_t exponent_factor(const char *s) {
        uint64_t n, factor = 1;

        if (*s != 'e' && *s != 'E')
                return 0;
        s += s[1] == '+' ? 2 : 1;
        if (!hv_parse_uint(s, 0, 18, &n))
                return 0;
        while (n-- > 0)
                factor *= 10;
        return factor;
}

enum hv_parse hv_quantity_parse_bytes(const char *text, uint64_t *ret_bytes) {
        bool negative = *text == '-';
        const char *p = text + (negative || *text == '+');
        struct hv_decimal d;
        uint64_t factor;
        enum hv_parse r = hv_decimal_read(&p, &d);

        if (r != HV_PARSE_OK)
                return r;
        factor = exponent_factor(p);
        for (size_t i = 0; i < HV_ARRAY_SIZE(byte_units) && factor == 0; i++)
                if (strcmp(p, byte_units[i].name) == 0)
                        factor = byte_units[i].factor;
        if (factor == 0)
                return HV_PARSE_BAD_UNIT;
        if (negative)
                return HV_PARSE_NEGATIVE;
        return hv_decimal_times(&d, factor, ret_bytes);
}

enum hv_parse hv_quantity_parse_docker_bytes(const char *text, uint64_t *ret_bytes) {
        static const char *const words[][4] = {
                { "", "b" },          { "k", "kb", "kib" }, { "m", "mb", "mib" },
                { "g", "gb", "gib" }, { "t", "tb", "tib" },
        };
        struct hv_decimal d;
        const char *p = text;
        uint64_t bytes;
        enum hv_parse r = hv_decimal_read(&p, &d);

        if (r != HV_PARSE_OK)
                return *text == '-' ? HV_PARSE_NEGATIVE : r;
        for (size_t i = 0; i < HV_ARRAY_SIZE(words); i++)
                for (const char *const *word = words[i]; *word; word++) {
                        if (strcasecmp(p, *word) != 0)
                                continue;
                        r = hv_decimal_times(&d, UINT64_C(1) << 10 * i, &bytes);
                        if (r == HV_PARSE_OK && bytes == 0)
                                return HV_PARSE_BAD;
                        if (r == HV_PARSE_OK)
                                *ret_bytes = bytes;
                        return r;
                }
        return HV_PARSE_BAD_UNIT;
}

enum hv_parse hv_quantity_parse_cpu(const char *text, uint64_t *ret_nano_cpus) {
        bool negative = *text == '-';
        const char *p = text + (negative || *text == '+');
        struct hv_decimal d;
        enum hv_parse r = hv_decimal_read(&p, &d);

        if (r != HV_PARSE_OK)
                return r;
        if (*p && strcmp(p, "m") != 0)
                return HV_PARSE_BAD_UNIT;
        if (negative)
                return HV_PARSE_NEGATIVE;
        return hv_decimal_times(&d, *p ? HV_NANO_CPUS_PER_CPU / 1000 : HV_NANO_CPUS_PER_CPU, ret_nano_cpus);
}

void hv_quantity_format_bytes(uint64_t bytes, char ret[HV_QUANTITY_SIZE]) {
        const struct unit *u = &byte_units[HV_ARRAY_SIZE(byte_units) - 1];

        for (size_t i = 0; i < HV_ARRAY_SIZE(byte_units) && bytes > 0; i++)
                if (bytes % byte_units[i].factor == 0) {
                        u = &byte_units[i];
                        break;
                }
        (void) snprintf(ret, HV_QUANTITY_SIZE, "%llu%s", (unsigned long long) (bytes / u->factor), u->name);
}

void hv_quantity_format_cpu(uint64_t nano_cpus, char ret[HV_QUANTITY_SIZE]) {
        const uint64_t nano_per_milli = HV_NANO_CPUS_PER_CPU / 1000;
        unsigned long long whole = nano_cpus / HV_NANO_CPUS_PER_CPU, nano = nano_cpus % HV_NANO_CPUS_PER_CPU;
        int len;

        if (nano == 0) {
                (void) snprintf(ret, HV_QUANTITY_SIZE, "%llu", whole);
                return;
        }
        if (nano_cpus % nano_per_milli == 0) {
                (void) snprintf(ret, HV_QUANTITY_SIZE, "%llum",
                                (unsigned long long) (nano_cpus / nano_per_milli));
                return;
        }
        len = snprintf(ret, HV_QUANTITY_SIZE, "%llu.%09llu", whole, nano);
        while (ret[len - 1] == '0')
                ret[--len] = '\0';
}

/* Splits " 512 MB" into "512" and "MB". */
static bool split(const char *text, const char **ret_number, size_t *ret_len, const char **ret_unit) {
        const char *p;
        struct hv_decimal d;

        while (*text == ' ')
                text++;
        p = text;
        if (hv_decimal_read(&p, &d) != HV_PARSE_OK || p - text > 16)
                return false;
        *ret_number = text;
        *ret_len = (size_t) (p - text);
        while (*p == ' ')
                p++;
        *ret_unit = p;
        return true;
}

bool hv_quantity_suggest_bytes(const char *text, char ret[2 * HV_QUANTITY_SIZE]) {
        const char *number, *unit;
        size_t n, n_unit;
        char prefix;
        bool binary;

        if (!split(text, &number, &n, &unit))
                return false;
        n_unit = strlen(unit);
        if (n_unit > 0 && (unit[n_unit - 1] == 'B' || unit[n_unit - 1] == 'b'))
                n_unit--;
        if (n_unit == 0) { /* "100B", "100 " */
                (void) snprintf(ret, 2 * HV_QUANTITY_SIZE, "%.*s", (int) n, number);
                return true;
        }
        binary = n_unit == 2 && (unit[1] == 'i' || unit[1] == 'I');
        prefix = unit[0] >= 'a' ? (char) (unit[0] - ('a' - 'A')) : unit[0];
        if ((n_unit != 1 && !binary) || !strchr("KMGTPE", prefix))
                return false;
        if (binary)
                (void) snprintf(ret, 2 * HV_QUANTITY_SIZE, "%.*s%ci", (int) n, number, prefix);
        else
                (void) snprintf(ret, 2 * HV_QUANTITY_SIZE, "%.*s%c or %.*s%ci", (int) n, number,
                                prefix == 'K' ? 'k' : prefix, (int) n, number, prefix);
        return true;
}

bool hv_quantity_suggest_cpu(const char *text, char ret[2 * HV_QUANTITY_SIZE]) {
        static const struct unit words[] = {
                { "M", 1000 }, { "milli", 1000 }, { "m", 1000 },  { "mcpu", 1000 }, { "cpu", 1 },
                { "cpus", 1 }, { "core", 1 },     { "cores", 1 }, { "", 1 },        { "c", 1 },
                { "vcpu", 1 }, { "vCPU", 1 },     { "CPU", 1 },   { "CPUs", 1 },
        };
        const char *number, *unit;
        size_t n;

        if (!split(text, &number, &n, &unit))
                return false;
        for (size_t i = 0; i < HV_ARRAY_SIZE(words); i++)
                if (strcmp(unit, words[i].name) == 0) {
                        (void) snprintf(ret, 2 * HV_QUANTITY_SIZE, "%.*s%s", (int) n, number,
                                        words[i].factor == 1000 ? "m" : "");
                        return true;
                }
        return false;
}
