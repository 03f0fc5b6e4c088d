/*
 * log: one JSON line per event, written to standard error with one write(2).
 *
 * A line stays below PIPE_BUF, so the lines of several processes on one pipe never mix. A reader that has stopped
 * reading must not stop us: the pipe is asked first whether it has room for a line, and after a short wait the line is
 * given up.
 */
#include "sluice/log.h"
#include "sluice/bytes.h"
#include "sluice/clock.h"
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 4096
#define MESSAGE_BYTES 3500
#define PATIENCE_MS 10
#define GATE_US 1000000

static char own_role[32] = "sluice";
static sl_log_level_t least_level = SL_LOG_INFO;
static const char *const level_names[] = {
    [SL_LOG_DEBUG] = "debug", [SL_LOG_INFO] = "info", [SL_LOG_WARN] = "warn", [SL_LOG_ERROR] = "error"};

void sl_log_set_role(const char *role)
{
    snprintf(own_role, sizeof own_role, "%s", role);
}

void sl_log_set_level(sl_log_level_t least)
{
    least_level = least;
}

static void put_time(sl_text_t *line)
{
    uint64_t wall_ms = sl_clock_wall_ms();
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char date[32];
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    sl_text_format(line, "{\"time\":\"%s.%03uZ\"", date, (unsigned)(wall_ms % 1000));
}

static void put_line(sl_text_t *line, sl_log_level_t level, const char *event, h2o_iovec_t message)
{
    sl_text_clear(line);
    put_time(line);
    sl_text_format(line, ",\"level\":\"%s\",\"role\":", level_names[level]);
    sl_text_json(line, sl_bytes_of(own_role));
    sl_text_put(line, ",\"event\":");
    sl_text_json(line, sl_bytes_of(event));
    sl_text_put(line, ",\"message\":");
    sl_text_json(line, message);
    sl_text_put(line, "}\n");
}

static void write_line(const sl_text_t *line)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&out, 1, PATIENCE_MS) == 1 && (out.revents & POLLOUT) != 0 &&
        write(STDERR_FILENO, line->base, line->size) < 0)
        return; /* nobody is left to be told */
}

static void log_message(sl_log_level_t level, const char *event, h2o_iovec_t message)
{
    sl_text_t line = {0};
    put_line(&line, level, event, message);
    while (line.size > LINE_BYTES) { /* escapes made it too long: cut the message, never the JSON */
        message.len -= message.len / 4 + 1;
        put_line(&line, level, event, message);
    }
    write_line(&line);
    sl_text_dispose(&line);
}

static void log_formatted(sl_log_level_t level, const char *event, const char *format, va_list arguments,
                          unsigned long long left_out) __attribute__((format(printf, 3, 0)));

static void log_formatted(sl_log_level_t level, const char *event, const char *format, va_list arguments,
                          unsigned long long left_out)
{
    char message[MESSAGE_BYTES + 64];
    int wanted = vsnprintf(message, MESSAGE_BYTES, format, arguments);
    size_t len = wanted < 0 ? 0 : wanted < MESSAGE_BYTES ? (size_t)wanted : MESSAGE_BYTES - 1;
    if (left_out != 0)
        len += (size_t)snprintf(message + len, sizeof message - len, " (%llu more left out)", left_out);
    log_message(level, event, sl_bytes(message, len));
}

void sl_log(sl_log_level_t level, const char *event, const char *format, ...)
{
    if (level < least_level)
        return;
    va_list arguments;
    va_start(arguments, format);
    log_formatted(level, event, format, arguments, 0);
    va_end(arguments);
}

int sl_log_gate_open(sl_log_gate_t *gate)
{
    uint64_t now_us = sl_clock_us();
    if (now_us < gate->next_us) {
        ++gate->left_out;
        return 0;
    }
    gate->next_us = now_us + GATE_US;
    return 1;
}

void sl_log_gated(sl_log_gate_t *gate, sl_log_level_t level, const char *event, const char *format, ...)
{
    if (level < least_level)
        return;
    va_list arguments;
    va_start(arguments, format);
    log_formatted(level, event, format, arguments, gate->left_out);
    va_end(arguments);
    gate->left_out = 0;
}
