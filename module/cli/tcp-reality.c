/* SPDX-License-Identifier: MIT
 *
 * tcp-reality.c: see tcp-reality.h. The kernel has the last word, not sshd_config: another file, an
 * option of the unit, a second unit or an address that is not there make sshd listen elsewhere, or
 * nowhere.
 */
#include "cli/tcp-reality.h"

#include "core/plan/sshd-listen.h"
#include "core/util/words.h"
#include "host/clock.h"
#include "host/journal.h"

#include <errno.h>
#include <string.h>

#define SETTLE_SECONDS 10 /* until sshd, told to re-read its files, listens anew */
#define REST_SECONDS   3  /* … on the rest of its addresses, once it does on one */
#define AGAIN_SECONDS  1  /* where this run has changed nothing about TCP */
#define FEW            5
#define BEFORE_ITS_END 10000000u /* microseconds in which a unit says why it ends */

/* The unit that should listen, one that runs, or failed and is to run, with what it said last, ""
 * where it said nothing; NULL: none. */
static const char *unit_due(struct run *r, char *words, size_t size)
{
        for (size_t i = 0; i < N_TCP_UNITS; i++) {
                const struct tcp_unit *t = &r->facts.tcp[i];
                struct unit_state s;

                if (!facts_has_unit(t) ||
                    systemd_unit(r->systemd, distro_tcp_units[i], &s, NULL) < 0 || s.masked ||
                    !(s.active || (s.failed && t->enabled)))
                        continue;
                if (size > 0)
                        words[0] = '\0';
                if (size > 0 && (s.failed || s.starting))
                        journal_last_words(distro_tcp_units[i],
                                           s.changed > BEFORE_ITS_END ? s.changed - BEFORE_ITS_END
                                                                      : 0,
                                           words, size);
                return distro_tcp_units[i];
        }
        if (size > 0)
                words[0] = '\0';
        return NULL;
}

static bool is_due(struct run *r)
{
        char words[8];

        return r->tcp.before.len > 0 || unit_due(r, words, 0);
}

static bool look_at_wanted(struct run *r, const char *all)
{
        bool heard = false;

        for (size_t i = 0; i < r->config.n_listen; i++) {
                const struct listen_address *l = &r->config.listen[i];

                if (listen_heard(l, all) && tcp_listeners_is_here(l->address)) {
                        heard = true;
                        continue;
                }
                buf_adds(&r->tcp.missing, r->tcp.missing.len ? " " : "");
                listen_name(l, &r->tcp.missing);
        }
        return heard;
}

void tcp_look(struct run *r)
{
        AUTO_BUF all = BUF_INIT;
        bool beyond = false;

        run_find_listeners(r);
        buf_free(&r->tcp.missing);
        r->tcp.down = false;
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                struct tcp_listener *l = &r->tcp.listeners.list[i];

                if (r->config.disable_tcp)
                        buf_adds(&l->beyond, buf_str(&l->addresses));
                else if (r->config.n_listen > 0)
                        listen_beyond(&r->config, buf_str(&l->addresses), &l->beyond);
                beyond = beyond || l->beyond.len > 0;
                buf_add_word(&all, buf_str(&l->addresses), l->addresses.len);
        }
        if (r->tcp.known && r->config.n_listen > 0)
                r->tcp.down = !look_at_wanted(r, buf_str(&all)) && !beyond && is_due(r);
}

static bool has_beyond(const struct run *r)
{
        for (size_t i = 0; i < r->tcp.listeners.n; i++)
                if (r->tcp.listeners.list[i].beyond.len > 0)
                        return true;
        return false;
}

static void settle(struct run *r, unsigned seconds)
{
        uint64_t start = clock_now(), end = clock_deadline(seconds);
        AUTO_WAITING waiting = WAITING_INIT;

        waiting_begin(&r->log, &waiting, "sshd to listen on TCP as the configuration says");
        r->tcp.settled = true;
        for (;; clock_pause(100)) {
                bool open;

                tcp_look(r);
                open = has_beyond(r) || r->tcp.down;
                if (r->config.n_listen == 0 || !r->tcp.known || clock_now() >= end ||
                    (!open && (r->tcp.missing.len == 0 || r->tcp.listeners.n == 0 ||
                               clock_now() >= start + UINT64_C(1000000) * REST_SECONDS)))
                        return;
        }
}

/* Whether this run told a unit of TCP to listen otherwise. */
static bool was_told(const struct run *r)
{
        return PLAN_FIRST(&r->plan, .done = true, .job = true, .tcp = true);
}

static void note_addresses(const struct run *r, struct buf *out)
{
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                const struct buf *addresses = &r->tcp.listeners.list[i].addresses;

                buf_add_word(out, buf_str(addresses), addresses->len);
        }
}

static void fix_absent(struct run *r)
{
        error_fix(&r->error,
                  "name an address of this machine in listen_address (\"ip address\" shows "
                  "them), or give it one of these; then \"sshd-vsock apply\"");
}

static bool none_is_here(const struct run *r)
{
        for (size_t i = 0; i < r->config.n_listen; i++)
                if (tcp_listeners_is_here(r->config.listen[i].address))
                        return false;
        return r->config.n_listen > 0;
}

int tcp_note(struct run *r)
{
        tcp_look(r);
        buf_free(&r->tcp.before);
        note_addresses(r, &r->tcp.before);
        if (!none_is_here(r) || !is_due(r))
                return r->tcp.before.error;
        fix_absent(r);
        return error_say(&r->error, -EADDRNOTAVAIL,
                         "no address of listen_address is one of this machine's: %s",
                         buf_str(&r->tcp.missing));
}

/* TCP is down: says so in run.error, with the unit that should listen. */
static void blame(struct run *r)
{
        char words[256];
        const char *unit = unit_due(r, words, sizeof(words));
        AUTO_BUF detail = BUF_INIT;

        r->error = (struct error){ 0 };
        if (none_is_here(r))
                fix_absent(r);
        else if (unit)
                error_fix(&r->error,
                          "see \"journalctl -u %s\"; when that is corrected, \"systemctl "
                          "reset-failed %s; systemctl restart %s; sshd-vsock apply\"",
                          unit, unit, unit);
        if (unit)
                buf_addf(&detail, "%s%s%s", unit, words[0] ? ": " : "", words);
        (void)cause_set(&r->error, CAUSE_TCP_DOWN, buf_str(&detail), -EADDRNOTAVAIL);
}

int tcp_expect(struct run *r)
{
        settle(r, SETTLE_SECONDS);
        if (!r->tcp.down)
                return 0;
        blame(r);
        return -EADDRNOTAVAIL;
}

/* One that ran, rather than one that only starts at boot, that rather than one that is only there;
 * none that somebody else has masked. */
static int rank(const struct tcp_unit *t)
{
        return !facts_has_unit(t) || (t->masked && !t->ours) ? 0 : 1 + t->enabled + 2 * t->active;
}

/* NULL: sshd has no unit. */
static const char *unit_before(const struct run *r)
{
        size_t best = 0;

        for (size_t i = 1; i < N_TCP_UNITS; i++)
                if (rank(&r->facts.tcp[i]) > rank(&r->facts.tcp[best]))
                        best = i;
        return rank(&r->facts.tcp[best]) > 0 ? distro_tcp_units[best] : NULL;
}

static void fix_gone(struct run *r, struct buf *out)
{
        const char *unit = unit_due(r, NULL, 0);

        if (!unit)
                unit = unit_before(r);
        if (unit)
                buf_addf(
                        out,
                        "correct what \"systemctl status %s\" shows, then \"systemctl restart %s\"",
                        unit, unit);
        else
                buf_adds(out, "start sshd as it was started before");
}

bool tcp_is_back(struct run *r)
{
        uint64_t end = clock_deadline(SETTLE_SECONDS);
        AUTO_BUF gone = BUF_INIT, fix = BUF_INIT;
        const char *at;

        for (;; clock_pause(100)) {
                AUTO_BUF now = BUF_INIT;

                tcp_look(r);
                if (!r->tcp.known)
                        return true;
                note_addresses(r, &now);
                buf_free(&gone);
                at = buf_str(&r->tcp.before);
                for (struct word w; word_next(&at, ' ', &w);)
                        if (!word_is_in(buf_str(&now), w.text, w.len))
                                buf_add_word(&gone, w.text, w.len);
                if (gone.len == 0)
                        return true;
                if (clock_now() >= end)
                        break;
        }
        fix_gone(r, &fix);
        log_line(&r->log, LOG_LEVEL_ERROR,
                 "rollback incomplete: nothing listens on %s any more; fix: %s", buf_str(&gone),
                 buf_str(&fix));
        return false;
}

static void message_beyond(struct run *r, const struct tcp_listener *l)
{
        AUTO_BUF text = BUF_INIT;

        listener_describe(l, &l->beyond, &text);
        log_event(&r->log, LOG_EVENT_TCP_OPEN, LOG_LEVEL_ERROR, causes[CAUSE_TCP_OPEN].id,
                  "sshd %s: %s; fix: %s",
                  r->config.disable_tcp ? "still listens on TCP"
                                        : "listens on TCP beyond listen_address",
                  buf_str(&text), buf_str(&l->cure));
        error_fix(&r->error, "%s", buf_str(&l->cure));
        (void)cause_set(&r->error, CAUSE_TCP_OPEN, "", 0);
}

int tcp_check(struct run *r)
{
        size_t n = 0;

        if (!r->config.disable_tcp && r->config.n_listen == 0)
                return EXIT_DONE;
        settle(r, was_told(r) && !r->tcp.settled ? SETTLE_SECONDS : AGAIN_SECONDS);
        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                struct tcp_listener *l = &r->tcp.listeners.list[i];

                if (l->beyond.len == 0)
                        continue;
                tcp_fix(r, l, &l->cure);
                if (n++ < FEW)
                        message_beyond(r, l);
        }
        if (n > FEW)
                log_line(&r->log, LOG_LEVEL_ERROR,
                         "… and %zu more sshd, which \"sshd-vsock "
                         "status\" shows",
                         n - FEW);
        if (r->tcp.down) {
                AUTO_BUF fix = BUF_INIT;

                blame(r);
                run_add_fix(r, r->error.fix, &fix);
                log_event(&r->log, LOG_EVENT_TCP_DOWN, LOG_LEVEL_ERROR, causes[CAUSE_TCP_DOWN].id,
                          "%s; fix: %s", r->error.text, buf_str(&fix));
        } else if (r->tcp.missing.len > 0 && n == 0 && r->tcp.listeners.n > 0) {
                log_line(&r->log, LOG_LEVEL_WARN, "no sshd listens on %s of listen_address",
                         buf_str(&r->tcp.missing));
        }
        return n > 0 || r->tcp.down ? EXIT_WORLD : EXIT_DONE;
}

void tcp_claim(const struct run *r, struct buf *out)
{
        if (r->config.disable_tcp)
                buf_adds(out, "closed TCP");
        else if (!r->tcp.known)
                buf_adds(out, "listen_address is set; who listens cannot be seen");
        else if (r->tcp.listeners.n == 0)
                buf_adds(out, "listen_address is set; no sshd runs on TCP");
        else
                buf_addf(out, "TCP listens as listen_address says%s%s",
                         r->tcp.missing.len ? ", but for " : "", buf_str(&r->tcp.missing));
}

/* A listener that nobody wants and this plan neither stops nor has listen elsewhere. */
static bool is_stray(const struct run *r, const struct tcp_listener *l)
{
        return l->beyond.len > 0 && !PLAN_FIRST(&r->plan, .job = true, .name = l->unit);
}

/* What a plan that has still to be run will do about it is drift already. */
static bool is_down(const struct run *r)
{
        return r->tcp.down && !plan_has(&r->plan, PHASE_CLOSE);
}

void tcp_find_drift(struct run *r)
{
        struct buf *out = &r->tcp.drift;

        for (size_t i = 0; i < r->tcp.listeners.n; i++) {
                struct tcp_listener *l = &r->tcp.listeners.list[i];

                if (!is_stray(r, l))
                        continue;
                tcp_fix(r, l, &l->cure);
                buf_addf(out, "sshd %s; fix: %s\n",
                         r->config.disable_tcp ? "still listens on TCP"
                                               : "listens on TCP beyond listen_address",
                         buf_str(&l->cure));
        }
        if (!is_down(r))
                return;
        blame(r);
        buf_addf(out, "%s; fix: ", r->error.text);
        run_add_fix(r, r->error.fix, out);
        buf_adds(out, "\n");
}
