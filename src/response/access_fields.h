/* The access log's fields: one table, from which the JSON line, the text line and the documentation come. */
#ifndef SLUICE_ACCESS_FIELDS_H
#define SLUICE_ACCESS_FIELDS_H

#include "sluice/exchange.h"

/* What a field is made from: the exchange and what is only known at its end. */
typedef struct sl_ended_t {
    const sl_exchange_t *exchange;
    uint64_t wall_ms;
    uint64_t duration_us;
} sl_ended_t;

typedef struct sl_access_field_t {
    const char *name;
    const char *meaning;
    h2o_iovec_t opening;                                     /* what stands before the value */
    void (*write)(sl_text_t *line, const sl_ended_t *ended); /* a JSON value */
} sl_access_field_t;

extern const sl_access_field_t sl_access_fields[];
extern const size_t sl_access_field_count;

/* One line with its newline. */
void sl_access_write_json(sl_text_t *line, const sl_ended_t *ended);
/* time client "METHOD path" status duration_ms reason route request_id */
void sl_access_write_text(sl_text_t *line, const sl_ended_t *ended);

#endif
