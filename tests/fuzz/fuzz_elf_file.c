/* SPDX-License-Identifier: MIT
 *
 * fuzz_elf_file.c: reading any bytes as an ELF file ends, stays inside of them, and leaves nothing
 * behind unless it says that they are good.
 */
#include "core/format/elf-file.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
        const uint8_t *data;
        size_t size;
};

static ssize_t read_at(void *userdata, uint64_t offset, void *buffer, size_t size)
{
        const struct bytes *b = userdata;

        if (offset > b->size || size > b->size - offset)
                abort(); /* what it reads it has looked at first */
        memcpy(buffer, b->data + offset, size);
        return (ssize_t)size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct bytes b = { data, size };
        const struct elf_source source = { read_at, &b, size, size % 2 == 1 };
        enum elf_state state;
        struct elf_file elf;
        char name[ELF_NAME_MAX];

        if (elf_read(&source, &state, &elf) < 0)
                abort();
        if (state != ELF_GOOD && (elf.loader || elf.needed.n || elf.wants.n || elf.has.n))
                abort();
        if (elf.wants.n % 2 != 0)
                abort();
        elf_name(&elf, name, sizeof(name));
        elf_free(&elf);
        return 0;
}
