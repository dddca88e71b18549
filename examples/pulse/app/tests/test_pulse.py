from pulse import Counter, status_of


def test_as_many_fail_as_the_release_says():
    for percent in (0, 20, 100):
        statuses = [status_of(number, percent) for number in range(100)]
        assert statuses.count(500) == percent


def test_every_status_is_there_from_the_beginning():
    counter = Counter()
    assert 'requests_total{code="500"} 0' in counter.page()
    assert counter.add(500) == 1
    assert 'requests_total{code="500"} 1' in counter.page()
