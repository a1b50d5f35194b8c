"""The program that reports its own memory errors, and how a report gets out of a guest.

Most of its runs in a guest are in units whose stderr nobody reads, so what the sanitizers find goes
to files; the harness looks for them when a guest ends.
"""

# Each process appends its id. /var/tmp outlives a reboot, and all users can write to it.
REPORT = "/var/tmp/sshd-vsock-sanitizer"

# An exit status that no test expects.
STATUS = 86

# Linked into the program, because units and scripts start it in environments of their own.
# Debian 11's runtime looks for a header of glibc 2.18 before thread-local memory of a library that is
# loaded late, where the address is 16 behind a page's begin, and reads its own there
# (sanitizer_tls_get_addr.cpp): the search for leaks then looks into the void, by chance of the heap.
DEFAULTS = f"""
#define OPTIONS "log_path={REPORT}:exitcode={STATUS}"

const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{{
        return OPTIONS ":handle_abort=1:intercept_tls_get_addr=0";
}}

const char *__ubsan_default_options(void)
{{
        return OPTIONS ":print_stacktrace=1";
}}
"""

# Goes before a command that runs the program on this machine, where stderr is read.
ALOUD = ("env", "ASAN_OPTIONS=log_path=stderr", "UBSAN_OPTIONS=log_path=stderr")


class SanitizerReport(AssertionError):
    """A run of the program in a guest was not as clean as its exit status may have said."""


def reports(root):
    """The text of all reports in the guest whose root folder is there; empty where there are
    none."""
    found = sorted((root / REPORT.lstrip("/")).parent.glob(REPORT.rpartition("/")[2] + ".*"))
    return "\n".join(f"{file.name}:\n{file.read_text(encoding='utf-8', errors='replace')}"
                     for file in found)
