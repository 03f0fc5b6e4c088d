/* errors: what to do about each kind of error reply. The rows stand in errors.c. */
#ifndef SLUICE_STORE_ERRORS_H
#define SLUICE_STORE_ERRORS_H

#include "sluice/bytes.h"

typedef enum {
    SL_REMEDY_FAIL,  /* tell the asker: asking again would not help */
    SL_REMEDY_RETRY, /* nothing was done, and it may pass: again within the deadline */
    SL_REMEDY_REST,  /* the server answers nobody for a while: as RETRY, and the link is sick until a PING is answered
                        well */
    SL_REMEDY_EVAL,  /* the script is not known there: once more with its text */
    SL_REMEDY_DROP   /* this connection is of no use: once more on a new one */
} sl_remedy_t;

typedef struct sl_reply_error_t {
    const char *code; /* first word of the reply */
    sl_remedy_t remedy;
    const char *text; /* for the asker */
} sl_reply_error_t;

/* The row of an error reply (without its '-'); never NULL. */
const sl_reply_error_t *sl_reply_error_find(h2o_iovec_t reply);

#endif
