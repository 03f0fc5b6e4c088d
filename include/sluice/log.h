/* log: what the operator should know, as JSON lines on standard error. The access log is response/account.c. */
#ifndef SLUICE_LOG_H
#define SLUICE_LOG_H

typedef enum { SL_LOG_DEBUG, SL_LOG_INFO, SL_LOG_WARN, SL_LOG_ERROR } sl_log_level_t;

/* Names the process in each line ("supervisor", "worker 3", "ops", "cli"). The text is copied. */
void sl_log_set_role(const char *role);
void sl_log_set_level(sl_log_level_t least);
/* {"time":..., "level":..., "role":..., "event":event, "message":...}. `event` is a snake_case word. Never pass a
 * secret. Lines longer than 4 KiB are cut; never blocks for long: one write(2). */
void sl_log(sl_log_level_t level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same, at most once a second per calling place; the next line says how many were left out. */
#define sl_log_limited(level, event, ...)                                                                              \
    do {                                                                                                               \
        static sl_log_gate_t gate_;                                                                                    \
        if (sl_log_gate_open(&gate_))                                                                                  \
            sl_log_gated(&gate_, level, event, __VA_ARGS__);                                                           \
    } while (0)

typedef struct sl_log_gate_t {
    unsigned long long next_us;
    unsigned long long left_out;
} sl_log_gate_t;
int sl_log_gate_open(sl_log_gate_t *gate);
void sl_log_gated(sl_log_gate_t *gate, sl_log_level_t level, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
