/* SPDX-License-Identifier: MIT
 *
 * run-port.c: the part of run.h that goes by the socket unit where the configuration is for root
 * alone: its port is all that is known then. Reads; changes nothing.
 */
#include "cli/run.h"

#include "core/format/unit-streams.h"

#include <errno.h>
#include <string.h>

#define UNIT_MAX ((size_t)64 << 10)

bool run_config_is_hidden(const struct run *r)
{
        AUTO_FREE char *text = NULL;

        return !r->root.image && geteuid() != 0 &&
               rootfs_read(&r->root, CONFIG_PATH_DEFAULT, CONFIG_SIZE_MAX, &text, NULL, NULL) ==
                       -EACCES;
}

/* The socket unit as it is, be it systemd's own. */
static uint32_t find_port(struct run *r)
{
        static const char *const units[] = { SYSTEM_UNIT_DIR "/" UNIT_SOCKET,
                                             "/run/systemd/generator/" UNIT_SOCKET };
        static const char wanted[] = "ListenStream=vsock:";

        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                AUTO(unit_streams_free) struct unit_streams streams = { 0 };
                AUTO_FREE char *text = NULL;
                const char *at, *port;
                size_t len;

                if (rootfs_read(&r->root, units[i], UNIT_MAX, &text, &len, NULL) < 0 ||
                    unit_streams_read(&streams, text, len) < 0)
                        continue;
                at = strstr(buf_str(&streams.others), wanted);
                port = at ? strchr(at + strlen(wanted), ':') : NULL;
                if (!port)
                        continue;
                log_line(&r->log, LOG_LEVEL_DETAIL, "%s is for root alone: the port is that of %s",
                         CONFIG_PATH_DEFAULT, units[i]);
                return (uint32_t)strtoul(port + 1, NULL, 10);
        }
        return 0;
}

/* All else is as by default. */
static int take_port(struct run *r, uint32_t port)
{
        struct config_error d = CONFIG_ERROR_INIT(CONFIG_PATH_DEFAULT);
        int rc = config_parse("", 0, NULL, &d, &r->config);

        config_error_free(&d);
        if (rc < 0) {
                (void)error_set(&r->error, -ENOMEM, "cannot read the configuration");
                return run_fail(r);
        }
        r->config.port = port;
        r->config_hidden = true;
        return EXIT_DONE;
}

int run_read_config_or_port(struct run *r)
{
        uint32_t port = !r->options.config && run_config_is_hidden(r) ? find_port(r) : 0;

        return port ? take_port(r, port) : run_read_config(r);
}
