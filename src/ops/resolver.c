/*
 * resolver: every name each 5 s, one that has failed each second. The list of names belongs to the thread; a new one is
 * handed over under a lock that is never held while a name is asked for.
 */
#include "resolver.h"
#include "sluice/clock.h"
#include "sluice/log.h"
#include "sluice/resolve.h"
#include <h2o.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define REFRESH_US 5000000
#define RETRY_US 1000000
#define TICK_MS 250
#define PATIENCE_MS 200 /* at the end */

typedef struct name_t {
    char *host;
    uint16_t port;
    int slot;
    bool has_failed; /* said once, not each second */
    uint64_t due_us;
} name_t;

typedef struct name_list_t {
    name_t *names;
    size_t count;
} name_list_t;

static sl_shared_t *segment;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news; /* on the monotonic clock */
static pthread_t thread;
static bool has_thread;
/* both guarded by the lock */
static name_list_t *handed_over; /* NULL: nothing new */
static bool is_over;

static name_list_t *list_names(const sl_config_t *config)
{
    name_list_t *list = h2o_mem_alloc(sizeof *list);
    size_t instances = 0;
    for (size_t i = 0; i != config->service_count; ++i)
        instances += config->services[i].instance_count;
    *list = (name_list_t){.names = h2o_mem_alloc(sizeof(name_t) * (instances + 1))};
    for (size_t i = 0; i != config->service_count; ++i)
        for (size_t j = 0; j != config->services[i].instance_count; ++j) {
            const sl_instance_t *instance = &config->services[i].instances[j];
            if (instance->host != NULL)
                list->names[list->count++] = (name_t){.host = h2o_strdup(NULL, instance->host, SIZE_MAX).base,
                                                      .port = instance->port,
                                                      .slot = instance->slot};
        }
    return list;
}

static void free_list(name_list_t *list)
{
    if (list == NULL)
        return;
    for (size_t i = 0; i != list->count; ++i)
        free(list->names[i].host);
    free(list->names);
    free(list);
}

static struct timespec in_ms(clockid_t clock, long ms)
{
    struct timespec when;
    clock_gettime(clock, &when);
    when.tv_nsec += ms * 1000000;
    when.tv_sec += when.tv_nsec / 1000000000;
    when.tv_nsec %= 1000000000;
    return when;
}

/* Waits a tick, or for news; takes a new list in place of `list`. NULL when all is over. */
static name_list_t *next_list(name_list_t *list)
{
    struct timespec tick_over = in_ms(CLOCK_MONOTONIC, TICK_MS);
    name_list_t *old = NULL;
    pthread_mutex_lock(&lock);
    while (!is_over && handed_over == NULL && pthread_cond_timedwait(&news, &lock, &tick_over) == 0)
        ;
    if (is_over || handed_over != NULL) {
        old = list;
        list = is_over ? NULL : handed_over;
        handed_over = is_over ? handed_over : NULL;
    }
    pthread_mutex_unlock(&lock);
    free_list(old);
    return list;
}

static void ask(name_t *name)
{
    const char *error = sl_resolve(name->host, name->port, &segment->addresses[name->slot]);
    if (error != NULL && !name->has_failed)
        sl_log(SL_LOG_WARN, "unresolved", "%s: %s; asking each second", name->host, error);
    if (error == NULL && name->has_failed)
        sl_log(SL_LOG_INFO, "resolved", "%s has an address again", name->host);
    name->has_failed = error != NULL;
    name->due_us = sl_clock_us() + (error != NULL ? RETRY_US : REFRESH_US);
}

static void *live(void *first)
{
    for (name_list_t *list = first; list != NULL; list = next_list(list))
        for (size_t i = 0; i != list->count; ++i)
            if (list->names[i].due_us <= sl_clock_us())
                ask(&list->names[i]);
    return NULL;
}

void sl_resolver_start(sl_shared_t *shared, const sl_config_t *config)
{
    pthread_condattr_t monotonic;
    sigset_t all, before;
    segment = shared;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&news, &monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int failure = pthread_create(&thread, NULL, live, list_names(config));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    has_thread = failure == 0;
    if (!has_thread)
        sl_log(SL_LOG_ERROR, "resolver_failed", "no thread to resolve names: %s", strerror(failure));
}

void sl_resolver_change(const sl_config_t *config)
{
    pthread_mutex_lock(&lock);
    name_list_t *unseen = handed_over;
    handed_over = list_names(config);
    pthread_cond_signal(&news);
    pthread_mutex_unlock(&lock);
    free_list(unseen);
}

bool sl_resolver_stop(void)
{
    struct timespec patience_over = in_ms(CLOCK_REALTIME, PATIENCE_MS);
    pthread_mutex_lock(&lock);
    is_over = true;
    pthread_cond_signal(&news);
    pthread_mutex_unlock(&lock);
    if (has_thread && pthread_timedjoin_np(thread, NULL, &patience_over) != 0)
        return false;
    free_list(handed_over);
    return true;
}
