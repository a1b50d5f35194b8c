/* SPDX-License-Identifier: MIT
 *
 * elf-file.h: what a program or a library says of itself that decides whether a system can run it:
 * its machine, its dynamic loader, the libraries it needs with their symbol versions, and those it
 * has. By ELF's gABI and the GNU extensions of it (LSB Core, "Symbol Versioning"). Nothing is
 * believed: offsets are looked at before they are used. Pure.
 */
#pragma once

#include "core/util/argv.h"

/* Where its bytes come from: as pread(2), 0 beyond its end, -1 for what cannot be read. */
struct elf_source {
        ssize_t (*read)(void *userdata, uint64_t offset, void *buffer, size_t size);
        void *userdata;
        uint64_t size;
        bool no_needs; /* what it needs is not asked for, only what it is and has */
};

enum elf_state {
        ELF_GOOD,
        ELF_NONE,   /* no ELF file */
        ELF_SCRIPT, /* "#!" */
        ELF_SHORT,  /* it ends before its own tables say */
        ELF_BAD,    /* tables that make no sense, or nothing that could run */
};

struct elf_file {
        unsigned bits; /* 32 or 64 */
        bool big;      /* big endian */
        unsigned machine;
        char *loader;       /* NULL: none, as in a library */
        bool own_path;      /* it says itself where libraries are (RPATH, RUNPATH) */
        struct argv needed; /* by the dynamic loader, or by itself at need */
        struct argv wants;  /* pairs: a library, a version of it */
        struct argv has;    /* versions */
};

/* ELF_GOOD fills *ret, which is the caller's to free; anything else leaves it empty. -ENOMEM, or
 * -EIO for what cannot be read. */
int elf_read(const struct elf_source *source, enum elf_state *ret_state,
             struct elf_file *ret) MUST_CHECK;
void elf_free(struct elf_file *e);

/* Of the same machine: what one can load of the other. */
bool elf_same_machine(const struct elf_file *a, const struct elf_file *b);

/* "64-bit aarch64", "32-bit big-endian arm"; the machine by name, or its number. Size:
 * ELF_NAME_MAX.
 */
#define ELF_NAME_MAX 48
void elf_name(const struct elf_file *e, char *ret, size_t size);
