/* What the files of this room tell each other of the read that is under way (reading.c). */
#ifndef SLUICE_GUARD_READING_H
#define SLUICE_GUARD_READING_H

#include "library.h"
#include "sluice/connection.h"

/* Whose frames are being taken apart; NULL: nobody's, so it is a test. */
sl_connection_t *sl_guard_who_sends(void);

/* HTTP/2: nothing that comes is looked at any more. */
bool sl_guard_http2_is_over(h2o_socket_t *sock);
/* HTTP/2: the library is done with what was read; the connection may be gone. */
void sl_guard_http2_was_read(void);

/* HTTP/2: behind the frame that was taken last, is the next one here, and does it end its stream? */
bool sl_guard_body_has_come(void);

/* HTTP/2: HEADERS that may be trailers behind a body that nobody wants. `is_taken`: they are, and libh2o must not see
 * them. Not 0: the error that ends the connection. */
int sl_guard_take_trailers(sl_connection_t *connection, h2o_http2_frame_t *frame, bool *is_taken,
                           const char **err_desc);

#endif
