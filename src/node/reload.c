/*
 * reload: a worker takes a new snapshot. The supervisor has checked it, so reading it here fails only when the world
 * changed in between (a secret's file was taken away); then the worker stays with what it has and says so.
 *
 * The message carries a listener for each address that was not listened on before, in the order of the file; both sides
 * compare the same texts, so they agree on which.
 */
#include "process.h"
#include "sluice/account.h"
#include "sluice/log.h"
#include <stdlib.h>
#include <unistd.h>

static void close_descriptors(const sl_message_t *message, size_t from)
{
    for (size_t i = from; i < message->fd_count; ++i)
        close(message->fds[i]);
}

static sl_config_t *read_snapshot(const sl_message_t *message)
{
    sl_text_t yaml = {0};
    sl_config_errors_t errors = {0};
    sl_config_t *config = NULL;
    if (message->fd_count != 0 && sl_channel_unpack(message->fds[0], &yaml))
        config = sl_config_read("configuration", sl_bytes(yaml.base, yaml.size), &errors);
    if (config == NULL)
        sl_log(SL_LOG_ERROR, "reload_refused", "the old configuration stays: %s",
               errors.text.base != NULL ? errors.text.base : "its text could not be read");
    sl_text_dispose(&yaml);
    sl_config_errors_dispose(&errors);
    return config;
}

static bool is_listed(const sl_config_t *config, const char *text)
{
    for (size_t i = 0; i != config->listen_count; ++i)
        if (strcmp(config->listens[i].text, text) == 0)
            return true;
    return false;
}

/* --- terms: all of them are made before anything changes --- */

static void release_terms(sl_terms_t **terms, size_t count)
{
    for (size_t i = 0; i != count; ++i)
        sl_terms_release(terms[i]);
    free(terms);
}

static sl_terms_t **make_terms(sl_process_t *process, sl_config_t *config)
{
    sl_terms_t **terms = h2o_mem_alloc(sizeof *terms * (config->listen_count + 1));
    for (size_t i = 0; i != config->listen_count; ++i) {
        sl_text_t error = {0};
        terms[i] =
            sl_terms_create(config, &config->listens[i], &process->accept, &process->super.shared->ticket_keys, &error);
        if (terms[i] != NULL)
            continue;
        sl_log(SL_LOG_ERROR, "reload_refused", "the old configuration stays: %s", error.base);
        sl_text_dispose(&error);
        release_terms(terms, i);
        return NULL;
    }
    return terms;
}

/* Takes the terms over. */
static void change_listeners(sl_process_t *process, const sl_config_t *config, const sl_message_t *message,
                             sl_terms_t **terms)
{
    size_t next = 1;
    for (size_t i = 0; i != config->listen_count; ++i) {
        sl_listener_t *listener = sl_listener_find(process, config->listens[i].text);
        if (listener != NULL)
            sl_listener_set_terms(listener, terms[i]);
        else if (next < message->fd_count)
            sl_listener_open(process, terms[i], message->fds[next++]);
        else
            sl_terms_release(terms[i]);
    }
    free(terms);
    close_descriptors(message, next);
    for (size_t i = 0; i != process->listener_count; ++i)
        if (!is_listed(config, process->listeners[i]->text))
            sl_listener_retire(process->listeners[i]);
}

static void answer(const sl_process_t *process, sl_message_kind_t kind, uint64_t generation)
{
    sl_channel_send(h2o_socket_get_fd(process->channel), &(sl_message_t){.kind = kind, .generation = generation});
}

void sl_reload(sl_process_t *process, sl_message_t *message)
{
    sl_worker_t *worker = &process->super;
    sl_config_t *config = read_snapshot(message);
    sl_terms_t **terms = config != NULL && !worker->is_draining ? make_terms(process, config) : NULL;
    if (terms == NULL) {
        close_descriptors(message, 0);
        if (config != NULL)
            sl_config_release(config);
        answer(process, SL_MESSAGE_REFUSED, message->generation);
        return;
    }

    config->generation = message->generation;
    sl_config_bind(config, worker->shared, false);
    sl_config_t *old = worker->config;
    worker->config = config;
    close(message->fds[0]);
    change_listeners(process, config, message, terms);
    sl_apply_limits(process, config);
    sl_watch_breakers(process, config);
    sl_listeners_reconsider(process);
    sl_upstream_forget(worker->upstream, config);
    sl_account_reopen(worker->account, config);
    sl_config_release(old);

    if (!process->is_open)
        return; /* it will tell when it opens */
    sl_number_set(&worker->slot->generation, config->generation);
    answer(process, SL_MESSAGE_READY, config->generation);
}
