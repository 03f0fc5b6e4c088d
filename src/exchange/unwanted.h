/* unwanted: what http2.c needs of unwanted.c. */
#ifndef SLUICE_EXCHANGE_UNWANTED_H
#define SLUICE_EXCHANGE_UNWANTED_H

#include "sluice/connection.h"
#include <h2o/http2.h>
#include <h2o/http2_internal.h>

/* From now on DATA of the stream is thrown away. */
sl_unwanted_t *sl_http2_note_unwanted(sl_connection_t *connection, h2o_http2_stream_t *stream);

#endif
