/* SPDX-License-Identifier: MIT
 *
 * program-file.h: whether an image can run the program that it holds, told without running it: by
 * the machine, the dynamic loader, the libraries and the versions of their symbols. Reads.
 */
#pragma once

#include "host/rootfs.h"

/* Writes one clause that says why it cannot ("it needs GLIBC_2.34 of libc.so.6, …"), or "" where it
 * can as far as is seen: a script is not looked into, nor what cannot be read. 0 or -ENOMEM. */
int program_file_judge(const struct rootfs *root, const char *path, char *ret,
                       size_t size) MUST_CHECK;
