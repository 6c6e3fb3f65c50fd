"""The records that go in and come out: plain frozen data, no framework, no storage."""
