#include "cli/scrub.h"

#include <ctype.h>
#include <strings.h>

#define PEM_BEGIN "-----BEGIN "
#define PEM_PRIVATE "PRIVATE KEY-----"

static bool is_name_character(char c) {
        return isalnum((unsigned char) c) || c == '_' || c == '-';
}

/* "DB_PASSWORD", "--api-key", "privateKey"; not "publicKey". */
static bool speaks_of_a_secret(const char *name, size_t len) {
        static const char *const words[] = { "password",     "passwd",     "passphrase",   "token",
                                             "secret",       "credential", "apikey",       "privatekey",
                                             "presharedkey", "accesskey",  "authorization" };
        char plain[80];
        size_t n = 0;

        for (size_t i = 0; i < len && n + 1 < sizeof plain; i++)
                if (isalnum((unsigned char) name[i]))
                        plain[n++] = (char) tolower((unsigned char) name[i]);
        plain[n] = '\0';
        for (size_t i = 0; i < HV_ARRAY_SIZE(words); i++)
                if (strstr(plain, words[i]))
                        return true;
        return false;
}

/* `://user:password@`: how long the part before the @ is; 0: there is none. */
static size_t userinfo(const char *p) {
        size_t n = strcspn(p, "@/?#\"' \t\r\n");

        return p[n] == '@' ? n : 0;
}

static size_t private_key(const char *p) {
        const char *line_end = p + strcspn(p, "\n\\"), *end;

        if (!hv_has_prefix(p, PEM_BEGIN))
                return 0;
        end = strstr(p, PEM_PRIVATE);
        if (!end || end > line_end)
                return 0;
        end = strstr(end + strlen(PEM_PRIVATE), PEM_PRIVATE);
        return end ? (size_t) (end - p) + strlen(PEM_PRIVATE) : strlen(p);
}

/* The value behind a name: what leads to it (quotes, colon, equals, blanks), and its own length. A JSON list or object is gone into. */
static size_t value(const char *p, size_t *ret_len) {
        size_t lead = 0, n = 0;
        char quote = '\0';

        if (*p == '"' || *p == '\'')
                lead++;
        lead += strspn(p + lead, " \t");
        if (!p[lead] || !strchr("=:", p[lead]))
                return 0;
        lead++;
        lead += strspn(p + lead, " \t");
        if (p[lead] == '"' || p[lead] == '\'')
                quote = p[lead++];
        if (quote)
                while (p[lead + n] && p[lead + n] != quote && p[lead + n] != '\n')
                        n += p[lead + n] == '\\' && p[lead + n + 1] ? 2 : 1;
        else
                n = strcspn(p + lead, strchr("[{", p[lead]) ? "[{" : "\"',;& \t\r\n}])");
        *ret_len = n;
        return n > 0 ? lead : 0;
}

static size_t scheme(const char *p) {
        static const char *const schemes[] = { "Bearer ", "Basic " };

        for (size_t i = 0; i < HV_ARRAY_SIZE(schemes); i++)
                if (strncasecmp(p, schemes[i], strlen(schemes[i])) == 0)
                        return strlen(schemes[i]);
        return 0;
}

/* At the beginning of a word: takes name and value, or nothing. */
static const char *take_word(const char *p, size_t len, struct hv_buf *ret) {
        size_t n, lead = scheme(p);

        if (lead > 0) {
                n = strcspn(p + lead, "\"', \t\r\n");
                hv_buf_add(ret, p, lead);
                hv_buf_puts(ret, n > 0 ? HV_SCRUBBED : "");
                return p + lead + n;
        }
        hv_buf_add(ret, p, len);
        p += len;
        if (!speaks_of_a_secret(p - len, len))
                return p;
        lead = value(p, &n);
        if (lead == 0 && *p == ' ' && p[-(ptrdiff_t) len] == '-') { /* --token x */
                lead = strspn(p, " ");
                n = strcspn(p + lead, "\"', \t\r\n");
        }
        if (lead == 0 || n == 0 || hv_has_prefix(p + lead, "null"))
                return p;
        hv_buf_add(ret, p, lead);
        hv_buf_puts(ret, HV_SCRUBBED);
        /* "Authorization: Bearer x": all of it. */
        if (scheme(p + lead) == n + 1)
                n += 1 + strcspn(p + lead + n + 1, "\"', \t\r\n");
        return p + lead + n;
}

void hv_scrub(const char *text, struct hv_buf *ret) {
        for (const char *p = text; *p;) {
                size_t n = private_key(p);

                if (n > 0) {
                        hv_buf_puts(ret, HV_SCRUBBED);
                        p += n;
                } else if (hv_has_prefix(p, "://")) {
                        hv_buf_puts(ret, "://");
                        p += 3;
                        n = userinfo(p);
                        if (n > 0)
                                hv_buf_puts(ret, HV_SCRUBBED);
                        p += n;
                } else if (is_name_character(*p)) {
                        while (is_name_character(p[n]))
                                n++;
                        p = hv_has_prefix(p, PEM_BEGIN) ? (hv_buf_puts(ret, "-----"), p + 5)
                                                        : take_word(p, n, ret);
                } else
                        hv_buf_putc(ret, *p++);
        }
}
