/* SPDX-License-Identifier: MIT
 *
 * elf-file.c: see elf-file.h. Reads the headers, the dynamic section, its string table and the
 * notes, each as a whole and none beyond a limit; sections and symbols are not looked at.
 */
#include "core/format/elf-file.h"

#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define SEGMENTS_MAX 64
#define TABLE_MAX    ((uint64_t)1 << 20) /* bytes of one table; glibc's string table has 35 KiB */
#define DLOPEN_NOTE  0x407c0c0a
#define LOADED_MAX   (2 * TABLE_MAX) /* of all of them */
#define RECORDS_MAX  512             /* of versions */
#define NEEDED_MAX   64              /* libraries; each is looked for in every directory */

/* One table of the file in memory, ended by a NUL byte. */
struct table {
        char *data;
        size_t size;
};

struct segment {
        uint64_t type, offset, address, size;
};

struct reader {
        const struct elf_source *source;
        struct elf_file *elf;
        struct segment segments[SEGMENTS_MAX];
        size_t n_segments;
        struct table strings;
        uint64_t loaded;
        int error;            /* of the world */
        enum elf_state state; /* the first fault found */
};

static void table_free(struct table *t)
{
        free(t->data);
}

static void fault(struct reader *r, enum elf_state state)
{
        if (r->state == ELF_GOOD)
                r->state = state;
}

/* Bytes of the file. False: there is a fault, or they cannot be had. */
static bool load(struct reader *r, uint64_t offset, uint64_t size, struct table *ret)
{
        ssize_t n;

        if (size > TABLE_MAX || offset > UINT64_MAX - size || r->loaded > LOADED_MAX - size)
                fault(r, ELF_BAD);
        else if (offset + size > r->source->size)
                fault(r, ELF_SHORT);
        if (r->state != ELF_GOOD || r->error < 0)
                return false;
        r->loaded += size;
        ret->data = calloc(1, size + 1);
        ret->size = size;
        if (!ret->data) {
                r->error = -ENOMEM;
                return false;
        }
        n = r->source->read(r->source->userdata, offset, ret->data, size);
        if (n < 0)
                r->error = -EIO;
        else if ((size_t)n < size)
                fault(r, ELF_SHORT);
        return r->error == 0 && r->state == ELF_GOOD;
}

/* A number of 2, 4 or 8 bytes; beyond the table it is 0 and a fault. */
static uint64_t number(struct reader *r, const struct table *t, uint64_t at, size_t width)
{
        uint64_t value = 0;

        if (at > t->size || width > t->size - at) {
                fault(r, ELF_BAD);
                return 0;
        }
        for (size_t i = 0; i < width; i++)
                value = value << 8 | (unsigned char)t->data[at + (r->elf->big ? i : width - 1 - i)];
        return value;
}

static uint64_t word(struct reader *r, const struct table *t, uint64_t at)
{
        return number(r, t, at, r->elf->bits / 8);
}

/* A name of a file or a version: what is longer than a file's name can be is none, and would be
 * kept a thousand times. */
static const char *string(struct reader *r, uint64_t at)
{
        if (at < r->strings.size && strnlen(r->strings.data + at, NAME_MAX + 1) <= NAME_MAX)
                return r->strings.data + at;
        fault(r, ELF_BAD);
        return "";
}

static void keep(struct reader *r, struct argv *list, const char *text)
{
        if (list->n >= (size_t)2 * RECORDS_MAX)
                fault(r, ELF_BAD);
        else if (r->error == 0)
                r->error = argv_adds(list, text);
}

/* What is beyond the limit is not looked for, and so not missed. */
static void need(struct reader *r, const char *library)
{
        if (!r->source->no_needs && r->elf->needed.n < NEEDED_MAX)
                keep(r, &r->elf->needed, library);
}

static void read_segments(struct reader *r, const struct table *header)
{
        bool wide = r->elf->bits == 64;
        uint64_t at = word(r, header, wide ? 32 : 28);
        uint64_t each = number(r, header, wide ? 54 : 42, 2);
        uint64_t n = number(r, header, wide ? 56 : 44, 2);
        AUTO(table_free) struct table t = { 0 };

        if (each < (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)) || n == 0 || n > SEGMENTS_MAX) {
                fault(r, ELF_BAD);
                return;
        }
        if (!load(r, at, n * each, &t))
                return;
        for (r->n_segments = 0; r->n_segments < n; r->n_segments++) {
                uint64_t from = r->n_segments * each;
                struct segment *s = &r->segments[r->n_segments];

                s->type = number(r, &t, from, 4);
                s->offset = word(r, &t, from + (wide ? 8 : 4));
                s->address = word(r, &t, from + (wide ? 16 : 8));
                s->size = word(r, &t, from + (wide ? 32 : 16));
                if (s->offset > r->source->size || s->size > r->source->size - s->offset)
                        fault(r, ELF_SHORT);
        }
}

static const struct segment *segment(const struct reader *r, uint64_t type)
{
        for (size_t i = 0; i < r->n_segments; i++)
                if (r->segments[i].type == type)
                        return &r->segments[i];
        return NULL;
}

/* What lies at the address, up to the end of its segment or `size` bytes. */
static bool load_address(struct reader *r, uint64_t address, uint64_t size, struct table *ret)
{
        for (size_t i = 0; i < r->n_segments; i++) {
                const struct segment *s = &r->segments[i];
                uint64_t into = address - s->address;

                if (s->type != PT_LOAD || address < s->address || into >= s->size)
                        continue;
                return load(r, s->offset + into, size < s->size - into ? size : s->size - into,
                            ret);
        }
        fault(r, ELF_BAD);
        return false;
}

/* Records that lead to the next by its distance; so do those that each of them has. */
static void read_wanted(struct reader *r, uint64_t address)
{
        AUTO(table_free) struct table t = { 0 };
        uint64_t at = 0, records = 0;

        if (!load_address(r, address, TABLE_MAX / 4, &t))
                return;
        for (uint64_t next = 1; next && r->state == ELF_GOOD && r->error == 0; at += next) {
                const char *library = string(r, number(r, &t, at + 4, 4));
                uint64_t names = number(r, &t, at + 2, 2), name = at + number(r, &t, at + 8, 4);

                for (; names > 0 && r->state == ELF_GOOD; names--) {
                        keep(r, &r->elf->wants, library);
                        keep(r, &r->elf->wants, string(r, number(r, &t, name + 8, 4)));
                        name += number(r, &t, name + 12, 4);
                }
                next = number(r, &t, at + 12, 4);
                if (++records > RECORDS_MAX)
                        fault(r, ELF_BAD);
        }
}

/* Of each version its own name; those that follow are what it is built on. */
static void read_had(struct reader *r, uint64_t address)
{
        AUTO(table_free) struct table t = { 0 };
        uint64_t at = 0;

        if (!load_address(r, address, TABLE_MAX / 4, &t))
                return;
        for (uint64_t next = 1; next && r->state == ELF_GOOD && r->error == 0; at += next) {
                uint64_t name = at + number(r, &t, at + 12, 4);

                keep(r, &r->elf->has, string(r, number(r, &t, name, 4)));
                next = number(r, &t, at + 16, 4);
        }
}

/* The value of the first entry with that tag; 0: none. */
static uint64_t entry(struct reader *r, const struct table *t, uint64_t tag)
{
        size_t width = r->elf->bits / 8;

        for (uint64_t at = 0; at + 2 * width <= t->size && word(r, t, at) != DT_NULL;
             at += 2 * width)
                if (word(r, t, at) == tag)
                        return word(r, t, at + width);
        return 0;
}

static void read_dynamic(struct reader *r, const struct segment *s)
{
        AUTO(table_free) struct table t = { 0 };
        size_t width = r->elf->bits / 8;
        uint64_t address;

        if (!load(r, s->offset, s->size, &t) ||
            !load_address(r, entry(r, &t, DT_STRTAB), entry(r, &t, DT_STRSZ), &r->strings))
                return;
        for (uint64_t at = 0; at + 2 * width <= t.size && word(r, &t, at) != DT_NULL;
             at += 2 * width)
                if (word(r, &t, at) == DT_NEEDED)
                        need(r, string(r, word(r, &t, at + width)));
        r->elf->own_path = entry(r, &t, DT_RPATH) || entry(r, &t, DT_RUNPATH);
        address = entry(r, &t, DT_VERNEED);
        if (address)
                read_wanted(r, address);
        address = entry(r, &t, DT_VERDEF);
        if (address)
                read_had(r, address);
}

static void read_loader(struct reader *r, const struct segment *s)
{
        AUTO(table_free) struct table t = { 0 };

        if (!load(r, s->offset, s->size, &t))
                return;
        r->elf->loader = strdup(t.data);
        if (!r->elf->loader)
                r->error = -ENOMEM;
}

/* A library of several that will do is none that it needs. */
static void read_sonames(struct reader *r, const char *text)
{
        static const char before[] = "\"soname\":[\"";

        for (const char *at = strstr(text, before); at; at = strstr(at, before)) {
                AUTO_FREE char *name = NULL;
                size_t n;

                at += strlen(before);
                n = strcspn(at, "\"");
                if (strncmp(at + n, "\"]", 2) != 0)
                        continue;
                name = strndup(at, n);
                if (!name)
                        r->error = -ENOMEM;
                else
                        need(r, name);
        }
}

/* What it loads by itself (uapi-group.org/specifications/specs/elf_dlopen_metadata). Notes that
 * make no sense are nobody's. */
static void read_notes(struct reader *r, const struct segment *s)
{
        AUTO(table_free) struct table t = { 0 };

        if (s->size > TABLE_MAX || !load(r, s->offset, s->size, &t))
                return;
        for (uint64_t at = 0; t.size >= 12 && at <= t.size - 12;) {
                uint64_t name = at + 12, text = name + ((number(r, &t, at, 4) + 3) & ~UINT64_C(3)),
                         size = number(r, &t, at + 4, 4);

                if (text > t.size || size > t.size - text)
                        return;
                if (number(r, &t, at + 8, 4) == DLOPEN_NOTE && strcmp(&t.data[name], "FDO") == 0)
                        read_sonames(r, t.data + text);
                at = text + ((size + 3) & ~UINT64_C(3));
        }
}

static void read_file(struct reader *r)
{
        AUTO(table_free) struct table header = { 0 };
        const struct segment *s;

        if (!load(r, 0, r->source->size < sizeof(Elf64_Ehdr) ? r->source->size : sizeof(Elf64_Ehdr),
                  &header))
                return;
        if (strncmp(header.data, "#!", 2) == 0) {
                fault(r, ELF_SCRIPT);
                return;
        }
        if (header.size < EI_NIDENT || memcmp(header.data, ELFMAG, SELFMAG) != 0) {
                fault(r, ELF_NONE);
                return;
        }
        r->elf->bits = header.data[EI_CLASS] == ELFCLASS64 ? 64 : 32;
        r->elf->big = header.data[EI_DATA] == ELFDATA2MSB;
        r->elf->machine = (unsigned)number(r, &header, 18, 2);
        if (number(r, &header, 16, 2) != ET_EXEC && number(r, &header, 16, 2) != ET_DYN)
                fault(r, ELF_BAD);
        read_segments(r, &header);
        s = r->state == ELF_GOOD ? segment(r, PT_INTERP) : NULL;
        if (s)
                read_loader(r, s);
        s = r->state == ELF_GOOD ? segment(r, PT_DYNAMIC) : NULL;
        if (s)
                read_dynamic(r, s);
        for (size_t i = 0; i < r->n_segments; i++)
                if (r->segments[i].type == PT_NOTE && !r->source->no_needs && r->state == ELF_GOOD)
                        read_notes(r, &r->segments[i]);
}

int elf_read(const struct elf_source *source, enum elf_state *ret_state, struct elf_file *ret)
{
        struct elf_file elf = { 0 };
        struct reader r = { .source = source, .elf = &elf };

        read_file(&r);
        table_free(&r.strings);
        *ret_state = r.state;
        if (r.error < 0 || r.state != ELF_GOOD)
                elf_free(&elf);
        *ret = elf;
        return r.error;
}

void elf_free(struct elf_file *e)
{
        free(e->loader);
        argv_free(&e->needed);
        argv_free(&e->wants);
        argv_free(&e->has);
        *e = (struct elf_file){ 0 };
}

bool elf_same_machine(const struct elf_file *a, const struct elf_file *b)
{
        return a->bits == b->bits && a->big == b->big && a->machine == b->machine;
}

void elf_name(const struct elf_file *e, char *ret, size_t size)
{
        static const struct {
                unsigned machine;
                const char *name;
        } names[] = {
                { EM_X86_64, "x86_64" }, { EM_386, "i386" },    { EM_AARCH64, "aarch64" },
                { EM_ARM, "arm" },       { EM_RISCV, "riscv" }, { EM_PPC64, "ppc64" },
                { EM_S390, "s390x" },    { EM_MIPS, "mips" },
        };
        const char *name = NULL;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (names[i].machine == e->machine)
                        name = names[i].name;
        if (name)
                (void)snprintf(ret, size, "%u-bit %s%s", e->bits, e->big ? "big-endian " : "",
                               name);
        else
                (void)snprintf(ret, size, "%u-bit machine %u", e->bits, e->machine);
}
