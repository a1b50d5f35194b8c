/* SPDX-License-Identifier: MIT
 *
 * test_elf_file.c: what is read out of this very test program, out of files made by hand, and out
 * of what is left of both when bytes are missing or wrong.
 */
#include "core/format/elf-file.h"
#include "full.h"

#include <elf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct bytes {
        unsigned char *data;
        size_t size;
};

static ssize_t read_at(void *userdata, uint64_t offset, void *buffer, size_t size)
{
        const struct bytes *b = userdata;
        size_t n = offset >= b->size ? 0 : b->size - offset < size ? b->size - offset : size;

        memcpy(buffer, b->data + (n ? offset : 0), n);
        return (ssize_t)n;
}

static enum elf_state state_of(struct bytes *b, struct elf_file *ret)
{
        const struct elf_source source = { read_at, b, b->size, false };
        enum elf_state state;

        assert_int_equal(elf_read(&source, &state, ret), 0);
        return state;
}

/* This program says that it loads one library, and one of two others. */
#define SAYS                                                                                       \
        "[{\"feature\":\"x\",\"soname\":[\"libone.so.1\"]},{\"soname\":[\"libtwo.so.2\","          \
        "\"libtwo.so.1\"]}]"

__attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {
        uint32_t owner_size, text_size, type;
        char owner[4];
        char text[(sizeof(SAYS) + 3) & ~3u];
} says = { 4, sizeof(SAYS), 0x407c0c0a, "FDO", SAYS };

static int load_self(void **state)
{
        static struct bytes self;
        FILE *f = fopen("/proc/self/exe", "rb");
        size_t n;

        assert_non_null(f);
        self.size = 0;
        self.data = malloc((size_t)64 << 20);
        while ((n = fread(self.data + self.size, 1, 65536, f)) > 0)
                self.size += n;
        (void)fclose(f);
        *state = &self;
        return 0;
}

static int free_self(void **state)
{
        free(((struct bytes *)*state)->data);
        return 0;
}

static bool wants(const struct elf_file *e, const char *library, const char *version)
{
        for (size_t i = 0; i + 1 < e->wants.n; i += 2)
                if (strcmp(e->wants.list[i], library) == 0 &&
                    strncmp(e->wants.list[i + 1], version, strlen(version)) == 0)
                        return true;
        return false;
}

static void test_this_program(void **state)
{
        struct elf_file e;
        char name[ELF_NAME_MAX];

        assert_int_equal(state_of(*state, &e), ELF_GOOD);
        assert_int_equal(e.bits, sizeof(void *) * 8);
        assert_non_null(e.loader);
        assert_non_null(strstr(e.loader, "/ld-linux"));
        assert_true(argv_has(&e.needed, "libc.so.6"));
        assert_true(argv_has(&e.needed, "libone.so.1"));
        assert_false(argv_has(&e.needed, "libtwo.so.2"));
        assert_false(argv_has(&e.needed, "libtwo.so.1"));
        assert_true(wants(&e, "libc.so.6", "GLIBC_2."));
        assert_int_equal(e.has.n, 0);
        assert_true(elf_same_machine(&e, &e));
        elf_name(&e, name, sizeof(name));
        assert_non_null(strstr(name, "-bit "));
        elf_free(&e);
}

/* Where the contents of the last segment end. After that may be as much again that no segment has:
 * debug information. */
static size_t segments_end(const struct bytes *b)
{
        ElfW(Ehdr) head;
        size_t end = 0;

        memcpy(&head, b->data, sizeof(head));
        for (size_t i = 0; i < head.e_phnum; i++) {
                ElfW(Phdr) segment;

                memcpy(&segment, b->data + head.e_phoff + i * sizeof(segment), sizeof(segment));
                if (segment.p_offset + segment.p_filesz > end)
                        end = segment.p_offset + segment.p_filesz;
        }
        return end;
}

/* Whatever is cut off of its segments is missed. */
static void test_cut_short(void **state)
{
        struct bytes b = *(struct bytes *)*state;
        size_t end = segments_end(&b);

        assert_in_range(end, 4096 + 1, b.size);
        for (size_t missing = 1; missing <= end; missing = missing * 5 / 4 + 1) {
                struct elf_file e;
                enum elf_state s;

                b.size = end - missing;
                s = state_of(&b, &e);
                assert_int_not_equal(s, ELF_GOOD);
                if (b.size < EI_NIDENT)
                        assert_int_equal(s, ELF_NONE);
                else if (b.size >= 4096)
                        assert_int_equal(s, ELF_SHORT);
                assert_null(e.loader);
        }
}

/* Any byte of its head may be wrong, which is not to be survived, but read. */
static void test_wrong_bytes(void **state)
{
        struct bytes b = *(struct bytes *)*state;

        for (size_t i = 0; i < 4096 && i < b.size; i++) {
                static const unsigned char values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
                unsigned char was = b.data[i];

                for (size_t k = 0; k < rounds(sizeof(values)); k++) {
                        struct elf_file e;

                        b.data[i] = values[(i + k) % sizeof(values)];
                        (void)state_of(&b, &e);
                        elf_free(&e);
                }
                b.data[i] = was;
        }
}

static void test_other_things(void **state)
{
        static struct {
                char text[32];
                size_t size;
                enum elf_state want;
        } rows[] = {
                { "", 0, ELF_NONE },
                { "#!/bin/sh\nexec true\n", 20, ELF_SCRIPT },
                { "<html>404 Not Found</html>", 26, ELF_NONE },
                { "\177ELF", 4, ELF_NONE },
                { "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0", 18, ELF_BAD },
        };

        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                struct bytes b = { (unsigned char *)rows[i].text, rows[i].size };
                struct elf_file e;

                assert_int_equal(state_of(&b, &e), rows[i].want);
        }
}

/* A big-endian file of 32 bits, with nothing but its header and one segment. */
static void test_other_machines(void **state)
{
        unsigned char data[sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr)] = ELFMAG;
        struct bytes b = { data, sizeof(data) };
        struct elf_file e, same = { .bits = 32, .big = true, .machine = EM_S390 };
        char name[ELF_NAME_MAX];

        (void)state;
        data[EI_CLASS] = ELFCLASS32;
        data[EI_DATA] = ELFDATA2MSB;
        data[17] = ET_DYN;
        data[19] = EM_S390;
        data[31] = sizeof(Elf32_Ehdr);
        data[43] = sizeof(Elf32_Phdr);
        data[45] = 1;
        assert_int_equal(state_of(&b, &e), ELF_GOOD);
        assert_true(elf_same_machine(&e, &same));
        elf_name(&e, name, sizeof(name));
        assert_string_equal(name, "32-bit big-endian s390x");
        assert_null(e.loader);
        elf_free(&e);
        data[19] = 99;
        assert_int_equal(state_of(&b, &e), ELF_GOOD);
        assert_false(elf_same_machine(&e, &same));
        elf_name(&e, name, sizeof(name));
        assert_string_equal(name, "32-bit machine 99");
        data[45] = 0;
        assert_int_equal(state_of(&b, &e), ELF_BAD);
        data[45] = 2; /* one more than there is */
        assert_int_equal(state_of(&b, &e), ELF_SHORT);
        elf_free(&e);
}

/* A file of so many segments, each the same note of 1 MiB, which names so many libraries. */
static void make_of_notes(struct bytes *b, uint16_t segments, unsigned libraries)
{
        const size_t at = sizeof(Elf64_Ehdr) + segments * sizeof(Elf64_Phdr), size = 1 << 20;
        const uint32_t note[] = { 4, (uint32_t)size - 16, 0x407c0c0a, 0x4f4446 };
        Elf64_Ehdr head = { .e_ident = ELFMAG,
                            .e_type = ET_DYN,
                            .e_machine = EM_X86_64,
                            .e_phoff = sizeof(head),
                            .e_phentsize = sizeof(Elf64_Phdr),
                            .e_phnum = segments };
        Elf64_Phdr segment = { .p_type = PT_NOTE, .p_offset = at, .p_filesz = size };
        char *text;

        head.e_ident[EI_CLASS] = ELFCLASS64;
        head.e_ident[EI_DATA] = ELFDATA2LSB;
        b->size = at + size;
        b->data = calloc(1, b->size);
        memcpy(b->data, &head, sizeof(head));
        for (size_t i = 0; i < segments; i++)
                memcpy(b->data + sizeof(head) + i * sizeof(segment), &segment, sizeof(segment));
        memcpy(b->data + at, note, sizeof(note));
        text = (char *)b->data + at + sizeof(note);
        for (unsigned i = 0; i < libraries; i++)
                text += sprintf(text, "{\"soname\":[\"lib%u.so\"]}", i);
}

/* Each library that is needed is looked for in many directories: neither their number nor what is
 * read of each is the file's to say. */
static void test_few_are_needed_and_little_is_read(void **state)
{
        struct bytes b;
        struct elf_file e;
        struct elf_source source = { read_at, &b, 0, true };
        enum elf_state found;

        (void)state;
        make_of_notes(&b, 1, 1000);
        assert_int_equal(state_of(&b, &e), ELF_GOOD);
        assert_int_equal(e.needed.n, 64);
        elf_free(&e);
        source.size = b.size;
        assert_int_equal(elf_read(&source, &found, &e), 0);
        assert_int_equal(found, ELF_GOOD);
        assert_int_equal(e.needed.n, 0);
        elf_free(&e);
        free(b.data);
        make_of_notes(&b, 60, 0);
        assert_int_equal(state_of(&b, &e), ELF_BAD);
        elf_free(&e);
        free(b.data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_this_program, load_self, free_self),
                cmocka_unit_test_setup_teardown(test_cut_short, load_self, free_self),
                cmocka_unit_test_setup_teardown(test_wrong_bytes, load_self, free_self),
                cmocka_unit_test(test_other_things),
                cmocka_unit_test(test_other_machines),
                cmocka_unit_test(test_few_are_needed_and_little_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
