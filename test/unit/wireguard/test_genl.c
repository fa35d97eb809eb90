/* Messages to and from the kernel's WireGuard, byte by byte as the kernel of Debian 12 takes and sends them (test/vm shows that it does),
 * and what goes over the size of one. */
#include "testing.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>

#include "base/buf.h"
#include "made.h"
#include "wireguard/effect.h"
#include "wireguard/genl_message.h"
#include "wireguard/netlink.h"

#define FAMILY 0x22

/* What was sent, each message copied. */
struct sent {
        struct nlmsghdr *v[64];
        size_t n;
        size_t fails_at; /* 1: the first; 0: none */
};

static int keep(struct nlmsghdr *m, void *userdata, struct hv_err *err) {
        struct sent *s = userdata;

        assert_true(m->nlmsg_len <= HV_WG_MESSAGE_SIZE);
        if (s->fails_at && s->n + 1 == s->fails_at)
                return hv_err_set(err, -ENODEV, "gone");
        s->v[s->n] = malloc(m->nlmsg_len);
        memcpy(s->v[s->n++], m, m->nlmsg_len);
        return 0;
}

static void sent_done(struct sent *s) {
        for (size_t i = 0; i < s->n; i++)
                free(s->v[i]);
        s->n = 0;
}

static int set(const char *want_text, const char *seen_text, struct sent *sent, struct hv_err *err) {
        void *buffer = malloc(HV_WG_MESSAGE_SIZE);
        const struct hv_wg_genl_set to = { buffer, FAMILY, "wg0", keep, sent };
        struct hv_wg_interface want, seen;
        struct hv_wg_plan plan;
        int r;

        made(want_text, &want);
        made(seen_text, &seen);
        hv_wg_diff(&want, &seen, &plan);
        r = hv_wg_genl_set(&to, plan.steps.v, plan.steps.n, err);
        hv_wg_plan_done(&plan);
        hv_wg_interface_done(&want);
        hv_wg_interface_done(&seen);
        free(buffer);
        return r;
}

/* Attributes as text: type(payload), nested ones in brackets. Payloads of one repeated byte are shown as such. */
static void show(struct hv_buf *b, const struct nlattr *a) {
        const unsigned char *data = mnl_attr_get_payload(a);
        size_t n = mnl_attr_get_payload_len(a);
        const struct nlattr *inner;

        hv_buf_printf(b, " %u", mnl_attr_get_type(a));
        if (a->nla_type & NLA_F_NESTED) {
                hv_buf_puts(b, "[");
                mnl_attr_for_each_nested(inner, a) {
                        show(b, inner);
                }
                hv_buf_puts(b, " ]");
                return;
        }
        hv_buf_puts(b, "=");
        if (n == HV_WG_KEY_SIZE)
                hv_buf_printf(b, "%02x*%zu", data[0], n);
        else
                for (size_t i = 0; i < n; i++)
                        hv_buf_printf(b, "%02x", data[i]);
}

static char *shown(const struct sent *s) {
        struct hv_buf b = {};
        const struct nlattr *a;

        for (size_t i = 0; i < s->n; i++) {
                const struct genlmsghdr *g = mnl_nlmsg_get_payload(s->v[i]);

                hv_buf_printf(&b, "%s%x/%u/%u", i ? " | " : "", s->v[i]->nlmsg_type, g->cmd, g->version);
                mnl_attr_for_each(a, s->v[i], sizeof *g) {
                        show(&b, a);
                }
        }
        return hv_buf_steal(&b);
}

/* 2 name, 3 private key, 6 port, 7 mark, 8 peers; of a peer: 1 key, 2 preshared key, 3 flags (1 remove, 4 update only), 4 endpoint,
 * 5 keepalive, 9 networks; of a network: 1 family, 2 address, 3 length. */
static void messages(void **state) {
        static const struct {
                const char *what, *want, *seen, *messages;
        } rows[] = {
                { "a device", "key=k port=51820 mark=7", "", "22/1/1 2=77673000 3=6b*32 6=6cca 7=07000000" },
                { "a new peer", "a@192.0.2.1:5 a+25 a*k a:10.1.0.0/16,fd00::/64", "",
                  "22/1/1 2=77673000 8[ 0[ 1=61*32 2=6b*32 4=02000005c00002010000000000000000 5=1900 "
                  "9[ 0[ 1=0200 2=0a010000 3=10 ] 0[ 1=0a00 2=fd000000000000000000000000000000 3=40 ] ] ] ]" },
                { "a link-local endpoint", "a@[fe80::1%3]:5", "a:",
                  "22/1/1 2=77673000 8[ 0[ 1=61*32 3=04000000 "
                  "4=0a00000500000000fe80000000000000000000000000000103000000 ] ]" },
                { "a preshared key that goes", "a:", "a*k",
                  "22/1/1 2=77673000 8[ 0[ 1=61*32 3=04000000 2=00*32 ] ]" },
                { "networks that nobody wants", "a:", "a:10.1.0.0/16",
                  "22/1/1 2=77673000 8[ 0[ 1=1a*32 9[ 0[ 1=0200 2=0a010000 3=10 ] ] ] 0[ 1=1a*32 3=01000000 ] ]" },
                { "a device and peers", "key=k b+1",
                  "a:", "22/1/1 2=77673000 3=6b*32 8[ 0[ 1=62*32 5=0100 ] 0[ 1=61*32 3=01000000 ] ]" },
        };

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                _hv_cleanup_free_ char *text = NULL;
                struct sent sent = {};
                struct hv_err err = {};

                assert_int_equal(set(rows[i].want, rows[i].seen, &sent, &err), 0);
                text = shown(&sent);
                if (strcmp(text, rows[i].messages) != 0)
                        fail_msg("%s:\n is %s\nnot %s", rows[i].what, text, rows[i].messages);
                sent_done(&sent);
        }
}

/* A peer with so many networks that it takes several messages, read back as a dump that goes on in the next one. */
static void several_messages(void **state) {
        struct hv_buf text = {};
        struct hv_wg_interface back = {};
        struct sent sent = {};
        struct hv_err err = {};

        (void) state;
        hv_buf_puts(&text, "key=k b+1 a+25 a:");
        for (unsigned i = 0; i < 1500; i++)
                hv_buf_printf(&text, "%s10.%u.%u.0/24", i ? "," : "", i / 250, i % 250);
        hv_buf_puts(&text, " c+2");
        assert_int_equal(set(hv_buf_str(&text), "", &sent, &err), 0);
        assert_true(sent.n >= 3);
        for (size_t i = 0; i < sent.n; i++) {
                const struct nlattr *a;
                unsigned flags = 0;

                assert_int_equal(hv_wg_genl_read_device(sent.v[i], &back, &err), 0);
                mnl_attr_for_each(a, sent.v[i], sizeof(struct genlmsghdr)) {
                        const struct nlattr *peer, *inner;

                        if (mnl_attr_get_type(a) != WGDEVICE_A_PEERS)
                                continue;
                        peer = mnl_attr_get_payload(a); /* the first of the message */
                        mnl_attr_for_each_nested(inner, peer) {
                                if (mnl_attr_get_type(inner) == WGPEER_A_FLAGS)
                                        flags = mnl_attr_get_u32(inner);
                        }
                }
                assert_int_equal(flags, i ? WGPEER_F_UPDATE_ONLY : 0); /* what goes on makes no peer */
        }
        assert_int_equal(back.peers.n, 3);
        assert_int_equal(back.peers.v[0].keepalive_s, 1);
        assert_int_equal(back.peers.v[1].networks.n, 1500);
        assert_int_equal(back.peers.v[1].keepalive_s, 25);
        assert_int_equal(back.peers.v[2].keepalive_s, 2);
        assert_true(hv_wg_seal_is_set(&back.private_seal));
        hv_wg_interface_done(&back);
        sent_done(&sent);

        sent.fails_at = 2; /* nothing is sent behind a fault */
        assert_int_equal(set(hv_buf_str(&text), "", &sent, &err), -ENODEV);
        assert_int_equal(sent.n, 1);
        sent_done(&sent);
        hv_buf_done(&text);
}

static void put_peer(struct nlmsghdr *m, char letter, size_t key_size) {
        struct nlattr *peers = mnl_attr_nest_start(m, WGDEVICE_A_PEERS), *peer = mnl_attr_nest_start(m, 0);
        char key[64];

        memset(key, letter, sizeof key);
        mnl_attr_put(m, WGPEER_A_PUBLIC_KEY, key_size, key);
        mnl_attr_nest_end(m, peer);
        mnl_attr_nest_end(m, peers);
}

static void malformed(void **state) {
        static const struct {
                uint16_t type;
                size_t size;
        } rows[] = {
                { WGDEVICE_A_PRIVATE_KEY, 31 }, { WGDEVICE_A_PRIVATE_KEY, 33 }, { WGDEVICE_A_LISTEN_PORT, 1 },
                { WGDEVICE_A_FWMARK, 3 },       { WGDEVICE_A_FWMARK, 0 },
        };
        void *buffer = malloc(HV_WG_MESSAGE_SIZE);
        struct hv_wg_interface into = {};
        struct hv_err err = {};

        (void) state;
        for (size_t i = 0; i < HV_ARRAY_SIZE(rows); i++) {
                struct nlmsghdr *m = hv_wg_genl_ask_device(buffer, FAMILY, "wg0");

                mnl_attr_put(m, rows[i].type, rows[i].size,
                             "0123456789abcdef0123456789abcdef0123456789abcdef");
                assert_int_equal(hv_wg_genl_read_device(m, &into, &err), -EBADMSG);
        }
        for (size_t size = 0; size < 64; size += 31) {
                struct nlmsghdr *m = hv_wg_genl_ask_device(buffer, FAMILY, "wg0");

                put_peer(m, 'a', size);
                assert_int_equal(hv_wg_genl_read_device(m, &into, &err), -EBADMSG);
        }
        assert_int_equal(into.peers.n, 0);
        free(buffer);
        hv_wg_interface_done(&into);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(messages),
                cmocka_unit_test(several_messages),
                cmocka_unit_test(malformed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
