/*
 * errors: what to do about each kind of error reply, one row each.
 *
 * A row may say "again" only where Redis promises that nothing was executed. READONLY and the authentication errors
 * drop the link because the name may lead to another server by now, and because a new connection authenticates anew.
 */
#include "errors.h"

static const sl_reply_error_t rows[] = {
    {"NOSCRIPT", SL_REMEDY_EVAL, "redis: does not keep our scripts"},
    {"LOADING", SL_REMEDY_REST, "redis: still loading its data"},
    {"BUSY", SL_REMEDY_REST, "redis: busy with somebody's script"},
    {"MASTERDOWN", SL_REMEDY_RETRY, "redis: a replica without its master"},
    {"NOREPLICAS", SL_REMEDY_RETRY, "redis: too few replicas to take writes"},
    {"TRYAGAIN", SL_REMEDY_RETRY, "redis: keys are moving"},
    {"CLUSTERDOWN", SL_REMEDY_RETRY, "redis: the cluster is down"},
    {"READONLY", SL_REMEDY_DROP, "redis: a replica, takes no writes"},
    {"NOAUTH", SL_REMEDY_DROP, "redis: wants a password"},
    {"WRONGPASS", SL_REMEDY_DROP, "redis: wrong user or password"},
    {"NOPERM", SL_REMEDY_FAIL, "redis: our user lacks a permission"},
    {"OOM", SL_REMEDY_FAIL, "redis: out of memory"},
    {"MISCONF", SL_REMEDY_FAIL, "redis: cannot write to its disk"},
    {"WRONGTYPE", SL_REMEDY_FAIL, "redis: a key holds another type than it should"},
    {"MOVED", SL_REMEDY_FAIL, "redis: a cluster node, the configuration names a single server"},
    {"ASK", SL_REMEDY_FAIL, "redis: a cluster node, the configuration names a single server"},
};
static const sl_reply_error_t any_other = {"ERR", SL_REMEDY_FAIL, "redis: refused the command"};

const sl_reply_error_t *sl_reply_error_find(h2o_iovec_t reply)
{
    size_t len = 0;

    while (len != reply.len && reply.base[len] != ' ')
        ++len;
    for (size_t i = 0; i != sizeof(rows) / sizeof(rows[0]); ++i) {
        if (sl_bytes_equal(sl_bytes(reply.base, len), sl_bytes_of(rows[i].code)))
            return rows + i;
    }
    return &any_other;
}
