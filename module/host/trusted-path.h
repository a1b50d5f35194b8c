/* SPDX-License-Identifier: MIT
 *
 * trusted-path.h: whether root alone decides what is at a path: what runs as root at each boot must
 * not be anybody else's to replace.
 */
#pragma once

#include "host/rootfs.h"

/* 1 when every directory on the way, those that links lead through included, and the file in the
 * end belong to root and can be written by nobody else; 0 when not; -ENOENT and others as they are.
 * In an image root is whoever owns its root directory, or root. */
int trusted_path_is_file(const struct rootfs *r, const char *path) MUST_CHECK;
