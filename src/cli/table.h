/* table: rows of text in columns as wide as their widest cell. */
#ifndef SLUICE_CLI_TABLE_H
#define SLUICE_CLI_TABLE_H

#include "sluice/bytes.h"
#include <stdint.h>
#include <stdio.h>

#define SL_TABLE_COLUMNS_MAX 8

/* All zero but heads and columns: empty. */
typedef struct sl_table_t {
    const char *const *heads;
    size_t columns;
    size_t rows, cell; /* filled: `cell` cells of the last row */
    char *(*cells)[SL_TABLE_COLUMNS_MAX];
} sl_table_t;

void sl_table_row(sl_table_t *table);
/* The next cell of the row; control characters become '?', an empty text '-'. */
void sl_table_cell(sl_table_t *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A point in time, UTC; 0 is "never". */
void sl_table_time(sl_table_t *table, uint64_t unix_s);
void sl_table_print(const sl_table_t *table, FILE *out);
void sl_table_dispose(sl_table_t *table);

#endif
