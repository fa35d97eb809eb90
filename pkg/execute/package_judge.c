/* execute/package_judge.c - see package_judge.h. */
#include "execute/package_judge.h"

#include "base/buf.h"
#include "base/quantity.h"
#include "base/text.h"

#define MAX_LINES 3u
#define MAX_LINE 300u
#define KILLED 137 /* 128 + SIGKILL: nobody here did that */

static bool says_any(const char *log, const char *const *signs) {
        for (; *signs; signs++)
                if (strcasestr(log, *signs))
                        return true;
        return false;
}

static bool is_unreachable(const char *log) {
        static const char *const signs[] = {
                "after connection broken by",
                "NewConnectionError",
                "Max retries exceeded",
                "Read timed out",
                "Connection timed out",
                "Connection reset",
                "Temporary failure in name resolution",
                "ProxyError",
                "SSLError",
                "IncompleteRead",
                "Connection aborted",
                NULL,
        };

        return says_any(log, signs);
}

static bool is_full(const char *log) {
        static const char *const signs[] = { "No space left on device", "Disk quota exceeded", NULL };

        return says_any(log, signs);
}

/* One line for people: what a terminal might act on is left out. */
static void add_line(struct hv_buf *b, const char *line, size_t len) {
        size_t begin = b->len;

        for (size_t at = 0; at < len && b->len - begin < MAX_LINE;) {
                struct hv_character c = hv_text_character(line + at, len - at);

                if (c.is_valid && c.is_shown)
                        hv_buf_add(b, line + at, c.len);
                else
                        hv_buf_putc(b, c.code == '\t' ? ' ' : '?');
                at += c.len;
        }
}

/* The last lines that begin with `prefix`, in their order, without it. False: there are none. */
static bool add_last_lines(struct hv_buf *b, const char *log, const char *prefix) {
        const char *lines[MAX_LINES];
        size_t n = 0;

        for (const char *p = log; *p; p += strcspn(p, "\n"), p += *p == '\n') {
                if (!hv_has_prefix(p, prefix) || *p == '\n' || *p == '\r')
                        continue;
                if (n == MAX_LINES) {
                        memmove(lines, lines + 1, (MAX_LINES - 1) * sizeof *lines);
                        n--;
                }
                lines[n++] = p;
        }
        if (!*prefix && n > 1) /* any line: the last one says most */
                lines[0] = lines[n - 1], n = 1;
        for (size_t i = 0; i < n; i++) {
                const char *text = lines[i] + strlen(prefix);

                hv_buf_puts(b, i ? "; " : "");
                add_line(b, text, strcspn(text, "\r\n"));
        }
        return n > 0;
}

static void add_words(struct hv_buf *b, const char *log) {
        if (!add_last_lines(b, log, "ERROR: ") && !add_last_lines(b, log, ""))
                hv_buf_puts(b, "it said nothing");
}

/* "... connection broken by 'NewConnectionError('<...0x7f...>: Failed ...: [Errno 111] Connection refused')': /simple/x/": what is
 * between the last colon inside of the brackets and their end. */
static void add_why_unreachable(struct hv_buf *b, const char *log) {
        static const char sign[] = "connection broken by ";
        const char *last = NULL, *end, *begin;

        for (const char *p = log; (p = strstr(p, sign)); p += strlen(sign))
                last = p + strlen(sign);
        end = last ? strstr(last, "')") : NULL;
        if (!end || end > last + strcspn(last, "\n")) {
                add_words(b, log);
                return;
        }
        for (begin = end; begin > last && begin[-1] != ':' && begin[-1] != '('; begin--)
                ;
        begin += strspn(begin, " '\"");
        add_line(b, begin, (size_t) (end - begin));
}

static enum hv_outcome no_python(const char *image, struct hv_buf *ret_message) {
        hv_buf_printf(
                ret_message,
                "the image %s has no program \"python\", which would install its packages: take one that has, or "
                "one that has the packages and write requirements: []",
                image);
        return HV_OUTCOME_REFUSED;
}

enum hv_outcome hv_package_judge(const struct hv_package_end *end, struct hv_buf *ret_message) {
        if (strstr(end->log, "No module named pip")) {
                hv_buf_printf(
                        ret_message,
                        "the image %s has no pip: take one that has, or one that has the packages and write "
                        "requirements: []",
                        end->image);
                return HV_OUTCOME_REFUSED;
        }
        if (strstr(end->log, "exec python failed")) /* the engine's init, which started in its place */
                return no_python(end->image, ret_message);
        if (end->oom_killed) {
                char text[HV_QUANTITY_SIZE];

                hv_quantity_format_bytes(end->memory_bytes, text);
                hv_buf_printf(ret_message,
                              "its packages cannot be installed: pip ran out of the task's memory (%s)",
                              text);
                return HV_OUTCOME_REFUSED;
        }
        if (is_unreachable(end->log)) {
                hv_buf_puts(ret_message, "the index of packages cannot be reached: ");
                add_why_unreachable(ret_message, end->log);
                return HV_OUTCOME_FAILED;
        }
        hv_buf_puts(ret_message, is_full(end->log) ? "no room to install packages: "
                                                   : "its packages cannot be installed: ");
        add_words(ret_message, end->log);
        return is_full(end->log) || end->exit_code == KILLED ? HV_OUTCOME_FAILED : HV_OUTCOME_REFUSED;
}

enum hv_outcome hv_package_judge_start(const char *image, const char *words, struct hv_buf *ret_message) {
        if (strcasestr(words, "executable file") || strcasestr(words, "no such file"))
                return no_python(image, ret_message);
        hv_buf_printf(ret_message, "the container that installs its packages cannot be started: %s", words);
        return HV_OUTCOME_FAILED;
}
