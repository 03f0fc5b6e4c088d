/*
 * shared: the one mapped segment of a node. The supervisor creates it before it spawns anybody, so every process of the
 * node sees it at the same address. It holds numbers and names only: no pointers, no locks. Who writes what stands
 * beside each field.
 */
#ifndef SLUICE_SHARED_H
#define SLUICE_SHARED_H

#include "sluice/bytes.h"
#include "sluice/crowd.h"
#include "sluice/metrics.h"
#include "sluice/ticket_keys.h"
#include <stdbool.h>
#include <sys/socket.h>

#define SL_MAX_WORKERS 128
#define SL_MAX_ROUTES 4096
#define SL_MAX_SERVICES 1024
#define SL_MAX_INSTANCES 4096
#define SL_NAME_BYTES 128

/* Slot 0 of routes stands for requests that matched none ("-"), of services likewise. */
typedef enum { SL_NAME_ROUTE, SL_NAME_SERVICE, SL_NAME_INSTANCE, SL_NAME_KINDS } sl_name_kind_t;

typedef struct sl_route_numbers_t {
    sl_number_t requests[SL_CODE_COUNT]; /* sluice_requests_total{route,code} */
    /* sluice_request_duration_seconds{route}: from the request's arrival to the last byte handed over */
    sl_histogram_t duration;
    sl_number_t bytes_in, bytes_out; /* bodies: sluice_request_bytes_total, sluice_response_bytes_total */
} sl_route_numbers_t;

typedef struct sl_service_numbers_t {
    sl_number_t results[SL_UPSTREAM_RESULT_COUNT];
    sl_histogram_t duration;      /* sluice_upstream_duration_seconds{service}: one try, until its end */
    sl_number_t retries;          /* sluice_upstream_retries_total */
    sl_number_t connections_open; /* gauge, idle ones included */
    sl_number_t connections_idle; /* gauge */
    /* gauge: 0 closed, 1 half-open, 2 open, as this worker sees it; exported as the maximum */
    sl_number_t breaker_state;
    sl_number_t breaker_transitions; /* seen by this worker; exported as the maximum over workers */
    sl_number_t breaker_refused;     /* requests refused because of it */
} sl_service_numbers_t;

/* Written by one worker. */
typedef struct sl_worker_slot_t {
    sl_number_t pid;        /* written by the supervisor: 0 while nobody has this slot */
    sl_number_t generation; /* of the configuration in force in this worker; 0 until it listens */
    sl_number_t numbers[SL_M_COUNT];
    sl_number_t admissions[SL_ADMISSION_COUNT];
    sl_number_t refusals[SL_REFUSAL_COUNT];
    sl_number_t cuts[SL_CUT_COUNT];
    sl_number_t tls_handshakes[SL_TLS_VERSION_COUNT], tls_failures[SL_TLS_VERSION_COUNT];
    sl_histogram_t redis_duration; /* sluice_redis_duration_seconds: question to answer */
    sl_route_numbers_t routes[SL_MAX_ROUTES];
    sl_service_numbers_t services[SL_MAX_SERVICES];
    sl_crowd_t crowd; /* its connections by address; cleared by the supervisor when it is dead */
} sl_worker_slot_t;

/* Address of an instance, written by the resolver (the supervisor at load, the ops process later), read by workers at
 * connect. */
typedef struct sl_address_slot_t {
    _Atomic uint32_t version; /* odd while being written (sequence lock) */
    socklen_t len;            /* 0: not resolved yet */
    struct sockaddr_storage address;
} sl_address_slot_t;

typedef struct sl_shared_t {
    /* written by the supervisor */
    sl_number_t workers;                       /* how many are wanted */
    sl_number_t worker_deaths[SL_DEATH_COUNT]; /* sluice_worker_deaths_total{signal} */
    sl_number_t reloads;                       /* sluice_config_reloads_total */
    sl_number_t reload_failures;               /* sluice_config_reload_failures_total */
    sl_number_t generation;                    /* of the newest good configuration, from 1 */
    sl_number_t config_hash;                   /* first 64 bits of SHA-256 of its text */
    sl_number_t is_draining;                   /* 1 from TERM on */
    sl_number_t started_wall_ms;
    uint64_t crowd_secret;                                   /* of the crowds in the slots; never changes */
    char names[SL_NAME_KINDS][SL_MAX_ROUTES][SL_NAME_BYTES]; /* "" is free; never reused while the node lives */
    sl_ticket_keys_t ticket_keys;
    sl_address_slot_t addresses[SL_MAX_INSTANCES];
    sl_worker_slot_t slots[SL_MAX_WORKERS];
} sl_shared_t;

/* NULL with errno when the kernel refuses. Zero-filled; untouched pages cost nothing. */
sl_shared_t *sl_shared_create(void);
/* Slot of a name, made when it is new (supervisor only). Slot 0 when the table is full: such names share one row. */
int sl_shared_claim(sl_shared_t *shared, sl_name_kind_t kind, h2o_iovec_t name);
/* Slot of a name, 0 when it is not there. */
int sl_shared_find(const sl_shared_t *shared, sl_name_kind_t kind, h2o_iovec_t name);

void sl_address_store(sl_address_slot_t *slot, const struct sockaddr *address, socklen_t len);
/* Copies a consistent address; 0 when the instance is not resolved. */
socklen_t sl_address_load(const sl_address_slot_t *slot, struct sockaddr_storage *address);

#endif
