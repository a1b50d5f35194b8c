/* SPDX-License-Identifier: MIT
 *
 * label.h: SELinux's labels of what is written: the only one that sets them, but for
 * atomic-file.c, where a new file keeps that of the one it replaces; and whether its mode lasts.
 * Which label the policy wants for a path stands in its file_contexts, which libselinux reads;
 * that is not linked, so restorecon is asked, which comes with every policy. Until it was, and in
 * an image, where no program is run, what is new has the label of its directory.
 */
#pragma once

#include "host/rootfs.h"

/* Gives what was just made in the directory `dir` that directory's label, where it has another or
 * none: a policy may want another one for what a boot unit makes (etc_runtime_t in /etc, which no
 * other program may read then). 0, also where nothing has labels, or −errno. */
int label_like_directory(int dir, const char *name) MUST_CHECK;

/* Gives a path of the running system the label that another one has; nothing where that has none.
 */
void label_like(const char *path, const char *model);

/* Whether this kernel has a policy loaded, and restorecon is there to be asked about it. */
bool label_is_known(void);

/* Gives the paths of the running system the labels that the policy wants. 0 too where no policy is;
 * -EIO, with restorecon's own words in `error`. */
int label_restore(const char *const paths[], size_t n, struct error *error) MUST_CHECK;

/* Sets wrong[k] where the policy wants another label for paths[k]. No answer is "no". 0 or -ENOMEM.
 */
int label_check(const char *const paths[], size_t n, bool wrong[]) MUST_CHECK;

/* Whether SELinux lets all pass now (setenforce 0, or enforcing=0 on the kernel's command line) and
 * at the next boot may not: what works now may not work then. */
bool label_lets_pass_for_now(const struct rootfs *root);

/* Whether the path of an image has no label, though the image has a policy that is to be loaded,
 * and no boot is told to label all there is (/.autorelabel). */
bool label_is_missing(const struct rootfs *root, const char *path);
