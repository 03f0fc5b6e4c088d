/* sluice-demo: one of the three services behind the gateway in the worked example. See demo.h for the map. */
#include "demo.h"
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* After SIGTERM: how long requests that are being answered may take. */
#define LEAVE_MS 3000

static const char usage[] = "usage: sluice-demo --service search|scrape|research --listen ADDRESS:PORT\n"
                            "\n"
                            "Plays one service of the worked example. Its routes are listed in /openapi.json.\n"
                            "  --service NAME         which one to play\n"
                            "  --listen ADDRESS:PORT  where to listen, e.g. 127.0.0.1:8001 or *:8001\n"
                            "  --help                 this text\n";

/* Which service and address; NULL for a command line that makes sense. */
static const char *read_options(int count, char **arguments, demo_t *demo, const char **listen_text)
{
    static const struct option options[] = {{"service", required_argument, NULL, 's'},
                                            {"listen", required_argument, NULL, 'l'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *name = NULL;

    for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
        if (option == 'h') {
            fputs(usage, stdout);
            exit(0);
        }
        if (option == 's')
            name = optarg;
        else if (option == 'l')
            *listen_text = optarg;
        else
            return "unknown option";
    }
    for (const char *const *service = demo_services(); name != NULL && *service != NULL; ++service)
        if (strcmp(*service, name) == 0)
            demo->service = *service;
    if (demo->service == NULL)
        return "--service must be search, scrape or research";
    return *listen_text == NULL ? "--listen is missing" : optind != count ? "unexpected argument" : NULL;
}

static void on_signal(h2o_socket_t *socket, const char *error)
{
    struct signalfd_siginfo info;
    demo_t *demo = socket->data;

    (void)error;
    if (read(h2o_socket_get_fd(socket), &info, sizeof(info)) == (ssize_t)sizeof(info) && !demo->is_leaving)
        demo_server_leave(demo);
}

/* SIGTERM and SIGINT arrive as events of the loop, so that none falls between a look and a wait. */
static h2o_socket_t *watch_signals(demo_t *demo)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    h2o_socket_t *socket = h2o_evloop_socket_create(demo->context.loop, signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC),
                                                    H2O_SOCKET_FLAG_DONT_READ);
    socket->data = demo;
    h2o_socket_read_start(socket, on_signal);
    return socket;
}

/* True when everybody is gone. */
static bool run(demo_t *demo)
{
    h2o_loop_t *loop = demo->context.loop;

    while (!demo->is_leaving)
        h2o_evloop_run(loop, 1000);
    uint64_t end_ms = h2o_now(loop) + LEAVE_MS;
    while (demo->connection_count != 0 && h2o_now(loop) < end_ms)
        h2o_evloop_run(loop, 100);
    return demo->connection_count == 0;
}

int main(int count, char **arguments)
{
    static demo_t demo;
    const char *listen_text = NULL, *error = read_options(count, arguments, &demo, &listen_text);

    if (error != NULL) {
        fprintf(stderr, "sluice-demo: %s\n%s", error, usage);
        return 2;
    }
    if ((error = demo_server_open(&demo, listen_text)) != NULL) {
        fprintf(stderr, "sluice-demo: cannot listen on %s: %s\n", listen_text, error);
        return 1;
    }
    h2o_socket_t *signals = watch_signals(&demo);
    fprintf(stderr, "sluice-demo: %s listens on %s\n", demo.service, listen_text);
    /* whoever is still being answered is cut off by our end; only an idle library can be taken down */
    if (!run(&demo))
        _exit(0);
    h2o_socket_close(signals);
    demo_server_close(&demo);
    return 0;
}
