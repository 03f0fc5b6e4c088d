/* store_house: a private redis-server, a loop and a store for one case each; questions whose answers are noted. */
#ifndef STORE_HOUSE_H
#define STORE_HOUSE_H

#include "sluice/clock.h"
#include "sluice/digest.h"
#include "sluice/store.h"
#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>

#define MANY 64 /* questions of one case */

/* --- the server --- */

extern char house_dir[], socket_path[64];
extern pid_t server;
extern redisContext *admin; /* somebody else's connection to it */

void start_server(void);
void start_server_with(const char *option, const char *value); /* does not wait */
void kill_server(void);
/* A command of the operator's that must go well. */
void operate(const char *format, ...) __attribute__((format(printf, 1, 2)));
void allow_key(void);

/* --- the worker --- */

extern long wall_shift_s; /* how wrong the wall clock goes */
extern h2o_context_t ctx;
extern sl_worker_slot_t slot;
extern sl_redis_settings_t settings;
extern sl_store_t *store;
extern char digest[SL_DIGEST_HEX + 1];

/* For TestSuite. */
void open_house(void);
void close_house(void);
void open_store(void);
/* Server, key and store, ready. */
void open_all(void);
/* Waits until what a store asks for itself at its beginning has been asked; after a second there is more. */
void let_it_settle(void);

bool is_ready(void);
bool is_not_ready(void);
/* Runs the loop; fails the case when its patience ends. */
void run_until_(bool (*is_met)(void), const char *what);
#define run_until(is_met) run_until_(is_met, #is_met)
void run_for_ms(uint64_t ms);
uint64_t number(sl_metric_t metric);

/* --- questions --- */

typedef struct answer_t {
    int times, order;
    bool is_error, is_probe;
    sl_admission_verdict_t verdict;
    uint64_t wait_us;
    uint64_t remaining, full_us; /* of the first limit */
    sl_pass_t pass;
    char error[256];
} answer_t;

extern answer_t answers[MANY];
extern sl_seat_t seats[MANY];
extern int told; /* answers so far */

answer_t *note_answer(void *asker, const char *error);
/* Of the house's key; by default each by a method of its own, or they would share a question. */
void ask_with(int index, sl_service_breaker_t *breaker);
void ask_by(int index, const char *method, uint64_t units);
void ask_many(int count);
void wait_for_told(int count);
void ask_and_wait(int count);
void expect_admitted(int count);
void expect_error(int index, const char *part);

#endif
