/* Operational lines: one JSON object per line, never longer than a pipe takes in one piece, never stopped by a reader
 * that sleeps. */
#include "sluice/bytes.h"
#include "sluice/log.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <unistd.h>

static int reader;

static void catch_standard_error(void)
{
    int ends[2];
    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    reader = ends[0];
    fcntl(reader, F_SETFL, O_NONBLOCK);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
}

TestSuite(log, .init = catch_standard_error);

static size_t read_lines(char *text, size_t size)
{
    ssize_t got = read(reader, text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    return got > 0 ? (size_t)got : 0;
}

Test(log, a_line_carries_level_role_event_and_message)
{
    char line[8192];
    sl_log_set_role("worker 3");
    sl_log(SL_LOG_WARN, "odd_thing", "value \"%d\"", 7);

    read_lines(line, sizeof line);

    cr_expect_not_null(
        strstr(line,
               ",\"level\":\"warn\",\"role\":\"worker 3\",\"event\":\"odd_thing\",\"message\":\"value \\\"7\\\"\"}\n"),
        "%s", line);
    cr_expect(strncmp(line, "{\"time\":\"20", 11) == 0);
}

Test(log, lines_below_the_level_are_not_written)
{
    char line[8192];
    sl_log_set_level(SL_LOG_WARN);
    sl_log(SL_LOG_INFO, "chatter", "nothing");
    cr_expect_eq(read_lines(line, sizeof line), 0);
}

Test(log, a_message_that_grows_by_escaping_is_cut_inside_the_json)
{
    char message[3001], line[8192];
    memset(message, '\x01', 3000);
    message[3000] = '\0';

    sl_log(SL_LOG_ERROR, "long_one", "%s", message);

    size_t size = read_lines(line, sizeof line);
    cr_assert_gt(size, 1000);
    cr_expect_leq(size, 4096);
    cr_expect_str_eq(line + size - 3, "\"}\n");
}

Test(log, a_limited_place_tells_how_many_it_left_out)
{
    char lines[8192];
    sl_log_gate_t gate = {0};
    for (int i = 0; i != 5; ++i)
        if (sl_log_gate_open(&gate))
            sl_log_gated(&gate, SL_LOG_ERROR, "often", "again");
    size_t first = read_lines(lines, sizeof lines);
    gate.next_us = 0; /* a second has passed */
    if (sl_log_gate_open(&gate))
        sl_log_gated(&gate, SL_LOG_ERROR, "often", "again");
    size_t second = read_lines(lines, sizeof lines);

    cr_expect_gt(first, 0);
    cr_expect_gt(second, 0);
    cr_expect_not_null(strstr(lines, "again (4 more left out)"));
}

Test(log, a_reader_that_sleeps_stops_nobody)
{
    for (int i = 0; i != 40; ++i)
        sl_log(SL_LOG_ERROR, "flood", "%03000d", i);
    cr_expect(true, "came back although the pipe is full");
}
