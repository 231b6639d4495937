from pichay_cli.fitting import LAST, Fitted, Slot
from pichay_cli.render import line, lines
from tests.pichay_cli.screens import screen, text


def rows(*words):
    return lines([line(word) for word in words])


def shown(slots, height):
    return screen(Fitted(slots), 20, height + 2).splitlines()


HEAD, BODY = Slot(rows("head"), 0), Slot(rows("one", "two"), 1)
FEED = Slot(rows("feed", "1", "2", "3", "4", "5"), 2, least=3, focus=LAST)


def test_where_there_is_room_there_is_air():
    assert shown([HEAD, BODY], 4) == ["head", "", "one", "two"]
    assert shown([HEAD, BODY], 3) == ["head", "one", "two"]


def test_what_is_joined_has_no_air():
    assert shown([HEAD, Slot(rows("one"), 1, joined=True)], 9) == ["head", "one"]


def test_what_does_not_fit_goes_by_rank_and_the_order_stays():
    assert shown([BODY, HEAD], 2) == ["head"]
    assert shown([BODY, HEAD, Slot(rows("more"), 2)], 2) == ["head", "more"]


def test_a_feed_shows_its_title_and_its_end_and_grows_with_the_screen():
    assert shown([HEAD, FEED], 4) == ["head", "feed", "4", "5"]
    assert shown([HEAD, FEED], 6) == ["head", "", "feed", "3", "4", "5"]


def test_a_list_shows_what_is_around_its_focus():
    listed = [Slot(rows("list", *map(str, range(9))), 0, least=3, focus=at) for at in (0, 4, 8)]
    assert [shown([one], 4) for one in listed] == [
        ["list", "0", "1", "2"],
        ["list", "3", "4", "5"],
        ["list", "6", "7", "8"],
    ]


def test_lines_that_are_left_are_shared():
    two = [Slot(rows(name, *"123456"), 0, least=2) for name in ("a", "b")]
    assert shown(two, 7) == ["a", "1", "2", "", "b", "1", "2"]


def test_where_there_is_no_screen_there_is_everything():
    assert text(Fitted([HEAD, FEED])).splitlines() == ["head", "", "feed", *"12345"]
