/* SPDX-License-Identifier: MIT
 *
 * libsystemd.h: the library of sd-bus and sd-journal, loaded when somebody speaks to systemd or the
 * journal: an image needs neither, and its ten libraries cost more than all the work there. The
 * only user of dlopen(3).
 *
 * What is called of the library is called by its own name, which is a macro below: a function that
 * is not in the table does not link, one of another type does not compile.
 */
#pragma once

#include "core/util/error.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-journal.h>
#include <systemd/sd-login.h>

#define LIBSYSTEMD_SONAME "libsystemd.so.0"

#define LIBSYSTEMD_FUNCTIONS(F)                                                                    \
        F(sd_bus_call)                                                                             \
        F(sd_bus_call_method)                                                                      \
        F(sd_bus_error_free)                                                                       \
        F(sd_bus_error_has_name)                                                                   \
        F(sd_bus_flush_close_unref)                                                                \
        F(sd_bus_get_property)                                                                     \
        F(sd_bus_get_property_string)                                                              \
        F(sd_bus_get_property_trivial)                                                             \
        F(sd_bus_match_signal)                                                                     \
        F(sd_bus_message_at_end)                                                                   \
        F(sd_bus_message_enter_container)                                                          \
        F(sd_bus_message_exit_container)                                                           \
        F(sd_bus_message_new_method_call)                                                          \
        F(sd_bus_message_read)                                                                     \
        F(sd_bus_message_skip)                                                                     \
        F(sd_bus_message_unref)                                                                    \
        F(sd_bus_new)                                                                              \
        F(sd_bus_open_system)                                                                      \
        F(sd_bus_process)                                                                          \
        F(sd_bus_set_address)                                                                      \
        F(sd_bus_start)                                                                            \
        F(sd_bus_unref)                                                                            \
        F(sd_bus_wait)                                                                             \
        F(sd_journal_add_match)                                                                    \
        F(sd_journal_close)                                                                        \
        F(sd_journal_get_data)                                                                     \
        F(sd_journal_get_realtime_usec)                                                            \
        F(sd_journal_open)                                                                         \
        F(sd_journal_previous)                                                                     \
        F(sd_journal_seek_tail)                                                                    \
        F(sd_journal_send_with_location)                                                           \
        F(sd_pid_get_session)                                                                      \
        F(sd_pid_get_unit)

struct libsystemd {
#define LIBSYSTEMD_MEMBER(name) __typeof__(name)(*(name));
        LIBSYSTEMD_FUNCTIONS(LIBSYSTEMD_MEMBER)
#undef LIBSYSTEMD_MEMBER
};

/* 0 when it is loaded, by this call or one before. Nothing unloads it. */
int libsystemd_load(struct error *error) MUST_CHECK;

/* All of it is NULL before. */
const struct libsystemd *libsystemd(void);

#define sd_bus_call                    libsystemd()->sd_bus_call
#define sd_bus_call_method             libsystemd()->sd_bus_call_method
#define sd_bus_error_free              libsystemd()->sd_bus_error_free
#define sd_bus_error_has_name          libsystemd()->sd_bus_error_has_name
#define sd_bus_flush_close_unref       libsystemd()->sd_bus_flush_close_unref
#define sd_bus_get_property            libsystemd()->sd_bus_get_property
#define sd_bus_get_property_string     libsystemd()->sd_bus_get_property_string
#define sd_bus_get_property_trivial    libsystemd()->sd_bus_get_property_trivial
#define sd_bus_match_signal            libsystemd()->sd_bus_match_signal
#define sd_bus_message_at_end          libsystemd()->sd_bus_message_at_end
#define sd_bus_message_enter_container libsystemd()->sd_bus_message_enter_container
#define sd_bus_message_exit_container  libsystemd()->sd_bus_message_exit_container
#define sd_bus_message_new_method_call libsystemd()->sd_bus_message_new_method_call
#define sd_bus_message_read            libsystemd()->sd_bus_message_read
#define sd_bus_message_skip            libsystemd()->sd_bus_message_skip
#define sd_bus_message_unref           libsystemd()->sd_bus_message_unref
#define sd_bus_new                     libsystemd()->sd_bus_new
#define sd_bus_open_system             libsystemd()->sd_bus_open_system
#define sd_bus_process                 libsystemd()->sd_bus_process
#define sd_bus_set_address             libsystemd()->sd_bus_set_address
#define sd_bus_start                   libsystemd()->sd_bus_start
#define sd_bus_unref                   libsystemd()->sd_bus_unref
#define sd_bus_wait                    libsystemd()->sd_bus_wait
#define sd_journal_add_match           libsystemd()->sd_journal_add_match
#define sd_journal_close               libsystemd()->sd_journal_close
#define sd_journal_get_data            libsystemd()->sd_journal_get_data
#define sd_journal_get_realtime_usec   libsystemd()->sd_journal_get_realtime_usec
#define sd_journal_open                libsystemd()->sd_journal_open
#define sd_journal_previous            libsystemd()->sd_journal_previous
#define sd_journal_seek_tail           libsystemd()->sd_journal_seek_tail
/* which sd-journal.h's own sd_journal_send() calls, with the place */
#define sd_journal_send_with_location libsystemd()->sd_journal_send_with_location
#define sd_pid_get_session            libsystemd()->sd_pid_get_session
#define sd_pid_get_unit               libsystemd()->sd_pid_get_unit
