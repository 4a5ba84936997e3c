import socket
from pathlib import Path

import pytest

from local_stack.errors import StackError
from local_stack.ports import PortBook, free_ports, is_free


def test_ports_are_kept(tmp_path: Path) -> None:
    first = PortBook(tmp_path).reserve("kafka", 2)
    assert len(set(first)) == 2
    assert PortBook(tmp_path).reserve("kafka", 2) == first


def test_names_never_share_a_port(tmp_path: Path) -> None:
    book = PortBook(tmp_path)
    ports = [port for number in range(20) for port in book.reserve(f"service-{number}")]
    assert len(set(ports)) == 20


def test_a_port_that_somebody_else_took_is_replaced(tmp_path: Path) -> None:
    (port,) = PortBook(tmp_path).reserve("api")
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", port))
        taker.listen()
        assert not is_free(port)
        (other,) = PortBook(tmp_path).reserve("api")
    assert other != port
    assert PortBook(tmp_path).reserve("api") == [other]


def test_replaced_ports_are_other_ports(tmp_path: Path) -> None:
    book = PortBook(tmp_path)
    before = book.reserve("kafka", 2)
    assert set(book.replace("kafka")).isdisjoint(before)


def test_no_port_is_one_that_the_kernel_hands_out() -> None:
    setting = Path("/proc/sys/net/ipv4/ip_local_port_range")
    low, high = (int(word) for word in setting.read_text().split()) if setting.exists() else (32_768, 60_999)
    assert not any(low <= port <= high for port in free_ports(50, preferred=[], avoid=set()))


def test_no_free_port_is_said() -> None:
    with pytest.raises(StackError, match="no 1 free ports"):
        free_ports(1, preferred=[], avoid=set(range(65_536)))
