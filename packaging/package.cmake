# SPDX-License-Identifier: MIT
# One Debian package for all supported releases, built on the oldest one: `cpack -G DEB` in a build
# directory there. SOURCE_DATE_EPOCH, where set, is the time of every file in it, so that two builds of
# one source give the same bytes.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sshd-vsock)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "The sshd-vsock authors <sshd-vsock@example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "SSH over AF_VSOCK for Linux guests, verified before TCP closes")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES TRUE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# By hand and not by dpkg-shlibdeps, which would ask for the library versions of the builder.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "libc6 (>= 2.31), libsystemd0 (>= 240), libyaml-0-2")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "openssh-server, openssh-client, kmod")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Brings a Linux guest to a socket-activated SSH server on AF_VSOCK, verifies
 that it answers through the kernel's vsock loopback, and only then closes
 TCP where that is asked for. For image builds and first boot: cloud-init,
 Packer, mkosi, WSL. No daemon, no network in the guest.")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_SOURCE_DIR}/packaging/prerm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

find_program(GZIP gzip)
if(GZIP)
  # Debian policy 12.7: the changelog, compressed; -n, since gzip would note the time.
  add_custom_command(OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
    COMMAND ${GZIP} -9nc ${CMAKE_CURRENT_SOURCE_DIR}/packaging/changelog
            > ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/packaging/changelog)
  add_custom_target(changelog ALL DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/changelog.gz DESTINATION ${CMAKE_INSTALL_DOCDIR})
  install(CODE "file(GLOB pages
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_MANDIR}/man*/sshd-vsock*[58]\")
    execute_process(COMMAND ${GZIP} -9nf \${pages})")
endif()
install(FILES packaging/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

if(DEFINED ENV{SOURCE_DATE_EPOCH})
  install(CODE "execute_process(COMMAND find \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}\"
    -exec touch --no-dereference --date=@$ENV{SOURCE_DATE_EPOCH} {} +)")
endif()
include(CPack)
