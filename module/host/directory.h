/* SPDX-License-Identifier: MIT
 *
 * directory.h: an open directory that is closed with its variable: AUTO(close_directory).
 */
#pragma once

#include <dirent.h>

static inline void close_directory(DIR **d)
{
        if (*d)
                (void)closedir(*d);
}
