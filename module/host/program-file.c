/* SPDX-License-Identifier: MIT
 *
 * program-file.c: see program-file.h. Looks for libraries where the dynamic loaders of Debian,
 * Fedora, SUSE and Arch do by themselves, and believes the image's ld.so.cache, or the program
 * where it has a path of its own (Nix), for other places.
 */
#include "host/program-file.h"

#include "core/format/elf-file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define CACHE     "/etc/ld.so.cache"
#define CACHE_MAX ((size_t)4 << 20)

/* systemd itself: what it was built for the image runs. */
static const char *const natives[] = { "/usr/lib/systemd/systemd", "/lib/systemd/systemd", NULL };

/* Multiarch names first: the plain ones may hold those of another machine. */
static const char *const directories[] = {
        "/usr/lib/x86_64-linux-gnu",
        "/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/lib/aarch64-linux-gnu",
        "/usr/lib/arm-linux-gnueabihf",
        "/lib/arm-linux-gnueabihf",
        "/usr/lib/i386-linux-gnu",
        "/lib/i386-linux-gnu",
        "/usr/lib/riscv64-linux-gnu",
        "/usr/lib/powerpc64le-linux-gnu",
        "/usr/lib/s390x-linux-gnu",
        "/usr/lib64",
        "/lib64",
        "/usr/lib",
        "/lib",
        "/usr/local/lib",
        NULL,
};

static ssize_t read_at(void *userdata, uint64_t offset, void *buffer, size_t size)
{
        return TEMP_FAILURE_RETRY(pread(*(int *)userdata, buffer, size, (off_t)offset));
}

/* 1 where there is a file, and what it is; 0 where none can be read. */
static int look(const struct rootfs *root, const char *path, bool no_needs,
                enum elf_state *ret_state, struct elf_file *ret)
{
        AUTO_CLOSE int fd = -1;
        struct elf_source source = { .read = read_at, .userdata = &fd, .no_needs = no_needs };
        struct stat st;
        int r = rootfs_open_file(root, path, &fd, &st);

        if (r < 0)
                return r == -ENOMEM ? r : 0;
        source.size = (uint64_t)st.st_size;
        r = elf_read(&source, ret_state, ret);
        return r == 0 ? 1 : r == -ENOMEM ? r : 0;
}

/* As look(), in the directories, of that machine. */
static int find_library(const struct rootfs *root, const struct elf_file *program, const char *name,
                        struct elf_file *ret)
{
        for (size_t i = 0; directories[i]; i++) {
                char path[512];
                enum elf_state state = ELF_NONE;
                int r;

                (void)snprintf(path, sizeof(path), "%s/%s", directories[i], name);
                r = look(root, path, true, &state, ret);
                if (r < 0 || (r > 0 && state == ELF_GOOD && elf_same_machine(program, ret)))
                        return r;
                if (r > 0)
                        elf_free(ret);
        }
        return 0;
}

static bool is_cached(const struct rootfs *root, const char *name)
{
        AUTO_FREE char *cache = NULL;
        char wanted[256];
        size_t len;
        int n = snprintf(wanted, sizeof(wanted), "/%s", name);

        return n > 0 && (size_t)n < sizeof(wanted) &&
               rootfs_read(root, CACHE, CACHE_MAX, &cache, &len, NULL) == 0 &&
               memmem(cache, len + 1, wanted, (size_t)n + 1);
}

static int judge_library(const struct rootfs *root, const struct elf_file *program,
                         const char *name, char *ret, size_t size)
{
        AUTO(elf_free) struct elf_file library = { 0 };
        int r = find_library(root, program, name, &library);

        if (r == 0 && !program->own_path && !is_cached(root, name))
                (void)snprintf(ret, size, "it needs %s, which the image lacks", name);
        for (size_t i = 0; r > 0 && i + 1 < program->wants.n; i += 2)
                if (strcmp(program->wants.list[i], name) == 0 &&
                    !argv_has(&library.has, program->wants.list[i + 1])) {
                        (void)snprintf(ret, size, "it needs %s of %s, and the image's is older",
                                       program->wants.list[i + 1], name);
                        break;
                }
        return r < 0 ? r : 0;
}

static int judge_machine(const struct rootfs *root, const struct elf_file *program, char *ret,
                         size_t size)
{
        char one[ELF_NAME_MAX], other[ELF_NAME_MAX];
        int r = 0;

        for (size_t i = 0; r == 0 && natives[i]; i++) {
                AUTO(elf_free) struct elf_file native = { 0 };
                enum elf_state state = ELF_NONE;

                r = look(root, natives[i], true, &state, &native);
                if (r <= 0 || state != ELF_GOOD || elf_same_machine(program, &native))
                        continue;
                elf_name(program, one, sizeof(one));
                elf_name(&native, other, sizeof(other));
                (void)snprintf(ret, size, "it is for %s, and the image's systemd for %s", one,
                               other);
        }
        if (r >= 0 && !ret[0] && program->loader &&
            rootfs_is_file(root, program->loader, true) <= 0)
                (void)snprintf(ret, size, "it needs the dynamic loader %s, which the image lacks",
                               program->loader);
        return r < 0 ? r : 0;
}

int program_file_judge(const struct rootfs *root, const char *path, char *ret, size_t size)
{
        static const char *const words[] = {
                [ELF_GOOD] = "",
                [ELF_NONE] = "it is no program",
                [ELF_SCRIPT] = "",
                [ELF_SHORT] = "it is cut short",
                [ELF_BAD] = "it is damaged",
        };
        AUTO(elf_free) struct elf_file program = { 0 };
        enum elf_state state = ELF_SCRIPT;
        int r = look(root, path, false, &state, &program);

        (void)snprintf(ret, size, "%s", words[state]);
        if (r <= 0 || state != ELF_GOOD)
                return r < 0 ? r : 0;
        r = judge_machine(root, &program, ret, size);
        for (size_t i = 0; r == 0 && !ret[0] && i < program.needed.n; i++)
                r = judge_library(root, &program, program.needed.list[i], ret, size);
        return r;
}
