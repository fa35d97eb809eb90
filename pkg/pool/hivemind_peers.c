/* pool/hivemind_peers.c - see hivemind.h. Nothing in the dialect says who calls: an address is all there is to go by. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>

#include "base/alloc.h"
#include "base/vec.h"
#include "log/log.h"
#include "pool/hivemind.h"
#include "spec/value_net.h"

#define ADDRESSES_MAX 64 /* of one name */

struct lookup {
        struct hivemind_peers *peers; /* NULL: nobody wants to know any more */
        char *host;
        int error; /* of getaddrinfo(3) */
        struct hv_address addresses[ADDRESSES_MAX];
        size_t n;
};

struct hivemind_peers {
        const struct hv_pool_options *options;
        HV_VEC(struct hv_cidr) networks;
        HV_VEC(struct hv_address) addresses; /* of the pool's name */
        char *host;                          /* to be looked up; NULL: nothing is */
        struct lookup *lookup;               /* on its way */
};

static bool address_of(const struct sockaddr *sa, struct hv_address *ret) {
        *ret = (struct hv_address){ .is_v6 = sa->sa_family == AF_INET6 };
        if (sa->sa_family == AF_INET)
                memcpy(ret->bytes, &((const struct sockaddr_in *) sa)->sin_addr, 4);
        else if (sa->sa_family == AF_INET6)
                memcpy(ret->bytes, &((const struct sockaddr_in6 *) sa)->sin6_addr, 16);
        else
                return false;
        return true;
}

bool hivemind_peers_allow(const struct hivemind_peers *p, const struct sockaddr_storage *address) {
        struct hv_address a;

        if (!address_of((const struct sockaddr *) address, &a))
                return false;
        for (size_t i = 0; i < p->networks.n; i++)
                if (hv_cidr_contains(&p->networks.v[i], &a))
                        return true;
        for (size_t i = 0; i < p->addresses.n; i++)
                if (hv_address_equal(&p->addresses.v[i], &a))
                        return true;
        return false;
}

/* --- the pool's name --- */

static void run_lookup(void *data) {
        const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
        struct addrinfo *all = NULL;
        struct lookup *l = data;

        l->error = getaddrinfo(l->host, NULL, &hints, &all);
        for (const struct addrinfo *a = l->error ? NULL : all; a && l->n < ADDRESSES_MAX; a = a->ai_next)
                if (address_of(a->ai_addr, &l->addresses[l->n]))
                        l->n++;
        if (!l->error)
                freeaddrinfo(all);
}

static void end_lookup(void *data) {
        struct lookup *l = data;
        struct hivemind_peers *p = l->peers;

        if (p) {
                p->lookup = NULL;
                if (l->n)
                        hv_vec_clear(&p->addresses);
                else /* those that are known stay */
                        hv_log_debug("pool: %s cannot be looked up: %s", l->host, gai_strerror(l->error));
                for (size_t i = 0; i < l->n; i++)
                        hv_vec_push(&p->addresses, l->addresses[i]);
        }
        free(l->host);
        free(l);
}

void hivemind_peers_look(struct hivemind_peers *p) {
        if (!p->host || p->lookup)
                return;
        p->lookup = HV_NEW(struct lookup);
        p->lookup->peers = p;
        p->lookup->host = hv_strdup(p->host);
        p->options->backend->work(p->options->userdata, run_lookup, end_lookup, p->lookup);
}

/* --- the whole --- */

static int add_network(struct hivemind_peers *p, const char *text, struct hv_err *err) {
        struct hv_cidr c = {};

        if (hv_value_address(text, &c.address, NULL) == 0)
                c.bits = c.address.is_v6 ? 128 : 32;
        else if (hv_value_cidr(text, &c, NULL) < 0)
                return hv_err_set(err, -EINVAL, "peers: %s is neither an address nor a network", text);
        hv_vec_push(&p->networks, c);
        return 0;
}

static int add_pool(struct hivemind_peers *p, struct hv_err *err) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        struct hv_endpoint e;

        if (hv_value_endpoint(p->options->address, "E0501", arena, &e, NULL) < 0)
                return hv_err_set(err, -EINVAL, "%s is not host:port", p->options->address);
        if (e.is_address)
                hv_vec_push(&p->addresses, e.address);
        else
                p->host = hv_strdup(e.host);
        return 0;
}

int hivemind_peers_new(const struct hv_pool_options *options, struct hivemind_peers **ret,
                       struct hv_err *err) {
        struct hivemind_peers *p = HV_NEW(struct hivemind_peers);
        int r = 0;

        p->options = options;
        for (size_t i = 0; i < options->n_peers && r == 0; i++)
                r = add_network(p, options->peers[i], err);
        if (r == 0 && options->n_peers == 0)
                r = add_pool(p, err);
        if (r < 0) {
                hivemind_peers_free(p);
                return r;
        }
        *ret = p;
        return 0;
}

struct hivemind_peers *hivemind_peers_free(struct hivemind_peers *p) {
        if (!p)
                return NULL;
        if (p->lookup)
                p->lookup->peers = NULL;
        hv_vec_done(&p->networks);
        hv_vec_done(&p->addresses);
        free(p->host);
        free(p);
        return NULL;
}
