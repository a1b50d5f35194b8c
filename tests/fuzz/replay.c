/* SPDX-License-Identifier: MIT
 *
 * replay.c: runs a fuzz target over the files of a folder, without libFuzzer: so that what fuzzing
 * found once is tried in every test run, by every compiler. Fails where it finds no file.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
        FILE *f = fopen(path, "rb");
        uint8_t *data;
        struct stat st;
        size_t n;

        if (!f)
                return 0;
        if (fstat(fileno(f), &st) < 0 || !S_ISREG(st.st_mode)) {
                (void)fclose(f);
                return 0;
        }
        /* of exactly that size, so that AddressSanitizer sees a read beyond it */
        data = malloc((size_t)st.st_size + (st.st_size == 0));
        n = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
        (void)fclose(f);
        (void)LLVMFuzzerTestOneInput(data, n);
        free(data);
        return 1;
}

int main(int argc, char *argv[])
{
        DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
        int replayed = 0;

        if (!dir)
                return 2;
        for (const struct dirent *e; (e = readdir(dir));) {
                char path[4096];

                (void)snprintf(path, sizeof(path), "%s/%s", argv[1], e->d_name);
                replayed += replay(path);
        }
        (void)closedir(dir);
        printf("%d inputs\n", replayed);
        return replayed > 0 ? 0 : 1;
}
