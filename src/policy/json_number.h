/* json_number: decimal text and the numbers of machines, without losing a digit on the way. */
#ifndef SLUICE_POLICY_JSON_NUMBER_H
#define SLUICE_POLICY_JSON_NUMBER_H

#include "sluice/bytes.h"
#include <stdint.h>

typedef enum { SL_NUMBER_SIGNED, SL_NUMBER_UNSIGNED, SL_NUMBER_DOUBLE } sl_number_kind_t;

typedef struct sl_number_t {
    sl_number_kind_t kind;
    int64_t negative;  /* SIGNED: below zero */
    uint64_t positive; /* UNSIGNED */
    double real;
} sl_number_t;

/* Of a JSON number; false when neither 64-bit integers nor the double that is nearest keep every digit. */
bool sl_number_read(h2o_iovec_t json, sl_number_t *number);
/* The shortest decimal that reads back as this (finite) double, always with a point or an exponent. */
void sl_number_put_double(sl_text_t *out, double real);

#endif
