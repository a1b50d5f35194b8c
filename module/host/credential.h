/* SPDX-License-Identifier: MIT
 *
 * credential.h: finds what the machine was booted with: systemd's system credentials, by SMBIOS,
 * the kernel's command line, fw_cfg or a container's manager.
 */
#pragma once

#include "host/rootfs.h"

/* The configuration, where there is no file. */
#define CREDENTIAL_CONFIG "sshd-vsock.yaml"

/* The file that holds the credential: 1 and its path, which the caller frees. 0 where there is none
 * and always in an image, which nobody has booted; -EACCES where only root can tell, or -ENOMEM. */
int credential_find(const struct rootfs *root, const char *name, char **ret) MUST_CHECK;
