/* composition: what the files that read aggregates know of each other. */
#ifndef SLUICE_CONFIG_COMPOSITION_H
#define SLUICE_CONFIG_COMPOSITION_H

#include "settings.h"

/* graph.c: puts the calls in order and fills in `needs`; bit j of needs[i] says that call i needs call j. */
void sl_calls_sort(sl_reader_t *reader, sl_aggregate_t *aggregate, const uint64_t *needs);

/* collisions.c: names that would stand twice in an object of an answer, as far as the file can tell. */
void sl_check_collisions(sl_reader_t *reader, const sl_node_t *answer, const sl_aggregate_t *aggregate);

/* aggregates.c: what must hold for a route with calls. */
void sl_finish_aggregate(sl_reader_t *reader, const sl_node_t *node, sl_route_t *route);

/* shapes.c: can each of them be chosen? */
void sl_check_shapes(sl_reader_t *reader, const sl_node_t *shapes, const sl_route_t *route);

/* reach.c: notes the calls that each form of the answer needs; returns those that any of them does. */
uint64_t sl_reach_calls(sl_reader_t *reader, sl_route_t *route);

/* versions.c: does the path carry what it shall tell? */
void sl_check_versions(sl_reader_t *reader, const sl_node_t *node, const sl_route_t *route);

#endif
