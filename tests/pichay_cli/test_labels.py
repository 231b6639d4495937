"""Where the names of points go."""

from itertools import combinations, pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from pichay_cli.labels import NEAR, Box, Line, Point, places

WITHIN = Box(0, 0, 600, 400)
SIZE = (80.0, 9.0)


def cloud(count, spread, seed=1):
    random = Random(seed)
    return [Point(random.gauss(300, spread), random.gauss(200, spread)) for _ in range(count)]


def named(points, **options):
    return places(points, [SIZE] * len(points), WITHIN, **options)


def test_a_lonely_point_has_its_name_to_the_right_and_near():
    (box,) = named([Point(300, 200)])
    assert box.left > 300
    assert box.bottom < 200 < box.top
    assert not Line(Point(300, 200), box.nearest(Point(300, 200))).needed


def test_every_name_has_its_size():
    for box in named(cloud(20, 60)):
        assert abs(box.right - box.left - SIZE[0]) < 1e-9
        assert abs(box.top - box.bottom - SIZE[1]) < 1e-9


def test_names_of_a_crowd_do_not_overlap():
    for seed in range(5):
        boxes = named(cloud(24, 40, seed))
        shared = sum(one.shared(other) for one, other in combinations(boxes, 2))
        assert shared < 0.01 * sum(box.area for box in boxes)


def test_names_stay_inside():
    corners = [Point(2, 2), Point(598, 2), Point(2, 398), Point(598, 398)]
    assert all(box.shared(WITHIN) > 0.99 * box.area for box in named(corners))


def test_a_name_does_not_cover_what_is_taken():
    taken = Box(305, 190, 420, 210)
    (box,) = named([Point(300, 200)], taken=[taken])
    assert box.shared(taken) == 0


def test_the_same_points_have_the_same_places():
    assert named(cloud(24, 40)) == named(cloud(24, 40))


def test_a_name_that_stands_off_is_joined_by_a_line():
    start = Point(0, 0)
    assert not Line(start, Point(NEAR, 0)).needed
    assert Line(start, Point(NEAR + 1, 0)).needed


def test_lines_that_cross_are_known_and_those_that_meet_at_an_end_are_not():
    across = Line(Point(0, 0), Point(10, 10))
    assert across.crosses(Line(Point(0, 10), Point(10, 0)))
    assert not across.crosses(Line(Point(0, 0), Point(10, 0)))
    assert across.passes(Box(4, 4, 6, 6))
    assert not across.passes(Box(4, 0, 6, 2))


@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400)), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None)
def test_there_is_a_place_for_every_name_wherever_the_points_are(pairs):
    points = [Point(*pair) for pair in pairs]
    assert len(named(points)) == len(points)
    assert all(one is not other for one, other in pairwise(named(points)))
