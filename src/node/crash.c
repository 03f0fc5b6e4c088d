/*
 * crash: the last words of a process that dies of a fault: one JSON line with the signal, the connections that are lost
 * and the stack as module+offset, from which `addr2line -e MODULE OFFSET` tells the lines.
 *
 * Nothing in the handler allocates, locks or formats by the C library: the heap or a lock may be what broke.
 * backtrace(3) is called once beforehand, since its first call loads the unwinder, and the list of modules is made
 * beforehand for the same reason. The handler has a stack of its own, because an overflowing stack is one of the
 * faults. Afterwards the signal is raised again, so the supervisor sees the true cause.
 */
#include "crash.h"
#include <execinfo.h>
#include <link.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define FRAMES 48
#define MODULES 64
#define STACK_BYTES (64 * 1024)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#else
#define IS_SANITIZED false
#endif

typedef struct module_t {
    uintptr_t base, begin, end;
    char name[64];
} module_t;

/* A line that is built without the C library; what does not fit is left out. */
typedef struct line_t {
    char bytes[4000];
    size_t size;
} line_t;

static const struct {
    int number;
    const char *name;
} faults[] = {{SIGABRT, "SIGABRT"}, {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}};
#define FAULTS (sizeof faults / sizeof faults[0])

static char own_role[32];
static const sl_number_t *lost_connections;
static module_t modules[MODULES];
static size_t module_count;
static char own_stack[STACK_BYTES] __attribute__((aligned(16)));

static void put(line_t *line, const char *text)
{
    while (*text != '\0' && line->size != sizeof line->bytes)
        line->bytes[line->size++] = *text++;
}

static void put_number(line_t *line, uint64_t number, unsigned base, unsigned least_digits)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number != 0 || sizeof digits - 1 - at < least_digits);
    put(line, digits + at);
}

/* The civil date of a day since 1970 (the calendar repeats after 400 years, which begin in March here). */
static void put_date(line_t *line, int64_t day)
{
    int64_t shifted = day + 719468, era = shifted / 146097, of_era = shifted - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), month = (5 * of_year + 2) / 153;
    put_number(line, (uint64_t)(era * 400 + year + (month >= 10)), 10, 4);
    put(line, "-");
    put_number(line, (uint64_t)(month < 10 ? month + 3 : month - 9), 10, 2);
    put(line, "-");
    put_number(line, (uint64_t)(of_year - (153 * month + 2) / 5 + 1), 10, 2);
}

static void put_time(line_t *line)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t of_day = (uint64_t)(now.tv_sec % 86400);
    put_date(line, now.tv_sec / 86400);
    put(line, "T");
    put_number(line, of_day / 3600, 10, 2);
    put(line, ":");
    put_number(line, of_day / 60 % 60, 10, 2);
    put(line, ":");
    put_number(line, of_day % 60, 10, 2);
    put(line, ".");
    put_number(line, (uint64_t)now.tv_nsec / 1000000, 10, 3);
    put(line, "Z");
}

static void put_frame(line_t *line, uintptr_t address)
{
    for (size_t i = 0; i != module_count; ++i)
        if (address >= modules[i].begin && address < modules[i].end) {
            put(line, modules[i].name);
            put(line, "+0x");
            put_number(line, address - modules[i].base, 16, 1);
            return;
        }
    put(line, "0x");
    put_number(line, address, 16, 1);
}

static void put_stack(line_t *line)
{
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);
    for (int i = 1; i < count && line->size < sizeof line->bytes - 128; ++i) { /* the first is this function */
        put(line, i == 1 ? "\"" : ",\"");
        put_frame(line, (uintptr_t)frames[i]);
        put(line, "\"");
    }
}

static const char *name_of(int signal_number)
{
    for (size_t i = 0; i != FAULTS; ++i)
        if (faults[i].number == signal_number)
            return faults[i].name;
    return "a signal";
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    static line_t line; /* not on the stack: there may be little of it */
    uint64_t lost = lost_connections != NULL ? sl_number_get(lost_connections) : 0;
    bool is_kill = info->si_code <= 0 && info->si_pid != getpid();
    (void)context;
    put(&line, "{\"time\":\"");
    put_time(&line);
    put(&line, "\",\"level\":\"error\",\"role\":\"");
    put(&line, own_role);
    put(&line, "\",\"event\":\"crashed\",\"message\":\"died of ");
    put(&line, name_of(signal_number));
    put(&line, "; ");
    put_number(&line, lost, 10, 1);
    put(&line, " connections are lost\",\"signal\":\"");
    put(&line, name_of(signal_number));
    put(&line, "\",\"sender\":");
    put_number(&line, is_kill ? (uint64_t)info->si_pid : 0, 10, 1); /* who sent it by kill(2); 0: its own fault */
    put(&line, ",\"connections\":");
    put_number(&line, lost, 10, 1);
    put(&line, ",\"backtrace\":[");
    put_stack(&line);
    put(&line, "]}\n");
    if (write(STDERR_FILENO, line.bytes, line.size) < 0)
        line.size = 0;    /* nobody is left to be told */
    raise(signal_number); /* SA_RESETHAND: it kills as soon as this handler returns */
}

static int note_module(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    (void)data;
    for (int i = 0; i != info->dlpi_phnum && module_count != MODULES; ++i) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        if (header->p_type != PT_LOAD || (header->p_flags & PF_X) == 0)
            continue;
        module_t *module = &modules[module_count++];
        const char *slash = strrchr(info->dlpi_name, '/');
        const char *name = slash != NULL ? slash + 1 : info->dlpi_name;
        *module = (module_t){.base = info->dlpi_addr, .begin = info->dlpi_addr + header->p_vaddr};
        module->end = module->begin + header->p_memsz;
        strncpy(module->name, *name != '\0' ? name : "sluice", sizeof module->name - 1);
    }
    return 0;
}

/* One byte is no core file, and it is the value at which Linux does not start a program named in core_pattern either;
 * zero would not keep that from happening. */
static void forbid_cores(void)
{
    const struct rlimit none = {1, 1};
    setrlimit(RLIMIT_CORE, &none);
}

void sl_crash_prepare(const char *role, const sl_number_t *connections, bool core_dumps)
{
    const stack_t stack = {.ss_sp = own_stack, .ss_size = sizeof own_stack};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
    void *frames[4];

    if (!core_dumps)
        forbid_cores();
    if (IS_SANITIZED)
        return;
    strncpy(own_role, role, sizeof own_role - 1);
    lost_connections = connections;
    backtrace(frames, 4);
    dl_iterate_phdr(note_module, NULL);
    sigaltstack(&stack, NULL);
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i != FAULTS; ++i)
        sigaction(faults[i].number, &action, NULL);
}
