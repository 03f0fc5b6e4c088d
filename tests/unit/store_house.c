/*
 * store_house: what the cases of the store stand on (store_house.h).
 *
 * Waiting is by condition with a generous bound; what cases assert is order, number and state, never a duration.
 */
#include "store_house.h"
#include <ftw.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>

#define PATIENCE_US 20000000

/* --- the wall clock, which a case may set --- */

long wall_shift_s;

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec real;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &real);
    now->tv_sec = real.tv_sec + wall_shift_s;
    now->tv_usec = real.tv_nsec / 1000;
    return 0;
}

/* --- a private server --- */

char house_dir[] = "/tmp/sluice-store-XXXXXX";
char socket_path[64];
pid_t server;
redisContext *admin;

static void connect_operator(void)
{
    uint64_t until_us = sl_clock_us() + PATIENCE_US;

    for (;;) {
        admin = redisConnectUnix(socket_path);
        redisReply *reply = admin->err == 0 ? redisCommand(admin, "PING") : NULL;
        bool is_there = reply != NULL && strncmp(reply->str, "LOADING", 7) != 0;
        if (reply != NULL)
            freeReplyObject(reply);
        if (is_there)
            return;
        redisFree(admin);
        cr_assert_lt(sl_clock_us(), until_us, "redis-server does not come up");
        usleep(5000);
    }
}

void start_server_with(const char *option, const char *value)
{
    char *argv[] = {"redis-server", "--port", "0",         "--unixsocket", socket_path,    "--dir",       house_dir,
                    "--save",       "",       "--logfile", "log",          (char *)option, (char *)value, NULL};

    if ((server = fork()) == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a case that crashes must not leave it behind */
        execvp(argv[0], argv);
        _exit(127);
    }
}

void start_server(void)
{
    start_server_with(NULL, NULL);
    connect_operator();
}

void kill_server(void)
{
    if (server == 0)
        return;
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    server = 0;
    if (admin != NULL)
        redisFree(admin);
    admin = NULL;
}

void operate(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    redisReply *reply = redisvCommand(admin, format, arguments);
    va_end(arguments);
    cr_assert_not_null(reply, "%s: %s", format, admin->errstr);
    cr_assert_neq(reply->type, REDIS_REPLY_ERROR, "%s: %s", format, reply->str);
    freeReplyObject(reply);
}

/* --- a worker around the store --- */

static h2o_globalconf_t globalconf;
h2o_context_t ctx;
sl_worker_slot_t slot;
sl_redis_settings_t settings;
static sl_key_settings_t keys = {.limit = {1000000, 60}, .burst = 0};
char digest[SL_DIGEST_HEX + 1];
sl_store_t *store;

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status, (void)type, (void)walk;
    return remove(path);
}

void open_house(void)
{
    signal(SIGPIPE, SIG_IGN);
    cr_assert_not_null(mkdtemp(house_dir));
    snprintf(socket_path, sizeof(socket_path), "%s/redis.sock", house_dir);
    settings = (sl_redis_settings_t){.kind = SL_REDIS_UNIX,
                                     .path = socket_path,
                                     .prefix = "sluice",
                                     .connect_timeout_ms = 2000,
                                     .timeout_ms = 500,
                                     .pending_max = 4096};
    sl_digest_key(sl_bytes(NULL, 0), SL_LIT("sk-test"), digest);
    h2o_config_init(&globalconf);
    h2o_config_register_host(&globalconf, SL_LIT("default"), 65535); /* a context wants one */
    h2o_context_init(&ctx, h2o_evloop_create(), &globalconf);
}

void close_house(void)
{
    if (store != NULL)
        sl_store_destroy(store);
    h2o_context_dispose(&ctx);
    h2o_config_dispose(&globalconf);
    kill_server();
    nftw(house_dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

bool is_ready(void)
{
    return sl_store_is_ready(store);
}

bool is_not_ready(void)
{
    return !sl_store_is_ready(store);
}

void run_until_(bool (*is_met)(void), const char *what)
{
    uint64_t until_us = sl_clock_us() + PATIENCE_US;

    while (!is_met()) {
        cr_assert_lt(sl_clock_us(), until_us, "waited in vain for %s", what);
        h2o_evloop_run(ctx.loop, 10);
    }
}

void run_for_ms(uint64_t ms)
{
    uint64_t until_us = sl_clock_us() + ms * 1000;

    while (sl_clock_us() < until_us)
        h2o_evloop_run(ctx.loop, 5);
}

void allow_key(void)
{
    operate("HSET sluice:key:{%s} enabled 1 owner acme services *", digest);
}

void open_store(void)
{
    store = sl_store_create(&ctx, &settings, &slot);
}

void open_all(void)
{
    start_server();
    allow_key();
    open_store();
    run_until(is_ready);
}

static bool has_beaten(void)
{
    redisReply *found = redisCommand(admin, "KEYS sluice:node:*");
    cr_assert_not_null(found);
    bool is_there = found->elements != 0;
    freeReplyObject(found);
    return is_there;
}

void let_it_settle(void)
{
    run_until(has_beaten);
}

uint64_t number(sl_metric_t metric)
{
    return sl_number_get(&slot.numbers[metric]);
}

/* --- questions --- */

answer_t answers[MANY];
sl_seat_t seats[MANY];
int told;
static bool is_asking;

answer_t *note_answer(void *asker, const char *error)
{
    answer_t *answer = asker;

    cr_assert(!is_asking, "called back before the question returned");
    ++answer->times;
    answer->order = told++;
    answer->is_error = error != NULL;
    snprintf(answer->error, sizeof(answer->error), "%s", error != NULL ? error : "");
    return answer;
}

static void on_admission(void *asker, const sl_admission_t *admission, const char *error)
{
    answer_t *answer = note_answer(asker, error);

    cr_assert((admission == NULL) == (error != NULL));
    if (error != NULL)
        return;
    answer->verdict = admission->verdict;
    answer->is_probe = admission->is_probe;
    answer->pass.generation = admission->probe_generation;
    answer->pass.probe_id = admission->probe_id;
    answer->wait_us = admission->wait_us;
    answer->remaining = admission->limits[0].remaining;
    answer->full_us = admission->limits[0].full_us;
}

static void ask(int index, const char *method, uint64_t units, sl_service_breaker_t *breaker)
{
    sl_admission_question_t question = {
        .digest = digest,
        .service = SL_LIT("search"),
        .method = sl_bytes_of(method),
        .units = units,
        .defaults = &keys,
        .breaker = breaker,
    };

    answers[index] = (answer_t){0};
    seats[index] = (sl_seat_t){.on_admission = on_admission, .asker = answers + index};
    is_asking = true;
    sl_store_admit(store, &question, &seats[index]);
    is_asking = false;
}

void ask_with(int index, sl_service_breaker_t *breaker)
{
    char method[16];

    snprintf(method, sizeof(method), "GET%d", index);
    ask(index, method, 1, breaker);
}

void ask_by(int index, const char *method, uint64_t units)
{
    ask(index, method, units, NULL);
}

void ask_many(int count)
{
    told = 0;
    for (int i = 0; i != count; ++i)
        ask_with(i, NULL);
}

static int expected_told;
static bool all_told(void)
{
    return told >= expected_told;
}

void wait_for_told(int count)
{
    expected_told = count;
    run_until(all_told);
}

void ask_and_wait(int count)
{
    ask_many(count);
    wait_for_told(count);
}

void expect_admitted(int count)
{
    for (int i = 0; i != count; ++i) {
        cr_assert_eq(answers[i].times, 1);
        cr_assert(!answers[i].is_error, "%s", answers[i].error);
        cr_assert_eq(answers[i].verdict, SL_VERDICT_ADMITTED);
    }
}

void expect_error(int index, const char *part)
{
    cr_assert_eq(answers[index].times, 1);
    cr_assert(answers[index].is_error);
    cr_assert_not_null(strstr(answers[index].error, part), "'%s' has no '%s'", answers[index].error, part);
}
