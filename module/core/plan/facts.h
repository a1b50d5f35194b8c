/* SPDX-License-Identifier: MIT
 *
 * facts.h: what kind of system this is: all that the desired state depends on besides the
 * configuration. Gathered once by survey.c (reads only) and a plain value afterwards.
 */
#pragma once

#include "core/format/distro.h"
#include "core/format/passwd.h"
#include "core/format/sshd-settings.h"
#include "core/format/unit-streams.h"
#include "core/plan/config.h"
#include "core/plan/host-transport.h"
#include "core/plan/observed.h"
#include "core/plan/rivals.h"

/* Whether a service that runs has the addresses that its configuration says, or a reload failed or
 * was missed. */
enum stale {
        STALE_NOT,      /* it has, or that cannot be told */
        STALE,          /* it listens where the configuration does not say */
        STALE_CONFINED, /* … and on single addresses only, where the configuration opens others */
};

/* One of distro_tcp_units as found. */
struct tcp_unit {
        bool vendor;       /* a unit file of that name in a vendor directory */
        bool foreign;      /* a file or link of that name in /etc/systemd/system: the admin's */
        bool masked;       /* masked, by whomever */
        bool barred;       /* live: masked in /run, by somebody else: until the next boot */
        bool recorded;     /* our presets say that we masked it, once */
        bool ours;         /* … and masked it still is */
        bool active;       /* live: it runs or listens now */
        bool failed;       /* live: it was to run or listen, and does not */
        bool needs_reload; /* live: systemd has not read its files as they are */
        uint64_t changed;  /* live: when its state last changed; realtime, in microseconds */
        bool enabled;      /* a link in a .wants or .requires directory pulls it in; live: a boot */
        /* live, services: */
        enum stale stale;
        uint32_t main_pid; /* 0: none runs */
        /* live, sockets: */
        bool dropin;              /* systemd has read a drop-in of ours, be it there still or not */
        bool unbound;             /* it is active, and an address of its own is not listened on */
        char listen[LISTEN_SIZE]; /* its stream addresses as systemd has read them, by blanks */
        struct unit_streams streams; /* sockets: where its files have it listen, but for ours */
};

/* An administrator's unit file of our name in a directory that ours goes before: /run,
 * /usr/local/lib, /usr/lib. */
struct covered {
        char *path; /* NULL: there is none */
        char *text;
        size_t len;
};

/* Whether there is such a unit, masked or not. One that is a mere name is named by none of our
 * units: Debian's sshd.service is an alias while ssh.service is enabled. Where a Before= names it,
 * and the alias goes and comes back ("systemctl disable ssh", enable), systemd 252 and 257 read the
 * states of both into one unit and forget that sshd runs. */
bool facts_has_unit(const struct tcp_unit *t);

/* Which homes are looked at: a home may be slow, and is its user's. */
enum homes {
        HOMES_ALL,   /* by what writes: who does not want a .hushlogin may have one of ours */
        HOMES_ASKED, /* of whom `hushlogin` wants it for */
        HOMES_NONE,
};

struct facts {
        enum homes homes;
        bool live;
        bool anybody;             /* live: not root looks, and cannot see all of it */
        bool users_unread;        /* passwd could not be read: there is no telling who there is */
        bool sshd_unread;         /* a file of sshd's could not: nor where it is told to listen */
        char unread[512];         /* what could not be, and why; "": nothing */
        uint64_t now;             /* realtime, in microseconds; 0: not known */
        unsigned systemd_version; /* 0: unknown */
        enum virt virt;
        struct machine machine;
        char *sshd;              /* path inside the system; NULL: no openssh-server */
        char *program;           /* this program inside the system; NULL: the image lacks it */
        unsigned modules;        /* bits 1 << MODULE_…: there as a loadable module */
        unsigned loaded;         /* bits 1 << MODULE_…: loaded or built in (live) */
        unsigned environments;   /* bits: rows of distro_environments that apply */
        unsigned n_host_keys;    /* of those that sshd uses, not empty */
        bool dropins;            /* sshd_config includes our drop-in's path */
        bool sshd_config;        /* /etc/ssh/sshd_config exists, or may exist */
        struct argv sshd_files;  /* sshd_config and what it includes, but not our drop-in */
        struct argv sshd_left;   /* of /etc/ssh, and included no more, with lines of ours in them */
        bool sshd_beyond;        /* there are more, or more left, than anybody can look through */
        uint16_t sshd_ports[16]; /* every Port in them; none: 22 */
        size_t n_sshd_ports;
        struct argv sshd_listen; /* their ListenAddress lines, be they commented out by us or not */
        bool key_credential;     /* live: it was booted with keys that ours can accept */
        bool generated_listener; /* systemd's generator provides the wanted vsock listener, and it
                                answers */
        struct tcp_unit tcp[N_TCP_UNITS];
        struct argv sockets;   /* other socket units that links of /etc or the vendor pull in */
        struct argv own_tcp;   /* drop-ins that have our own socket unit listen on TCP, too */
        struct argv late_tcp;  /* drop-ins behind ours that name TCP ports of sshd's socket units */
        struct argv recorded;  /* socket units that our presets say we masked */
        unsigned joint_preset; /* bits of distro_tcp_units that PATH_PRESET records, as 0.1.0 did */
        struct covered covered_socket, covered_template;
        bool covered_enabled; /* a link that we do not make enables our socket unit's name */
        struct rival *rivals; /* those with a stream on vsock, or that had one before ours */
        size_t n_rivals;
        struct users users;
        unsigned verify_timeout; /* seconds, as configured; 0: the default */
        char *embedded; /* configuration to carry in the provision unit; NULL: the system's own file
                         */
        /* what sshd's command and its files say, as far as a scan tells; of addresses those of the
         * command, and of the file that it names instead of sshd_config */
        struct sshd_settings sshd_settings;
        struct argv sshd_options; /* that its units pass on, by their environment files */
};

void facts_free(struct facts *f);

/* The host keys' paths that sshd would use, one after the other; NULL at the end. */
const char *facts_host_key(const struct facts *f, size_t i);
