/*
 * snapshot: how a configuration comes into force, at the start and on HUP.
 *
 * Everything that can fail is done before anything changes: reading and checking, the question whether a reload can do
 * it at all, binding the new addresses. Then names get their slots, the children are told, and addresses that are gone
 * are closed. A file that fails anywhere changes nothing and is said loudly.
 */
#include "sluice/clock.h"
#include "sluice/log.h"
#include "sluice/resolve.h"
#include "supervisor.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define RESOLVE_PATIENCE_US 2000000 /* the resolver of the ops process goes on with what is left */

static size_t count_cpus(void)
{
    cpu_set_t cpus;
    return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? (size_t)CPU_COUNT(&cpus) : 1;
}

static size_t count_workers(const sl_config_t *config)
{
    size_t workers = config->workers != 0 ? config->workers : count_cpus();
    return workers <= SL_MAX_WORKERS ? workers : SL_MAX_WORKERS;
}

/* Names as fresh as one look gives them. Blocking is fine here, but not for long: TERM waits meanwhile. */
static void resolve_instances(sl_supervisor_t *supervisor, const sl_config_t *config)
{
    uint64_t give_up_us = sl_clock_us() + RESOLVE_PATIENCE_US;
    for (size_t i = 0; i != config->service_count; ++i) {
        for (size_t j = 0; j != config->services[i].instance_count; ++j) {
            const sl_instance_t *instance = &config->services[i].instances[j];
            if (instance->host == NULL || sl_clock_us() > give_up_us)
                continue;
            const char *error =
                sl_resolve(instance->host, instance->port, &supervisor->shared->addresses[instance->slot]);
            if (error != NULL)
                sl_log(SL_LOG_WARN, "unresolved", "%s: %s", instance->url, error);
        }
    }
}

static void enter_names(sl_supervisor_t *supervisor, sl_config_t *config, uint64_t generation)
{
    sl_shared_t *shared = supervisor->shared;
    config->generation = generation;
    sl_config_bind(config, shared, true);
    resolve_instances(supervisor, config);
    sl_number_set(&shared->config_hash, config->text_hash);
    sl_number_set(&shared->generation, generation);
}

/* One line of the log for each, so that none is cut. */
static void log_lines(sl_log_level_t level, const char *event, const sl_text_t *lines)
{
    for (const char *line = lines->base; line != NULL && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        sl_log(level, event, "%.*s", (int)len, line);
        line += line[len] == '\n' ? len + 1 : len;
    }
}

static bool fail_start(const char *reason)
{
    fprintf(stderr, "%s\n", reason);
    return false;
}

static bool bind_first(sl_supervisor_t *supervisor)
{
    const sl_config_t *config = supervisor->config;
    sl_text_t error = {0};
    supervisor->bound = h2o_mem_alloc(sizeof(sl_bound_t) * (config->listen_count + 1));
    for (size_t i = 0; i != config->listen_count; ++i) {
        if (!sl_bound_open(&supervisor->bound[i], &config->listens[i], supervisor->workers, &error))
            break;
        ++supervisor->bound_count;
    }
    if (error.size == 0 && config->ops.text != NULL)
        sl_bound_open(&supervisor->ops_bound, &config->ops, 1, &error);
    if (error.size == 0 && config->redis.kind == SL_REDIS_EMBEDDED)
        supervisor->redis_lock = sl_redis_prepare(&config->redis, &error);
    bool is_well = error.size == 0 || fail_start(error.base);
    sl_text_dispose(&error);
    return is_well;
}

bool sl_snapshot_first(sl_supervisor_t *supervisor)
{
    sl_config_errors_t errors = {0};
    supervisor->config = sl_config_read_file(supervisor->config_path, NULL, &errors);
    if (supervisor->config == NULL) {
        fail_start(errors.text.base);
        sl_config_errors_dispose(&errors);
        return false;
    }
    sl_log_set_level((sl_log_level_t)supervisor->config->log.level);
    log_lines(SL_LOG_WARN, "config_warning", &errors.warnings);
    sl_config_errors_dispose(&errors);
    supervisor->workers = count_workers(supervisor->config);
    sl_number_set(&supervisor->shared->workers, supervisor->workers);
    if (!bind_first(supervisor))
        return false;
    enter_names(supervisor, supervisor->config, 1);
    return true;
}

/* --- reload --- */

/* Names that are gone keep their rows, so a node can see too many in its life; it must never send to whoever else has
 * found no row. */
static bool finds_room(sl_supervisor_t *supervisor, sl_config_t *config)
{
    sl_config_bind(config, supervisor->shared, true);
    const sl_instance_t *homeless = sl_config_homeless(config);
    if (homeless != NULL)
        sl_log(SL_LOG_ERROR, "reload_failed",
               "there is no room for instance '%s': this node has had %d of them, and only a restart forgets any",
               homeless->url, SL_MAX_INSTANCES - 1);
    return homeless == NULL;
}

static sl_config_t *read_next(sl_supervisor_t *supervisor, sl_text_t *yaml)
{
    sl_config_errors_t errors = {0};
    sl_config_t *config = sl_config_read_file(supervisor->config_path, yaml, &errors);
    const char *obstacle = config != NULL ? sl_config_reload_obstacle(supervisor->config, config) : NULL;
    log_lines(SL_LOG_ERROR, "reload_failed", &errors.text);
    log_lines(SL_LOG_WARN, "config_warning", &errors.warnings);
    sl_config_errors_dispose(&errors);
    if (config == NULL)
        return NULL;
    if (obstacle != NULL)
        sl_log(SL_LOG_ERROR, "reload_failed", "'%s' has changed: only a restart can apply that", obstacle);
    else if (finds_room(supervisor, config))
        return config;
    sl_config_release(config);
    return NULL;
}

static sl_bound_t *find_bound(sl_supervisor_t *supervisor, const char *text)
{
    for (size_t i = 0; i != supervisor->bound_count; ++i)
        if (supervisor->bound[i].text != NULL && strcmp(supervisor->bound[i].text, text) == 0)
            return &supervisor->bound[i];
    return NULL;
}

/* The new set of sockets: old ones are moved over, new ones opened and marked. */
typedef struct bindings_t {
    sl_bound_t *bound;
    bool *is_new;
    size_t count;
} bindings_t;

static void free_bindings(bindings_t *bindings)
{
    free(bindings->bound);
    free(bindings->is_new);
}

static bool is_any(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
    return address->ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

static in_port_t port_of(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET)
        return ((const struct sockaddr_in *)address)->sin_port;
    return address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port : 0;
}

/* Old sockets stay open until the new ones are there, or a request would find nobody; so *:80 is in the way of
 * 127.0.0.1:80, although it is to go. */
static void blame_own(const sl_config_t *old, const sl_listen_t *wanted, sl_text_t *error)
{
    for (size_t i = 0; i != old->listen_count; ++i) {
        const sl_listen_t *present = &old->listens[i];
        if (port_of(&wanted->address) != 0 && port_of(&present->address) == port_of(&wanted->address) &&
            (is_any(&present->address) || is_any(&wanted->address))) {
            sl_text_format(error, " (this node itself listens on %s: only a restart can change one into the other)",
                           present->text);
            return;
        }
    }
}

/* False when an address cannot be listened on; then everything is as it was. */
static bool open_bindings(sl_supervisor_t *supervisor, const sl_config_t *config, bindings_t *bindings)
{
    sl_text_t error = {0};
    size_t new_count = 0;
    bindings->bound = h2o_mem_alloc(sizeof(sl_bound_t) * (config->listen_count + 1));
    bindings->is_new = h2o_mem_alloc(sizeof(bool) * (config->listen_count + 1));
    for (; bindings->count != config->listen_count && error.size == 0; ++bindings->count) {
        size_t i = bindings->count;
        const sl_bound_t *present = find_bound(supervisor, config->listens[i].text);
        bindings->is_new[i] = present == NULL;
        if (present != NULL)
            bindings->bound[i] = *present;
        else if (++new_count >= SL_MESSAGE_FDS)
            sl_text_format(&error, "more than %d new addresses in one reload", SL_MESSAGE_FDS - 1);
        else if (!sl_bound_open(&bindings->bound[i], &config->listens[i], supervisor->workers, &error))
            blame_own(supervisor->config, &config->listens[i], &error);
    }
    if (error.size == 0)
        return true;

    sl_log(SL_LOG_ERROR, "reload_failed", "%s", error.base);
    for (size_t i = 0; i + 1 < bindings->count; ++i) /* the last one did not open */
        if (bindings->is_new[i])
            sl_bound_close(&bindings->bound[i], true);
    sl_text_dispose(&error);
    return false;
}

/* Removed addresses close here first, so that a worker's copy is the last and finds everything that was queued. */
static void take_over_bindings(sl_supervisor_t *supervisor, bindings_t *bindings)
{
    for (size_t i = 0; i != bindings->count; ++i) {
        sl_bound_t *present = bindings->is_new[i] ? NULL : find_bound(supervisor, bindings->bound[i].text);
        if (present != NULL)
            *present = (sl_bound_t){0}; /* moved */
    }
    for (size_t i = 0; i != supervisor->bound_count; ++i)
        if (supervisor->bound[i].text != NULL)
            sl_bound_close(&supervisor->bound[i], true);
    free(supervisor->bound);
    supervisor->bound = bindings->bound;
    supervisor->bound_count = bindings->count;
}

static void tell(sl_supervisor_t *supervisor, sl_child_t *child, const bindings_t *bindings, int text_fd)
{
    sl_message_t message = {
        .kind = SL_MESSAGE_CONFIG, .generation = supervisor->config->generation, .fd_count = 1, .fds = {text_fd}};
    if (child->channel == -1)
        return; /* not running: it will be born with the new one */
    for (size_t i = 0; i != bindings->count && child->kind == SL_CHILD_WORKER; ++i)
        if (bindings->is_new[i])
            message.fds[message.fd_count++] = sl_bound_fd(&bindings->bound[i], child->slot);
    if (!sl_channel_send(child->channel, &message)) {
        char name[32];
        sl_child_describe(child, name, sizeof name);
        sl_log(SL_LOG_ERROR, "child_stuck", "%s does not read its messages and is replaced", name);
        sl_child_kill(child, SIGKILL);
    }
}

static void put_in_force(sl_supervisor_t *supervisor, sl_config_t *config, bindings_t *bindings, int text_fd)
{
    sl_config_t *old = supervisor->config;
    enter_names(supervisor, config, old->generation + 1);
    take_over_bindings(supervisor, bindings);
    supervisor->config = config;
    sl_config_release(old);
    sl_log_set_level((sl_log_level_t)config->log.level);
    for (size_t i = 0; i != supervisor->child_count; ++i)
        tell(supervisor, &supervisor->children[i], bindings, text_fd);
}

void sl_snapshot_reload(sl_supervisor_t *supervisor)
{
    sl_text_t yaml = {0};
    bindings_t bindings = {0};
    sl_config_t *config = read_next(supervisor, &yaml);
    int text_fd = config != NULL ? sl_channel_pack(sl_bytes(yaml.base, yaml.size)) : -1;
    if (config != NULL && text_fd == -1)
        sl_log(SL_LOG_ERROR, "reload_failed", "no memory file for the children: %s", strerror(errno));

    if (text_fd != -1 && open_bindings(supervisor, config, &bindings)) {
        put_in_force(supervisor, config, &bindings, text_fd);
        bindings.bound = NULL; /* taken over */
        sl_number_add(&supervisor->shared->reloads, 1);
        sl_log(SL_LOG_INFO, "reloaded", "configuration %llu was read from %s", (unsigned long long)config->generation,
               supervisor->config_path);
    } else {
        sl_number_add(&supervisor->shared->reload_failures, 1);
        sl_log(SL_LOG_ERROR, "reload_failed", "nothing was changed: configuration %llu stays in force",
               (unsigned long long)supervisor->config->generation);
        if (config != NULL)
            sl_config_release(config);
    }
    free_bindings(&bindings);
    if (text_fd != -1)
        close(text_fd);
    sl_text_dispose(&yaml);
}
