from hello import greeting


def test_it_greets_the_world() -> None:
    assert greeting() == "Hello, world!"


def test_it_greets_by_name() -> None:
    assert greeting("Ada") == "Hello, Ada!"
