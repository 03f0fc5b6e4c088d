/* report: the errors and warnings of one file. They are found in the order of the table and told in the order of the
 * file, each once. */
#ifndef SLUICE_CONFIG_REPORT_H
#define SLUICE_CONFIG_REPORT_H

#include "sluice/config.h"
#include <h2o/string_.h>

/* Both count from 1. */
typedef struct sl_place_t {
    size_t line, column;
} sl_place_t;

typedef struct sl_fault_t {
    sl_place_t place;
    size_t order; /* of discovery: two at one place keep it */
    bool is_warning;
    sl_text_t text;
} sl_fault_t;

typedef struct sl_report_t {
    sl_fault_t *faults;
    size_t count, capacity;
} sl_report_t;

void sl_report_add(sl_report_t *report, sl_place_t place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Nothing that could not be read, but hardly meant. */
void sl_report_warn(sl_report_t *report, sl_place_t place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool sl_report_has_errors(const sl_report_t *report);
/* Writes all of them out, sorted, one line each. */
void sl_report_tell(sl_report_t *report, const char *source, sl_config_errors_t *errors);
void sl_report_dispose(sl_report_t *report);

/* How many bytes of a value an error shows, for "%.*s": long ones are cut, never inside a character. */
int sl_shown(h2o_iovec_t text);
/* The same of what may be a URL: user and password are masked. */
void sl_put_shown_url(sl_text_t *out, h2o_iovec_t text);

#endif
