"""The watch over the application's connections; the runs themselves are made with RETORT_FULL_TESTS=1."""

import os
import subprocess
import sys

import pytest

from tests.offline import run_offline

TRACE = """\
101 connect(5, {sa_family=AF_UNIX, sun_path="/run/user/bus"}, 23) = -1 ENOENT
101 connect(5, {sa_family=AF_INET, sin_port=htons(8431), sin_addr=inet_addr("127.0.0.1")}, 16) = 0
101 bind(5, {sa_family=AF_INET, sin_port=htons(0), sin_addr=inet_addr("0.0.0.0")}, 16) = 0
101 connect(7, {sa_family=AF_INET6, sin6_port=htons(80), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "::1", \
&sin6_addr), sin6_scope_id=0}, 28) = 0
102 sendto(9, "\\24\\0\\0\\0", 20, 0, {sa_family=AF_NETLINK, nl_pid=0, nl_groups=00000000}, 12) = 20
"""
STRANGERS = (
    '1 connect(5, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("3.171.1.2")}, 16) = -1',
    '1 connect(5, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0',
    "1 connect(5, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), "
    'inet_pton(AF_INET6, "2600:9000::1", &sin6_addr), sin6_scope_id=0}, 28) = -1 ENETUNREACH',
    '1 sendto(5, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("10.0.0.1")}, 16) = 1',
    "1 sendmmsg(3, [{msg_hdr={msg_name={sa_family=AF_INET, sin_port=htons(53), "
    'sin_addr=inet_addr("8.8.8.8")}, msg_namelen=16, msg_iovlen=1}}], 1, 0) = 1',
    '1 bind(5, {sa_family=AF_INET, sin_port=htons(8431), sin_addr=inet_addr("0.0.0.0")}, 16) = 0',
)


def test_only_this_computer_is_no_stranger() -> None:
    assert run_offline.strangers(TRACE.splitlines()) == []


@pytest.mark.parametrize("line", STRANGERS)
def test_every_other_address_is_one_and_a_name_server_always(line: str) -> None:
    assert run_offline.strangers([line]) == [line]


@pytest.mark.slow
@pytest.mark.skipif(not os.environ.get("RETORT_FULL_TESTS"), reason="two whole runs: RETORT_FULL_TESTS=1")
def test_the_whole_application_speaks_to_nobody_but_this_computer() -> None:
    done = subprocess.run(
        [sys.executable, run_offline.__file__], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
