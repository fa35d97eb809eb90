/* spec/decode_scalar.c - the text of one value, by the type that the schema gives it. YAML's own guesses (no
 * is false, 1.10 is 1.1, 22:22 is 1342) have no part in it. */
#include <inttypes.h>

#include "base/buf.h"
#include "base/duration.h"
#include "base/quantity.h"
#include "base/text.h"
#include "spec/schema_internal.h"

struct scalar {
        const struct hv_field *field;
        const struct hv_node *node;
        struct hv_diags *diags; /* NULL: only the answer counts */
};

/* The value for a message; what is sensitive is only described. */
static const char *shown(const struct scalar *s) {
        return s->field->sensitive ? "the value (not shown)" : hv_diag_quote(s->diags, s->node->text);
}

#define FAIL(s, code, ...) \
        ((s)->diags ? (void) hv_diag_error((s)->diags, (s)->node, code, __VA_ARGS__) : (void) 0, false)

static bool in_range(const struct scalar *s, int64_t value, const char *code) {
        const struct hv_field *f = s->field;
        char bound[64];

        if (!f->has_range || (value >= f->min && value <= f->max))
                return true;
        if (!s->diags)
                return false;
        hv_schema_format_bound(f, value < f->min ? f->min : f->max, bound);
        return FAIL(s, f->code && f->type != HV_FIELD_STRUCT ? f->code : code, "%s is %s %s", s->node->text,
                    value < f->min ? "below the minimum" : "above the maximum", bound);
}

static bool scalar_bool(const struct scalar *s, union hv_value *ret) {
        static const struct {
                const char *text;
                int value; /* 2: meant as false, 3: meant as true */
        } forms[] = { { "true", 1 },  { "True", 1 }, { "TRUE", 1 }, { "false", 0 }, { "False", 0 },
                      { "FALSE", 0 }, { "no", 2 },   { "off", 2 },  { "n", 2 },     { "0", 2 },
                      { "yes", 3 },   { "on", 3 },   { "y", 3 },    { "1", 3 } };
        const char *meant = NULL;
        struct hv_diag *diag;

        for (size_t i = 0; i < HV_ARRAY_SIZE(forms); i++) {
                if (forms[i].value < 2 && hv_streq(s->node->text, forms[i].text)) {
                        ret->boolean = forms[i].value == 1;
                        return true;
                }
                if (forms[i].value >= 2 && hv_text_distance(s->node->text, forms[i].text, 1) == 0)
                        meant = forms[i].value == 3 ? "true" : "false";
        }
        if (!s->diags)
                return false;
        diag = hv_diag_error(s->diags, s->node, "E0208", "expected true or false, found %s", shown(s));
        if (meant)
                hv_diag_hint(s->diags, diag, "write %s", meant);
        return false;
}

static bool scalar_int(const struct scalar *s, union hv_value *ret) {
        const char *text = s->node->text;
        bool negative = *text == '-';
        uint64_t value;

        if (!hv_parse_uint(text + negative, 0, INT64_MAX, &value)) {
                size_t digits = strspn(text + negative, "0123456789");

                if (digits && !text[negative + digits])
                        return FAIL(s, "E0211", "%s is too large", shown(s));
                return FAIL(s, "E0202", "expected a whole number, found %s", shown(s));
        }
        if (text[negative] == '0' && text[negative + 1])
                return FAIL(s, "E0209", "%s may be read as an octal number; write %" PRIu64, text, value);
        ret->number = negative ? -(int64_t) value : (int64_t) value;
        return in_range(s, ret->number, "E0211");
}

static bool scalar_decimal(const struct scalar *s, union hv_value *ret) {
        const char *p = s->node->text;
        struct hv_decimal decimal;
        uint64_t value;

        if (hv_decimal_read(&p, &decimal) != HV_PARSE_OK || *p ||
            hv_decimal_times(&decimal, 1000, &value) != HV_PARSE_OK)
                return FAIL(s, "E0202", "expected a number such as 1.5, found %s", shown(s));
        ret->number = (int64_t) value;
        return in_range(s, ret->number, "E0211");
}

static bool fail_amount(const struct scalar *s, enum hv_parse why, bool known, const char *suggestion) {
        if (!s->diags)
                return false;
        if (why == HV_PARSE_NEGATIVE)
                return FAIL(s, "E0221", "%s must be greater than 0", shown(s));
        if (why == HV_PARSE_OVERFLOW)
                return FAIL(s, "E0221", "%s is too large", shown(s));
        return known ? FAIL(s, "E0220", "%s is not a quantity; did you mean %s?", shown(s), suggestion)
                     : FAIL(s, "E0220", "%s is not a quantity such as %s", shown(s),
                            s->field->type == HV_FIELD_CPU ? "500m or 1.5" : "512Mi or 2Gi");
}

static bool scalar_amount(const struct scalar *s, enum hv_field_type type, union hv_value *ret) {
        char suggestion[2 * HV_QUANTITY_SIZE];
        bool cpu = type == HV_FIELD_CPU, known;
        enum hv_parse r = cpu ? hv_quantity_parse_cpu(s->node->text, &ret->amount)
                              : hv_quantity_parse_bytes(s->node->text, &ret->amount);

        if (r != HV_PARSE_OK) {
                known = cpu ? hv_quantity_suggest_cpu(s->node->text, suggestion)
                            : hv_quantity_suggest_bytes(s->node->text, suggestion);
                return fail_amount(s, r, known, suggestion);
        }
        if (ret->amount == 0 && !s->field->has_range)
                return FAIL(s, "E0221", "%s must be greater than 0", shown(s));
        return in_range(s, (int64_t) ret->amount, "E0211");
}

static bool scalar_duration(const struct scalar *s, union hv_value *ret) {
        char suggestion[HV_DURATION_SIZE];
        enum hv_parse r = hv_duration_parse(s->node->text, &ret->amount);
        bool known;

        if (r == HV_PARSE_OK && ret->amount == 0 && s->field->has_range && s->field->min == 1)
                return FAIL(s, "E0221", "%s must be greater than 0", shown(s));
        if (r == HV_PARSE_OK)
                return in_range(s, (int64_t) ret->amount, "E0211");
        if (r == HV_PARSE_NEGATIVE)
                return FAIL(s, "E0221", "%s must not be negative", shown(s));
        if (r == HV_PARSE_OVERFLOW)
                return FAIL(s, "E0221", "%s is too large", shown(s));
        known = hv_duration_suggest(s->node->text, suggestion);
        if (r == HV_PARSE_NO_UNIT)
                return FAIL(s, "E0224", "%s needs a unit; did you mean %s?", shown(s),
                            known ? suggestion : "30s");
        return known ? FAIL(s, "E0225", "%s is not a duration; did you mean %s?", shown(s), suggestion)
                     : FAIL(s, "E0225", "%s is not a duration such as 90s, 5m, 1h30m", shown(s));
}

static bool scalar_percent(const struct scalar *s, union hv_value *ret) {
        size_t len = strlen(s->node->text), digits = strspn(s->node->text, "0123456789");
        uint64_t value;
        char number[8];

        if (digits == 0 || digits >= sizeof number ||
            (s->node->text[digits] && s->node->text[digits] != '%') ||
            (s->node->text[digits] && digits + 1 != len))
                return FAIL(s, "E0226", "%s is not a percentage such as 50%%", shown(s));
        if (!s->node->text[digits])
                return FAIL(s, "E0226", "%s needs a percent sign; did you mean %s%%?", shown(s),
                            s->node->text);
        memcpy(number, s->node->text, digits);
        number[digits] = '\0';
        (void) hv_parse_uint(number, 0, UINT32_MAX, &value);
        if (value > 100)
                return FAIL(s, "E0226", "%s is above 100%%", s->node->text);
        ret->number = (int64_t) value;
        return in_range(s, ret->number, "E0226");
}

static bool scalar_mode(const struct scalar *s, union hv_value *ret) {
        const char *p = s->node->text;
        int64_t value = 0;

        if (!s->node->quoted) {
                size_t digits = strspn(p, "01234567");
                bool octal = digits && !p[digits] && digits <= 4;

                return FAIL(s, "E0209", "write the mode as a quoted string: \"%s%s\"",
                            octal && *p != '0' ? "0" : "", octal ? p : "0400");
        }
        for (; *p >= '0' && *p <= '7' && value <= 0777; p++)
                value = value * 8 + (*p - '0');
        if (*p || value > 0777 || p == s->node->text)
                return FAIL(s, "E0209", "%s is not a file mode such as \"0400\"", shown(s));
        ret->number = value;
        return true;
}

static bool scalar_enum(const struct scalar *s, union hv_value *ret) {
        _hv_cleanup_(hv_buf_done) struct hv_buf names = {};
        struct hv_suggestion near = { .text = s->node->text };

        for (size_t i = 0; s->field->words[i]; i++) {
                if (hv_streq(s->node->text, s->field->words[i])) {
                        ret->number = (int64_t) i;
                        return true;
                }
                hv_suggestion_add(&near, s->field->words[i]);
                hv_buf_printf(&names, "%s%s", i ? ", " : "", s->field->words[i]);
        }
        if (!s->diags)
                return false;
        return near.best ? FAIL(s, s->field->code ? s->field->code : "E0207",
                                "%s is not one of: %s; did you mean \"%s\"?", shown(s), hv_buf_str(&names),
                                near.best)
                         : FAIL(s, s->field->code ? s->field->code : "E0207", "%s is not one of: %s",
                                shown(s), hv_buf_str(&names));
}

static const char *expectation(enum hv_field_type type) {
        switch (type) {
        case HV_FIELD_BOOL:
                return "true or false";
        case HV_FIELD_INT:
        case HV_FIELD_DECIMAL:
                return "a number";
        case HV_FIELD_CPU:
        case HV_FIELD_BYTES:
                return "a quantity";
        case HV_FIELD_DURATION:
                return "a duration";
        case HV_FIELD_PERCENT:
                return "a percentage";
        default:
                return "text";
        }
}

bool hv_schema_scalar(const struct hv_field *f, enum hv_field_type type, const struct hv_node *node,
                      struct hv_diags *d, union hv_value *ret) {
        struct scalar s = { f, node, d };

        if (node->type != HV_NODE_SCALAR)
                return FAIL(&s, "E0202", "expected %s, found %s", expectation(type), hv_node_describe(node));
        switch (type) {
        case HV_FIELD_BOOL:
                return scalar_bool(&s, ret);
        case HV_FIELD_INT:
                return scalar_int(&s, ret);
        case HV_FIELD_DECIMAL:
                return scalar_decimal(&s, ret);
        case HV_FIELD_CPU:
        case HV_FIELD_BYTES:
                return scalar_amount(&s, type, ret);
        case HV_FIELD_DURATION:
                return scalar_duration(&s, ret);
        case HV_FIELD_PERCENT:
                return scalar_percent(&s, ret);
        case HV_FIELD_MODE:
                return scalar_mode(&s, ret);
        case HV_FIELD_ENUM:
                return scalar_enum(&s, ret);
        default:
                ret->text = node->text;
                return true;
        }
}
