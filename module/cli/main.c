/* SPDX-License-Identifier: MIT
 *
 * main.c: the command line: options into one struct, the verb, the exit status. Knows what the
 * verbs are called, not what they do.
 */
#include "cli/report.h"
#include "core/util/nearest.h"
#include "core/util/printable.h"
#include "core/util/udiff.h"
#include "host/check/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct {
        const char *name;
        int (*run)(struct run *r);
        bool no_verify, takeover, client; /* whether these options mean something to it */
        const char *help;
} verbs[] = {
        { "check", cmd_check, false, false, false,
          "validate the configuration; touches nothing, needs no root" },
        { "plan", cmd_plan, true, true, false, "show what apply would change; touches nothing" },
        { "apply", cmd_apply, true, true, false,
          "bring the system to that state, verify it, then close TCP" },
        { "remove", cmd_remove, true, false, false,
          "remove what apply installed; edited files are again what they were" },
        { "status", cmd_status, true, false, false,
          "what is installed, what answers, what is closed, what drifted" },
        { "verify", cmd_verify, false, false, false,
          "name the first broken link of SSH over vsock, and its fix" },
        { "client", cmd_client, false, false, true,
          "print what the other side needs: ssh_config, GUID, registry" },
};

/* What getopt_long(3) returns for those that have no letter: this and the place in the table. */
#define OPTION_FIRST 256

/* No letter that anybody could type. */
#define OPTION_VERSION 255

#define TEXT(name) required_argument, offsetof(struct options, name)
#define FLAG(name) no_argument, offsetof(struct options, name)

static const struct {
        const char *name, *word, *help;
        int letter; /* 0: it is stored, and no more */
        int argument;
        size_t member; /* of struct options */
        bool client;   /* for that verb alone */
} options[] = {
        { "config", "=FILE", "configuration; default " CONFIG_PATH_DEFAULT ", - is stdin", 0,
          TEXT(config), false },
        { "root", "=DIR", "work on an image tree instead of this system", 0, TEXT(root), false },
        { "json", "", "one JSON document on standard output", 0, FLAG(json), false },
        { "no-verify", "", "close TCP unverified; remove: even the only way in", 0, FLAG(no_verify),
          false },
        { "takeover", "", "plan, apply: replace units in the way, whatever they do", 0,
          FLAG(takeover), false },
        { "for", "=HOST", "client: linux, systemd, socat, mux, unix, hvc, winsocat, wsl", 0,
          TEXT(client.kind), true },
        { "jump", "=HOST", "client: ssh destination of the host, to come through it", 0,
          TEXT(client.jump), true },
        { "name", "=NAME", "client: what ssh is to call this machine", 0, TEXT(client.name), true },
        { "user", "=NAME", "client: who logs in", 0, TEXT(client.user), true },
        { "identity", "=FILE", "client: with which private key of the client's", 0,
          TEXT(client.identity), true },
        { "known-hosts", "", "client: host keys as known_hosts lines", 0, FLAG(known_hosts), true },
        { "quiet", "", "only warnings and errors (-q)", 'q', 0, 0, false },
        { "verbose", "", "more detail (-v)", 'v', 0, 0, false },
        { "help", "", "this text (-h)", 'h', 0, 0, false },
        { "version", "", "the version", OPTION_VERSION, 0, 0, false },
};

static int value_of(size_t option)
{
        return options[option].letter ? options[option].letter : OPTION_FIRST + (int)option;
}

static void print_help(void)
{
        printf("sshd-vsock [OPTIONS] VERB\n"
               "\n"
               "SSH over AF_VSOCK for this Linux guest, verified before TCP is closed.\n"
               "\n"
               "Verbs:\n");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                printf("  %-8s %s\n", verbs[i].name, verbs[i].help);
        printf("\nOptions:\n");
        for (size_t i = 0; i < ELEMENTSOF(options); i++) {
                int n = printf("  --%s%s", options[i].name, options[i].word);

                printf("%*s%s\n", n < 18 ? 18 - n : 1, "", options[i].help);
        }
        printf("\n"
               "Exit status:\n"
               "  0 done; 1 failed; 2 bad usage or configuration, nothing touched;\n"
               "  3 applied, but not verifiable here; 4 no SSH server answers over vsock, or no\n"
               "  host can reach it, or nobody can log in through it: nothing was closed;\n"
               "  10 plan, status: there is something to do\n"
               "\n"
               "See sshd-vsock(8) and sshd-vsock.yaml(5).\n");
}

/* `meant` NULL: nothing is near. */
static int usage(struct run *r, const char *what, const char *which, const char *meant)
{
        error_fix(&r->error, "see \"sshd-vsock --help\"");
        (void)error_say(&r->error, 0, "%s%s%s%s%s", what, which, meant ? "; did you mean \"" : "",
                        meant ? meant : "", meant ? "\"?" : "");
        run_say_error(r, LOG_LEVEL_ERROR, &r->error);
        return EXIT_USAGE;
}

/* One that getopt_long(3) knows, and leaves in optopt, has an argument that it cannot have. */
static int unknown_option(struct run *r, const char *word)
{
        AUTO_FREE char *name = strndup(word, strcspn(word, "="));
        char meant[40];
        struct nearest near = { .word = name ? name + strspn(name, "-") : "" };

        for (size_t i = 0; i < ELEMENTSOF(options); i++) {
                if (optopt == value_of(i)) {
                        (void)snprintf(meant, sizeof(meant), "--%s", options[i].name);
                        return usage(r, meant, " takes no argument", NULL);
                }
                nearest_offer(&near, options[i].name);
        }
        (void)snprintf(meant, sizeof(meant), "--%s", near.best ? near.best : "");
        return usage(r, "unknown option ", word, near.best ? meant : NULL);
}

static void store(struct options *o, size_t option)
{
        char *member = (char *)o + options[option].member;

        if (options[option].client)
                o->of_client = options[option].name;
        if (options[option].argument == required_argument)
                *(const char **)(void *)member = optarg;
        else
                *(bool *)member = true;
}

/* -1: go on; otherwise the exit status. */
static int take_option(struct run *r, int c, char *const argv[])
{
        switch (c) {
        case 'q':
                r->log.max = LOG_LEVEL_WARN;
                return -1;
        case 'v':
                r->log.max = LOG_LEVEL_DETAIL;
                return -1;
        case 'h':
                print_help();
                return EXIT_DONE;
        case OPTION_VERSION:
                printf("sshd-vsock %s\n", PROGRAM_VERSION);
                return EXIT_DONE;
        case ':':
                return usage(r, "an argument is missing after ", argv[optind - 1], NULL);
        case '?':
                return unknown_option(r, argv[optind - 1]);
        }
        store(&r->options, (size_t)c - OPTION_FIRST);
        if (r->options.config && !r->options.config[0])
                return usage(r, "--config wants a file name", "", NULL);
        if (r->options.root && !r->options.root[0])
                return usage(r, "--root wants a directory", "", NULL);
        return -1;
}

static int take_options(struct run *r, int argc, char *argv[])
{
        struct option table[ELEMENTSOF(options) + 1] = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                table[i] =
                        (struct option){ options[i].name, options[i].argument, NULL, value_of(i) };
        opterr = 0;
        for (;;) {
                int c = getopt_long(argc, argv, ":qvh", table, NULL), status;

                if (c < 0)
                        return -1;
                status = take_option(r, c, argv);
                /* there is a document also where what is wrong stands before --json */
                while (status == EXIT_USAGE && c >= 0) {
                        c = getopt_long(argc, argv, ":qvh", table, NULL);
                        if (c >= OPTION_FIRST)
                                store(&r->options, (size_t)c - OPTION_FIRST);
                }
                if (status >= 0)
                        return status;
        }
}

/* What the verb has for standard output, as it is or inside the document. */
static int print_result(struct run *r, const char *verb, int status)
{
        AUTO_BUF document = BUF_INIT, text = BUF_INIT;
        struct buf *out = &document;

        if (r->options.json) {
                report_json(r, verb, status, &document);
        } else {
                printable_text(&text, buf_str(&r->text), r->text.len);
                if (verb && strcmp(verb, "plan") == 0 && log_has_colours(STDOUT_FILENO))
                        udiff_colour(buf_str(&text), text.len, &document);
                else
                        out = &text;
        }
        if (text.error < 0)
                out->error = text.error;
        if (r->text.error < 0)
                out->error = r->text.error;
        errno = 0;
        if (out->error < 0 || fwrite(buf_str(out), 1, out->len, stdout) != out->len ||
            fflush(stdout) != 0) {
                if (out->error == 0 && errno == EPIPE)
                        return status; /* nobody reads it any more: the work is what it is */
                log_line(&r->log, LOG_LEVEL_ERROR, "cannot write to standard output");
                return EXIT_WORLD;
        }
        return status;
}

static int unknown_verb(struct run *r, const char *word)
{
        struct nearest near = { .word = word };

        nearest_offer(&near, "help");
        for (size_t i = 0; i < ELEMENTSOF(verbs); i++)
                nearest_offer(&near, verbs[i].name);
        return usage(r, "unknown verb ", word, near.best);
}

static int run_verb(struct run *r, int argc, char *argv[])
{
        const char *word = optind < argc ? argv[optind] : "";
        size_t i = 0;

        if (optind >= argc)
                return print_result(r, NULL, usage(r, "a verb is missing", "", NULL));
        if (optind + 1 < argc)
                return print_result(r, NULL,
                                    usage(r, "too many arguments: ", argv[optind + 1], NULL));
        if (strcmp(word, "help") == 0) {
                print_help();
                return EXIT_DONE;
        }
        while (i < ELEMENTSOF(verbs) && strcmp(word, verbs[i].name) != 0)
                i++;
        if (i == ELEMENTSOF(verbs))
                return print_result(r, NULL, unknown_verb(r, word));
        if (r->options.no_verify && !verbs[i].no_verify)
                return print_result(r, NULL, usage(r, "--no-verify is not for ", word, NULL));
        if (r->options.takeover && !verbs[i].takeover)
                return print_result(r, NULL, usage(r, "--takeover is not for ", word, NULL));
        if (r->options.of_client && !verbs[i].client) {
                AUTO_BUF what = BUF_INIT;

                buf_addf(&what, "--%s is not for ", r->options.of_client);
                return print_result(r, NULL, usage(r, buf_str(&what), word, NULL));
        }
        return print_result(r, verbs[i].name, verbs[i].run(r));
}

/* Started by ssh on behalf of a run of ours, see proxy.h. */
static int run_proxy(struct run *r, const char *port)
{
        int status = run_check_system(r, true);

        if (status == EXIT_DONE && proxy_pass((uint32_t)strtoul(port, NULL, 10), &r->error) < 0)
                status = run_fail(r);
        return status;
}

/* Whoever reads what is said may go away: a pipe into head(1) that closes, or a terminal. Neither
 * must end a run between closing TCP and the second verification. SIGCHLD that a parent ignored
 * would hide how our children end. And what is opened later must not become one of the standard
 * three, or messages would be written into it. */
static void settle_in(void)
{
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGHUP, SIG_IGN);
        (void)signal(SIGXFSZ, SIG_IGN); /* too large a file is EFBIG, and rolled back */
        (void)signal(SIGCHLD, SIG_DFL);
        (void)umask(022); /* for directories; files say their own mode */
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
                if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
                        return;
}

int main(int argc, char *argv[])
{
        struct run r = { .root = ROOTFS_INIT, .lock = LOCK_INIT, .waiting = WAITING_INIT };
        int status;

        settle_in();
        log_init(&r.log, LOG_LEVEL_STEP);
        if (argc == 3 && strcmp(argv[1], PROXY_WORD) == 0)
                return run_proxy(&r, argv[2]);
        status = take_options(&r, argc, argv);
        if (status < 0)
                status = run_verb(&r, argc, argv);
        else if (status == EXIT_USAGE && r.options.json)
                status = print_result(&r, NULL, status);
        run_done(&r);
        return status;
}
