/* meant: warnings of what is legal and was hardly meant. Each is called where its part of the file has been read. */
#ifndef SLUICE_CONFIG_MEANT_H
#define SLUICE_CONFIG_MEANT_H

#include "written.h"

/* Keeps the place of the first reference to the request's body; `written` NULL: the template is the node's own text. */
void sl_note_body_use(sl_reader_t *reader, const sl_template_t *made, const sl_node_t *node,
                      const sl_written_t *written);
/* At the end of a route: do its methods have bodies at all? */
void sl_warn_of_body_use(sl_reader_t *reader, const sl_route_t *route);
void sl_warn_of_route_body(sl_reader_t *reader, const sl_node_t *node, const sl_route_t *route);
void sl_warn_of_call_body(sl_reader_t *reader, const sl_node_t *node);
void sl_warn_of_ended_version(sl_reader_t *reader, const sl_node_t *node, const sl_version_t *version);

#endif
