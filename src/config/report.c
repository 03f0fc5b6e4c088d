/* report: collects errors, sorts them by place, writes them as lines. */
#include "report.h"
#include "sluice/secret.h"
#include <stdlib.h>

enum { SHOWN_BYTES_MAX = 60 };

/* A value may hold line ends; an error is one line. */
static void flatten(sl_text_t *text)
{
    for (size_t i = 0; i < text->size; ++i)
        if ((unsigned char)text->base[i] < 0x20 || text->base[i] == 0x7f)
            text->base[i] = ' ';
}

static __attribute__((format(printf, 3, 0))) void add(sl_report_t *report, sl_fault_t fault, const char *format,
                                                      va_list arguments)
{
    if (report->count == report->capacity) {
        report->capacity = report->capacity == 0 ? 16 : report->capacity * 2;
        report->faults = h2o_mem_realloc(report->faults, report->capacity * sizeof(*report->faults));
    }
    fault.order = report->count;
    sl_text_vformat(&fault.text, format, arguments);
    flatten(&fault.text);
    report->faults[report->count++] = fault;
}

void sl_report_add(sl_report_t *report, sl_place_t place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(report, (sl_fault_t){.place = place}, format, arguments);
    va_end(arguments);
}

void sl_report_warn(sl_report_t *report, sl_place_t place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(report, (sl_fault_t){.place = place, .is_warning = true}, format, arguments);
    va_end(arguments);
}

bool sl_report_has_errors(const sl_report_t *report)
{
    for (size_t i = 0; i < report->count; ++i)
        if (!report->faults[i].is_warning)
            return true;
    return false;
}

static int compare_numbers(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_faults(const void *left, const void *right)
{
    const sl_fault_t *a = left, *b = right;
    int order = compare_numbers(a->place.line, b->place.line);
    if (order == 0)
        order = compare_numbers(a->place.column, b->place.column);
    return order != 0 ? order : compare_numbers(a->order, b->order);
}

/* What an alias names is read once for each use, so the same error can be found several times. */
static bool is_repeated(const sl_report_t *report, size_t index)
{
    const sl_fault_t *fault = &report->faults[index];
    while (index-- > 0 && report->faults[index].place.line == fault->place.line &&
           report->faults[index].place.column == fault->place.column)
        if (strcmp(report->faults[index].text.base, fault->text.base) == 0)
            return true;
    return false;
}

void sl_report_tell(sl_report_t *report, const char *source, sl_config_errors_t *errors)
{
    if (report->count == 0)
        return;
    qsort(report->faults, report->count, sizeof(*report->faults), compare_faults);
    bool has_errors = sl_report_has_errors(report);
    for (size_t i = 0; i < report->count; ++i) {
        const sl_fault_t *fault = &report->faults[i];
        /* what looks odd in a file with errors may be odd because of them */
        if (is_repeated(report, i) || (fault->is_warning && has_errors))
            continue;
        sl_text_format(fault->is_warning ? &errors->warnings : &errors->text, "%s:%zu:%zu: %s%s\n", source,
                       fault->place.line, fault->place.column, fault->is_warning ? "warning: " : "", fault->text.base);
        ++*(fault->is_warning ? &errors->warning_count : &errors->count);
    }
}

void sl_report_dispose(sl_report_t *report)
{
    for (size_t i = 0; i < report->count; ++i)
        sl_text_dispose(&report->faults[i].text);
    free(report->faults);
    *report = (sl_report_t){0};
}

int sl_shown(h2o_iovec_t text)
{
    if (text.len <= SHOWN_BYTES_MAX)
        return (int)text.len;
    size_t len = SHOWN_BYTES_MAX;
    while (len > 0 && ((unsigned char)text.base[len] & 0xc0) == 0x80)
        --len;
    return (int)len;
}

/* The last '@' ends them: a password may hold '/' and '@', whatever RFC 3986 says. */
void sl_put_shown_url(sl_text_t *out, h2o_iovec_t text)
{
    const char *at = text.len != 0 ? memrchr(text.base, '@', text.len) : NULL;
    if (at != NULL) {
        const char *scheme = memmem(text.base, (size_t)(at - text.base), "://", 3);
        if (scheme != NULL)
            sl_text_append(out, text.base, (size_t)(scheme + 3 - text.base));
        sl_text_put(out, SL_SECRET_MASK);
        text = sl_bytes(at, text.len - (size_t)(at - text.base));
    }
    sl_text_append(out, text.base, (size_t)sl_shown(text));
}
