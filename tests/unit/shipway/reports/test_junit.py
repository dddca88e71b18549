from __future__ import annotations

from shipway.reports.junit import pack, unpack


def test_what_is_packed_comes_back_and_is_the_same_each_time() -> None:
    xml = '<testsuites><testcase name="é"/></testsuites>' * 1000
    assert unpack(pack(xml)) == xml.encode()
    assert pack(xml) == pack(xml)
    assert len(pack(xml)) < len(xml) / 50
