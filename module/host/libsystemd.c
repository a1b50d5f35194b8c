/* SPDX-License-Identifier: MIT
 *
 * libsystemd.c: see libsystemd.h. The table is the one variable outside of main that changes: it is
 * filled once, and each function in it is the same for all.
 */
#include "host/libsystemd.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* Tells packagers what their tools do not find among the libraries that the program is linked with:
 * uapi-group.org/specifications/specs/elf_dlopen_metadata. An image is brought to it without. */
#define DLOPEN_NOTE                                                                                \
        "[{\"feature\":\"systemd\",\"description\":\"everything but --root\","                     \
        "\"priority\":\"recommended\",\"soname\":[\"" LIBSYSTEMD_SONAME "\"]}]"

__attribute__((used, section(".note.dlopen"), aligned(4))) static const struct {
        uint32_t owner_size, text_size, type;
        char owner[4];
        char text[(sizeof(DLOPEN_NOTE) + 3) & ~3u];
} note = { 4, sizeof(DLOPEN_NOTE), 0x407c0c0a, "FDO", DLOPEN_NOTE };

static struct {
        bool filled;
        struct libsystemd functions;
} table;

/* As in the struct. */
static const char *const names[] = {
#define LIBSYSTEMD_NAME(name) #name,
        LIBSYSTEMD_FUNCTIONS(LIBSYSTEMD_NAME)
};

_Static_assert(sizeof(table.functions) == sizeof(names), "a pointer for each name");

static int look_up(void *library, struct libsystemd *ret)
{
        void *found[ELEMENTSOF(names)];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                found[i] = dlsym(library, names[i]);
                if (!found[i])
                        return -ELIBBAD;
        }
        memcpy(ret, found, sizeof(found));
        return 0;
}

int libsystemd_load(struct error *error)
{
        void *library;
        int r;

        if (table.filled)
                return 0;
        library = dlopen(LIBSYSTEMD_SONAME, RTLD_NOW);
        r = library ? look_up(library, &table.functions) : -ELIBACC;
        table.filled = r == 0;
        if (r < 0) {
                error_fix(error, "install the package libsystemd0 (Fedora, Arch: systemd-libs)");
                return error_say(error, r, "cannot speak to systemd: %s", dlerror());
        }
        return r;
}

const struct libsystemd *libsystemd(void)
{
        return &table.functions;
}
