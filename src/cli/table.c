/* table: rows of text in columns as wide as their widest cell. What stands in Redis was written by anybody: nothing of
 * it may steer the terminal. */
#include "table.h"
#include <time.h>

void sl_table_row(sl_table_t *table)
{
    table->cells = h2o_mem_realloc(table->cells, sizeof(*table->cells) * (table->rows + 1));
    memset(table->cells + table->rows, 0, sizeof(*table->cells));
    ++table->rows;
    table->cell = 0;
}

void sl_table_cell(sl_table_t *table, const char *format, ...)
{
    sl_text_t text = {0};
    va_list arguments;

    assert(table->cell < table->columns);
    va_start(arguments, format);
    sl_text_vformat(&text, format, arguments);
    va_end(arguments);
    if (text.size == 0)
        sl_text_put(&text, "-");
    for (size_t i = 0; i != text.size; ++i)
        if ((unsigned char)text.base[i] < ' ' || text.base[i] == 127)
            text.base[i] = '?';
    table->cells[table->rows - 1][table->cell++] = text.base;
}

void sl_table_time(sl_table_t *table, uint64_t unix_s)
{
    time_t seconds = (time_t)unix_s;
    struct tm utc;
    char text[40];

    if (unix_s == 0 || gmtime_r(&seconds, &utc) == NULL || strftime(text, sizeof(text), "%FT%TZ", &utc) == 0)
        strcpy(text, "never");
    sl_table_cell(table, "%s", text);
}

static const char *cell_at(const sl_table_t *table, size_t row, size_t column)
{
    if (row == 0)
        return table->heads[column];
    const char *text = table->cells[row - 1][column];
    return text != NULL ? text : "";
}

/* As a terminal shows it, as long as nobody's name is written in characters of double width. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text != '\0'; ++text)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

void sl_table_print(const sl_table_t *table, FILE *out)
{
    size_t widths[SL_TABLE_COLUMNS_MAX] = {0};

    for (size_t row = 0; row <= table->rows; ++row) {
        for (size_t column = 0; column != table->columns; ++column) {
            size_t width = width_of(cell_at(table, row, column));
            widths[column] = width > widths[column] ? width : widths[column];
        }
    }
    for (size_t row = 0; row <= table->rows; ++row) {
        for (size_t column = 0; column + 1 < table->columns; ++column) {
            const char *text = cell_at(table, row, column);
            fprintf(out, "%s%*s", text, (int)(widths[column] - width_of(text)) + 2, "");
        }
        fprintf(out, "%s\n", cell_at(table, row, table->columns - 1));
    }
}

void sl_table_dispose(sl_table_t *table)
{
    for (size_t row = 0; row != table->rows; ++row)
        for (size_t column = 0; column != table->columns; ++column)
            free(table->cells[row][column]);
    free(table->cells);
}
