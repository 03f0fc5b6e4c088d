/*
 * preview: the way in, walked by a request that nobody sent. `sluice explain` asks here, and the answers come from the
 * very functions that serve requests, so that what it tells is what would happen. Nothing is sent or charged.
 *
 * The exchange that it makes has neither worker nor connection: only the functions of this header may touch it.
 */
#ifndef SLUICE_PREVIEW_H
#define SLUICE_PREVIEW_H

#include "sluice/exchange.h"
#include "sluice/framing.h"

/* Retains the snapshot. `target` is a path with its query, or a URL; the other bytes are copied. */
sl_exchange_t *sl_preview_create(sl_config_t *config, h2o_iovec_t method, h2o_iovec_t target, h2o_iovec_t body);
void sl_preview_destroy(sl_exchange_t *exchange);
/* Before everything below. `name` in any case; Host becomes the authority, unless the target has one. */
void sl_preview_add_header(sl_exchange_t *exchange, h2o_iovec_t name, h2o_iovec_t value);

/* What the guard would say to the head as HTTP/1.1. */
sl_framing_error_t sl_preview_framing(sl_exchange_t *exchange);
/* The listener that the request would come to, by the URL's port, else by its scheme; for a bare path the first that
 * does not only redirect. NULL: there is none. */
const sl_listen_t *sl_preview_listen(sl_exchange_t *exchange);
/* Would this listener only lead elsewhere, and where? */
bool sl_preview_redirect(sl_exchange_t *exchange, const sl_listen_t *listen, h2o_iovec_t *url);
/* Fills path, query, host and, when one is found, route and service. NULL for well, else what is wrong with the target.
 */
const char *sl_preview_route(sl_exchange_t *exchange, sl_route_match_t *match);
/* OPTIONS or TRACE that was to come no further than here. */
bool sl_preview_is_last_hop(const sl_exchange_t *exchange);
/* Would the pattern take the request? By one rule alone: the others of the pattern are left out. */
typedef enum { SL_RULE_HOST, SL_RULE_PATH, SL_RULE_METHOD, SL_RULE_HEADERS, SL_RULE_COUNT } sl_rule_t;
bool sl_preview_fits(sl_exchange_t *exchange, const sl_pattern_t *pattern, sl_rule_t rule);
/* The methods of the path, for Allow. */
size_t sl_preview_allow(sl_exchange_t *exchange, char *text, size_t size);

/* Which version is asked for (base NULL: the request does not say); false: two different ones. Fills version (NULL: the
 * route has none, or none of that name), transform, service. */
bool sl_preview_version(sl_exchange_t *exchange, h2o_iovec_t *wish);

/* Does it carry a key? Fills the caller's digest. */
typedef enum { SL_KEY_NONE, SL_KEY_FOUND, SL_KEY_AMBIGUOUS } sl_key_finding_t;
sl_key_finding_t sl_preview_key(sl_exchange_t *exchange);

/* What admission asks the key for: a service, or the list that an aggregate needs. */
h2o_iovec_t sl_preview_services(sl_exchange_t *exchange);
uint64_t sl_preview_units(const sl_exchange_t *exchange);

/* Changes query and body as the route's transformation says. NULL for well, else why the body is
 * refused, and the status of that answer. */
const char *sl_preview_transform(sl_exchange_t *exchange, int *status);
/* What a proxied request's service gets: target, and header lines with their ends. */
h2o_iovec_t sl_preview_target(sl_exchange_t *exchange);
h2o_iovec_t sl_preview_headers(sl_exchange_t *exchange);

/* The form of an aggregate's answer; NULL: the route's. */
const sl_shape_t *sl_preview_shape(const sl_exchange_t *exchange);
/* Does this form need the call, by its index? */
bool sl_preview_makes(const sl_exchange_t *exchange, size_t call);
/* Fills a template in as far as the request goes; false when it needs the answer of a call. */
bool sl_preview_fill(sl_exchange_t *exchange, const sl_template_t *given, sl_text_t *out);
bool sl_preview_fill_text(sl_exchange_t *exchange, const sl_template_t *given, sl_template_encode_t encode,
                          sl_text_t *out);
/* Is a value missing in it that the request should have? A parameter or field like that is left away. */
bool sl_preview_lacks(sl_exchange_t *exchange, const sl_template_t *given);
/* Why $request.body cannot be read, and the status of that answer; NULL: it can, or there is none, or nobody wants it.
 */
const char *sl_preview_body_error(sl_exchange_t *exchange, int *status);

#endif
